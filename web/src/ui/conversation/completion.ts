// What can be completed where one writes: a person, a room, an emoji, a command.

import type { Chat, Conversation, Person } from '../../state/types';

export type Kind = 'person' | 'room' | 'emoji' | 'command';

export interface Wanted {
  readonly kind: Kind;
  /** What is there so far, without the sign before it. */
  readonly words: string;
  /** Where it begins in the text, the sign included. */
  readonly start: number;
}

export interface Choice {
  readonly key: string;
  readonly insert: string;
  readonly title: string;
  readonly detail: string;
  readonly seed?: string;
  readonly sign?: string;
}

const mostChoices = 8;

/** People and rooms that fit; null: what fits is loaded (`load`). */
export function choices({ kind, words }: Wanted, conversation: Conversation, chat: Chat): readonly Choice[] | null {
  if (kind === 'room') {
    return best(
      chat.conversations.filter((other) => other.kind === 'room'),
      (other) => other.name.slice(1),
      words,
    ).map((other) => ({ key: other.key, insert: other.name, title: other.name, detail: other.topic, sign: '#' }));
  }
  if (kind !== 'person') return null;
  return best(
    peopleOf(conversation).filter((person) => !person.isMe),
    (person) => person.nick,
    words,
    (person) => person.displayName,
  ).map((person) => ({
    key: person.key,
    insert: `@${person.nick}`,
    title: person.displayName,
    detail: person.displayName === person.nick ? (person.status ?? '') : `@${person.nick}`,
    seed: person.seed,
  }));
}

function peopleOf(conversation: Conversation): readonly Person[] {
  if (conversation.members.length > 0) return [...conversation.members, ...conversation.absentMembers].map((member) => member.person);
  return conversation.person ? [conversation.person] : [];
}

function best<T>(all: readonly T[], name: (one: T) => string, words: string, other?: (one: T) => string): T[] {
  const found: [number, T][] = [];
  for (const one of all) {
    const fits = [fit(name(one), words), other ? fit(other(one), words) : null].filter((value) => value !== null);
    if (fits.length > 0) found.push([Math.min(...fits), one]);
  }
  return found
    .sort((a, b) => a[0] - b[0] || name(a[1]).localeCompare(name(b[1]), undefined, { numeric: true }))
    .slice(0, mostChoices)
    .map(([, one]) => one);
}

/** Emoji and commands that fit; none while they cannot be had. */
export async function load(wanted: Wanted | null): Promise<readonly Choice[]> {
  try {
    if (wanted?.kind === 'command') {
      const { commands } = await import('./commands');
      return commands()
        .filter((command) => command.name.startsWith(wanted.words.toLowerCase()))
        .slice(0, mostChoices)
        .map((command) => ({ key: command.name, insert: `/${command.name}`, title: `/${command.name}`, detail: command.does }));
    }
    if (wanted?.kind === 'emoji') {
      const { find, groups } = await import('../emoji/emoji');
      return find(await groups(), wanted.words, mostChoices).map((one) => ({ key: one.text, insert: one.text, title: `:${one.codes[0] ?? one.name}:`, detail: '', sign: one.text }));
    }
  } catch {
    // There is no link; the next letter asks again.
  }
  return [];
}

