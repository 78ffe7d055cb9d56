// What stands within a line: emphasis, code, links, names, rooms, and the old formatting of IRC.

import { deepest, type Context } from './context';
import { namedLink, plainLink, safeAddress } from './links';
import { mention } from './mentions';
import type { Inline } from './nodes';

type Paired = 'strong' | 'emphasis' | 'underline' | 'strike' | 'spoiler';

const pairs: readonly { mark: string; kind: Paired; word: boolean; /** What stands within it, too. */ and?: Paired }[] = [
  { mark: '***', kind: 'strong', and: 'emphasis', word: false },
  { mark: '___', kind: 'strong', and: 'emphasis', word: true },
  { mark: '**', kind: 'strong', word: false },
  { mark: '__', kind: 'strong', word: true },
  { mark: '~~', kind: 'strike', word: false },
  { mark: '||', kind: 'spoiler', word: false },
  { mark: '*', kind: 'emphasis', word: false },
  { mark: '_', kind: 'emphasis', word: true },
];

// IRC's formatting (modern.ircdocs.horse/formatting): toggles.
const toggles: Record<string, Paired> = { '\x02': 'strong', '\x1d': 'emphasis', '\x1f': 'underline', '\x1e': 'strike' };
const ircFormatting = /[\x02\x03\x0f\x11\x16\x1d-\x1f]/;

