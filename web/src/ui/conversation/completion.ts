// What can be completed where one writes: a person, a room, an emoji, a command.

export type Kind = 'person' | 'room' | 'emoji' | 'command';

export interface Wanted {
  readonly kind: Kind;
  /** What is there so far, without the sign before it. */
  readonly words: string;
  /** Where it begins in the text, the sign included. */
  readonly start: number;
}

/** What is being written before the caret, if it is something that can be completed. */
export function wanted(text: string, caret: number): Wanted | null {
  const before = text.slice(0, caret);
  const command = /^\/([a-z]*)$/i.exec(before);
  if (command) return { kind: 'command', words: command[1] ?? '', start: 0 };
  // Within code nothing is meant.
  if (((before.match(/```/g)?.length ?? 0) & 1) === 1) return null;
  const match = /(^|[\s("'[{])([@#:])([^\s@#:,"()]*)$/u.exec(before);
  if (!match) return null;
  const [, lead = '', sign = '', words = ''] = match;
  const start = match.index + lead.length;
  if (sign === ':') {
    // Two letters, so that ":)" and "a: b" stay what they are.
    if (!/^[\p{L}\p{N}+_-]{2,}$/u.test(words)) return null;
    return { kind: 'emoji', words, start };
  }
  return { kind: sign === '@' ? 'person' : 'room', words, start };
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
