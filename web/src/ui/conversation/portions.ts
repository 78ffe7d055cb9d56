// A text that is too long for one message, as several that are not.

import type { Conversation } from '../../state/types';

/** More than this is rather a file. */
const mostPortions = 20;

/** The portions of it, where it is not one, and not too long for that, too. */
export function several(text: string, bytes: number, lines: number): readonly string[] {
  const parts = portions(text, bytes, lines);
  return parts.length > 1 && parts.length <= mostPortions ? parts : [];
}

/** The first one answers a message, in a thread all do. */
export async function sendAll(conversation: Conversation, parts: readonly string[], replyTo: string | null, threadRoot: string | null): Promise<void> {
  for (const [index, part] of parts.entries()) {
    // Behind the first one a slash is no command.
    await conversation.send(part.replace(/^\//, '//'), { replyTo: index === 0 ? replyTo : threadRoot });
  }
}

const fence = /^\s{0,3}(`{3,}|~{3,})/;
const utf8 = new TextEncoder();
const lengthOf = (text: string): number => utf8.encode(text).length;

/**
 * Each of at most so many bytes and lines. They end where lines end, or between words where one line is too long; a block of code
 * goes on as one in the next.
 */
export function portions(text: string, bytes: number, lines: number): string[] {
  const found: string[] = [];
  let portion: string[] = [];
  let length = 0;
  /** The line that began the block of code that is not over yet. */
  let block: string | null = null;
  const add = (line: string): void => {
    portion.push(line);
    length += lengthOf(line) + 1;
  };
  const end = (): void => {
    const goesOn = block !== null && portion.length > 1;
    if (goesOn) portion.push(fence.exec(block ?? '')?.[1] ?? '');
    const whole = portion.join('\n').trim();
    if (whole) found.push(whole);
    portion = [];
    length = 0;
    if (block !== null) add(block);
  };
  // What is left is for the end of a block of code.
  const most = bytes - 16;
  for (const line of text.split('\n').flatMap((line) => cut(line, most - 64))) {
    const mark = fence.exec(line)?.[1];
    const closes = block !== null && mark !== undefined && block.includes(mark);
    if (portion.length > 0 && !closes && (length + lengthOf(line) > most || portion.length >= (block === null ? lines : lines - 1))) end();
    add(line);
    if (closes) block = null;
    else if (mark !== undefined && block === null) block = line.slice(0, 48);
  }
  block = null;
  end();
  return found;
}

/** A line in pieces of at most so many bytes. */
function cut(line: string, most: number): string[] {
  if (lengthOf(line) <= most) return [line];
  const pieces: string[] = [];
  let piece = '';
  let length = 0;
  for (const word of line.match(/\s*\S{1,64}/gu) ?? []) {
    const more = lengthOf(word);
    if (length + more > most) {
      pieces.push(piece);
      piece = '';
      length = 0;
    }
    piece += length === 0 ? word.trimStart() : word;
    length += more;
  }
  return [...pieces, piece];
}