// The tables behind `\p{…}` are large, and most words need none of them.
const asciiWord = /[A-Za-z0-9]+/y;
const goesOn = /[_\-[\]{}\\|^`\u0080-\uffff]/;
const wordBeyondAscii = /[\p{L}\p{N}_]/u;
const isWord = { test: (character: string): boolean => /^[A-Za-z0-9_]/.test(character) || (character > '\x7f' && wordBeyondAscii.test(character)) };
const punctuation = /[!-/:-@[-`{-~]/;
const link = /(?:(?:https?|ircs?):\/\/|www\.(?=[^\s.]+\.[^\s.]))[^\s<>"\u0002\u0003\u000f\u0011\u0016\u001d-\u001f]+/iy;
const bracketed = /<((?:https?|ircs?):\/\/[^\s<>"]+)>/iy;
const named = /\[([^\]\n]{1,200})\]\(((?:https?|ircs?):\/\/[^\s<>"()]{1,1000}(?:\([^\s<>"()]{0,200}\)[^\s<>"()]{0,200})?)(?:\s+(?:"([^"\n]{0,200})"|'([^'\n]{0,200})'))?\)/iy;
const name = /@?([\p{L}\p{N}\p{M}_\-[\]{}\\|^`]{1,64})/uy;
const room = /#\+?[\p{L}\p{N}\p{M}_\-+.&]{1,64}/uy;

export function inline(text: string, context: Context, depth: number, begins: boolean): Inline[] {
  if (ircFormatting.test(text)) return ofIrc(text, context, depth, begins);
  const found: Inline[] = [];
  let run = '';
  const add = (node: Inline): void => {
    if (run) found.push({ kind: 'text', text: run });
    run = '';
    found.push(node);
  };
  const hopeless = new Set<string>();
  let at = 0;
  while (at < text.length) {
    const character = text.charAt(at);
    const before = at > 0 ? text.charAt(at - 1) : '';
    switch (character) {
      case '\n':
        add({ kind: 'break' });
        at += 1;
        continue;
      case '\\': {
        const next = text.charAt(at + 1);
        // ¯\_(ツ)_/¯ keeps its arm.
        if (next && punctuation.test(next)) {
          run += before === '¯' ? `\\${next}` : next;
          at += 2;
          continue;
        }
        break;
      }
      case '`': {
        const ticks = /^`+/.exec(text.slice(at, at + 16))?.[0] ?? '`';
        const end = hopeless.has(ticks) ? -1 : closingTicks(text, at + ticks.length, ticks);
        if (end >= 0) {
          const code = text.slice(at + ticks.length, end);
          add({ kind: 'code', text: code.length > 2 && /^ .*\S.* $/s.test(code) ? code.slice(1, -1) : code });
          at = end + ticks.length;
        } else {
          hopeless.add(ticks);
          run += ticks;
          at += ticks.length;
        }
        continue;
      }
      case '<': {
        bracketed.lastIndex = at;
        const match = bracketed.exec(text);
        const href = match?.[1] ? safeAddress(match[1]) : null;
        if (match?.[1] && href) {
          add({ kind: 'link', href, text: match[1] });
          at += match[0].length;
          continue;
        }
        break;
      }
      case '[': {
        named.lastIndex = at;
        const match = named.exec(text);
        const node = match ? namedLink(match[1] ?? '', match[2] ?? '', match[3] ?? match[4]) : null;
        if (match && node) {
          add(node);
          at += match[0].length;
          continue;
        }
        break;
      }
      case '#': {
        room.lastIndex = at;
        const match = isWord.test(before) || before === '#' || before === '/' || before === '&' ? null : room.exec(text);
        const called = match?.[0].replace(/[.\-&]+$/, '') ?? '';
        // `#12` is rather a number in someone's list.
        if (called.length > 1 && !/^#\d+$/.test(called) && called !== '#+') {
          add({ kind: 'room', name: called });
          at += called.length;
          continue;
        }
        break;
      }
    }
    // Where a `***` does not end, it may be a `**` and more.
    const pair = depth < deepest ? pairs.find(({ mark, and }) => text.startsWith(mark, at) && !(and && hopeless.has(mark))) : undefined;
    if (pair) {
      const { mark, kind, word, and } = pair;
      // 2*3*4 is a product.
      const opens = !hopeless.has(mark) && !/^[\s]?$/.test(text.charAt(at + mark.length)) && !(word && isWord.test(before)) && !(mark === '*' && /^\d\d$/.test(before + text.charAt(at + 1)));
      const end = opens ? closing(text, at + mark.length, mark, word) : -1;
      if (end >= 0) {
        const children = inline(text.slice(at + mark.length, end), context, depth + 1, false);
        add({ kind, children: and ? [{ kind: and, children }] : children });
        at = end + mark.length;
        continue;
      }
      if (opens) hopeless.add(mark);
      if (and && opens) continue;
      // All of the run, or the second half of `**` would be tried as a `*`.
      run += mark;
      at += mark.length;
      continue;
    }
    if (/[hiw]/i.test(character) && !isWord.test(before)) {
      link.lastIndex = at;
      const match = link.exec(text);
      const node = match ? plainLink(match[0]) : null;
      if (node) {
        add(node);
        at += node.text.length;
        continue;
      }
    }
    if (!isWord.test(before) && before !== '@') {
      name.lastIndex = asciiWord.lastIndex = at;
      const simple = asciiWord.exec(text);
      const match = simple && !goesOn.test(text.charAt(asciiWord.lastIndex)) ? simple : name.exec(text);
      const node = match ? mention(match[0], text.charAt(at + match[0].length), begins && at === 0, context) : null;
      if (match && node) {
        add(node);
        at += node.text.length;
        continue;
      }
      if (match && !match[0].startsWith('@')) {
        // A word, up to where something else could begin.
        const word = match === simple ? match[0] : (/^[\p{L}\p{N}\p{M}]+/u.exec(match[0])?.[0] ?? '');
        if (word && !/^(?:https?|ircs?)$/i.test(word)) {
          run += word;
          at += word.length;
          continue;
        }
      }
    }
    const point = text.codePointAt(at) ?? 0;
    const whole = String.fromCodePoint(point);
    run += whole;
    at += whole.length;
  }
  if (run) found.push({ kind: 'text', text: run });
  return found;
}

function closingTicks(text: string, from: number, ticks: string): number {
  let at = text.indexOf(ticks, from);
  while (at >= 0) {
    let end = at;
    while (text.charAt(end) === '`') end += 1;
    if (end - at === ticks.length) return at;
    at = text.indexOf(ticks, end);
  }
  return -1;
}

function closing(text: string, from: number, mark: string, word: boolean): number {
  const character = mark.charAt(0);
  let at = text.indexOf(mark, from);
  while (at >= 0) {
    let run = mark.length;
    if (mark !== '||') while (text.charAt(at + run) === character) run += 1;
    const after = text.charAt(at + run);
    const spaced = /\s/.test(text.charAt(at - 1));
    const escapes = text.charAt(at - 1) === '\\';
    if (at > from && !spaced && !escapes && !(word && isWord.test(after))) {
      // `*` is no half of a `**`. Of three the first ones end what was begun last, so the others are of what is around it.
      if (mark.length === 1) {
        if (run === 1) return at;
        if (run === 3) return at + 2;
      } else if (run === 3 && mark.length === 2) {
        return at + 1;
      } else {
        return at;
      }
    }
    at = text.indexOf(mark, at + run);
  }
  return -1;
}

/** Text with IRC's formatting: what is between its signs is read as usual. Colours are left out. */
function ofIrc(text: string, context: Context, depth: number, begins: boolean): Inline[] {
  const bare = text.replace(/\x03(?:\d{1,2}(?:,\d{1,2})?)?|\x16/g, '');
  const found: Inline[] = [];
  const on = new Set<Paired>();
  let code = false;
  for (const part of bare.split(/([\x02\x0f\x11\x1d-\x1f])/)) {
    const toggled = toggles[part];
    if (toggled) {
      if (!on.delete(toggled)) on.add(toggled);
    } else if (part === '\x0f') {
      on.clear();
      code = false;
    } else if (part === '\x11') {
      code = !code;
    } else if (part) {
      let nodes: Inline[] = code ? [{ kind: 'code', text: part }] : inline(part, context, depth + 1, begins && found.length === 0);
      for (const kind of on) nodes = [{ kind, children: nodes }];
      found.push(...nodes);
    }
  }
  return found;
}
