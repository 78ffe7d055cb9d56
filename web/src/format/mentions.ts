// Names of people in a text.

import type { Context } from './context';
import type { Inline } from './nodes';

/** Of a word, if it names somebody. `after`: what follows it; `first`: it begins the message. */
export function mention(word: string, after: string, first: boolean, context: Context): Inline & { kind: 'mention' } | null {
  const at = word.startsWith('@');
  // Names end with signs that sentences end with, too.
  for (let called = at ? word.slice(1) : word; called; ) {
    const whole = called.length === word.length - (at ? 1 : 0);
    const next = whole ? after : word.charAt((at ? 1 : 0) + called.length);
    // `@bob@example.org` is an address elsewhere.
    if (next === '@') return null;
    const me = context.isMe(called);
    const addressed = at || me || (first && (next === ':' || next === ','));
    const nick = addressed ? context.person(called) : null;
    if (nick !== null || (me && addressed)) {
      return { kind: 'mention', nick: nick ?? called, me, text: at ? `@${called}` : called };
    }
    if (/[A-Za-z0-9]$/.test(called) || !/[^\p{L}\p{N}]$/u.test(called)) return null;
    called = called.slice(0, -1);
  }
  return null;
}

/** As the server counts: whether the text names this person as a word by itself, in any case; not in code, nor in an address. */
export function mentions(text: string, nick: string): boolean {
  if (!nick) return false;
  const [within, sought] = [text.toLowerCase(), nick.toLowerCase()];
  const ofName = /[\p{L}\p{N}\p{M}_\-[\]{}\\|^]/u;
  for (let at = within.indexOf(sought); at >= 0; at = within.indexOf(sought, at + 1)) {
    const [before, after] = [within.slice(0, at), within.slice(at + sought.length)];
    if (ofName.test(Array.from(before.slice(-2)).at(-1) ?? '') || ofName.test(Array.from(after.slice(0, 2))[0] ?? '')) continue;
    // Part of `https://…` or of `somebody@…`.
    if (!/(:\/\/\S*|[\p{L}\p{N}]@)$/u.test(before) && !endsInCode(before, after)) return true;
  }
  return false;
}

/** Between them is code: as many backticks as opened it close it. */
function endsInCode(before: string, after: string): boolean {
  const runs = (text: string) => (text.match(/`+/g) ?? []).map((run) => run.length);
  const [opening, closing] = [runs(before), runs(after)];
  let open = 0;
  opening.forEach((length, at) => {
    if (open === length) open = 0;
    else if (open === 0 && (opening.includes(length, at + 1) || closing.includes(length))) open = length;
  });
  return open > 0;
}