/** As in every IRC client: Tab makes a name of its beginning. */
export function nameAt(text: string, caret: number, conversation: Conversation): { text: string; caret: number } | null {
  const word = /(^|\s)([^\s@#:/]{2,})$/u.exec(text.slice(0, caret))?.[2];
  if (!word) return null;
  const person = peopleOf(conversation)
    .filter((person) => !person.isMe && fit(person.nick, word) === 0)
    .sort((a, b) => a.nick.localeCompare(b.nick))[0];
  if (!person) return null;
  const start = caret - word.length;
  return complete(text, caret, start, start === 0 ? `${person.nick}:` : person.nick);
}

/** What is being written before the caret, if it is something that can be completed. */
export function wanted(text: string, caret: number): Wanted | null {
  const before = text.slice(0, caret);
  const command = /^\/([a-z]*)$/i.exec(before);
  if (command) return { kind: 'command', words: command[1] ?? '', start: 0 };
  // Within code nothing is meant.
  if (isInBlock(before)) return null;
  const match = /(^|[\s("'[{])([@#:])([^\s@#:,"()]*)$/u.exec(before);
  if (!match) return null;
  const [, lead = '', sign = '', words = ''] = match;
  const start = match.index + lead.length;
  if (sign === ':') {
    // Two letters, so that ":)" and "a: b" stay what they are.
    if (!/^[\p{L}\p{N}+_-]{2,}$/u.test(words) || endsInCode(before)) return null;
    return { kind: 'emoji', words, start };
  }
  return { kind: sign === '@' ? 'person' : 'room', words, start };
}

/** A line that begins a block of code (CommonMark 4.5, as format/blocks.ts reads it), also in a quotation or a list. */
const fence = /^[\s>]*(?:(?:[-*•]|\d{1,9}[.)])\s+)?(`{3,}|~{3,})\s*[!-_a-~]*\s*$/;

/** A block of code is begun, and not ended yet. */
export function isInBlock(before: string): boolean {
  let open: string | undefined;
  for (const line of before.split('\n')) {
    if (open === undefined) open = fence.exec(line)?.[1];
    else {
      const mark = line.replace(/^[\s>]+|\s+$/g, '');
      if (mark.length >= open.length && mark === open.charAt(0).repeat(mark.length)) open = undefined;
    }
  }
  return open !== undefined;
}

/** Backticks before it are not ended yet: of a block, or of a piece of code in the same paragraph. */
function endsInCode(before: string): boolean {
  const open = before.replace(/(`+)(?!`)[^]*?[^`]\1(?!`)/g, '');
  return isInBlock(before) || open.slice(open.lastIndexOf('\n\n') + 1).includes('`');
}

/** Longer than this nobody waits for an emoji, who wants to send. */
const patience = 1_000;

/** A text with the emoji in the place of what they are called between colons, where nothing else is meant (`10:30:`, `\:x:`, code). */
export async function withEmoji(text: string): Promise<string> {
  const found = [...text.matchAll(/(^|[^\p{L}\p{N}:\\/]):([\p{L}\p{N}+_-]{1,40}):/gu)];
  if (found.length === 0) return text;
  const called = import('../emoji/emoji').then(({ ofCode }) => ofCode).catch(() => null);
  const ofCode = await Promise.race([called, new Promise<null>((resolve) => setTimeout(resolve, patience, null))]);
  let done = '';
  let from = 0;
  for (const match of found) {
    const [whole, lead = '', code = ''] = match;
    const start = match.index + lead.length;
    const emoji = endsInCode(text.slice(0, start)) ? null : await ofCode?.(code).catch(() => null);
    if (!emoji) continue;
    done += text.slice(from, start) + emoji;
    from = match.index + whole.length;
  }
  return done + text.slice(from);
}

/** The text with what was chosen, and where the caret is then. */
export function complete(text: string, caret: number, start: number, insert: string): { text: string; caret: number } {
  const rest = text.slice(caret);
  const gap = rest.startsWith(' ') ? '' : ' ';
  const head = text.slice(0, start) + insert + gap;
  return { text: head + rest, caret: head.length + (gap ? 0 : 1) };
}

/** Wraps what is selected in a mark, or unwraps it. */
export function wrap(text: string, from: number, to: number, mark: string): { text: string; from: number; to: number } {
  const inner = text.slice(from, to);
  const length = mark.length;
  if (text.slice(from - length, from) === mark && text.slice(to, to + length) === mark) {
    return { text: text.slice(0, from - length) + inner + text.slice(to + length), from: from - length, to: to - length };
  }
  return { text: text.slice(0, from) + mark + inner + mark + text.slice(to), from: from + length, to: to + length };
}

/** Whoever has no key for a sign finds it all the same: `uber` is in Über, `strasse` in Straße. */
export function bare(text: string): string {
  const lower = text.toLowerCase();
  return /^[\0-\x7f]*$/.test(lower) ? lower : lower.normalize('NFD').replace(/\p{M}/gu, '').replaceAll('ß', 'ss').replaceAll('ø', 'o').replaceAll('ł', 'l');
}

/** How well a name fits: 0 it begins with it, 1 a word in it does, 2 it has it, null not at all. */
export function fit(name: string, words: string): 0 | 1 | 2 | null {
  const [all, part] = [bare(name), bare(words)];
  if (all.startsWith(part)) return 0;
  const at = all.indexOf(part);
  if (at < 0) return null;
  return /[\p{L}\p{N}]/u.test(all[at - 1] ?? '') ? 2 : 1;
}
