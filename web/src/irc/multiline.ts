// Messages of several lines (IRCv3 draft multiline), and what fits on a line.

import { isBatch, type Batch } from './batches';
import { byteLength, write } from './line';

export interface MultilineLimits {
  readonly bytes: number;
  readonly lines: number;
}

/** The value of the capability: `max-bytes=4096,max-lines=64`. */
export function multilineLimits(value: string | undefined): MultilineLimits | null {
  if (value === undefined) return null;
  const of = (key: string): number => Number.parseInt(new RegExp(`(?:^|,)${key}=(\\d+)`).exec(value)?.[1] ?? '', 10);
  const bytes = of('max-bytes');
  if (!bytes) return null;
  return { bytes, lines: of('max-lines') || 16 };
}

// What a server puts before a text when it relays it: names are as long as they are allowed to be.
const longestUserAndHost = 18 + 63 + 2;

/** Bytes of text that fit on a line to this target. */
export function textBudget(nickLength: number, target: string, style: 'text' | 'action' | 'notice'): number {
  const around = style === 'action' ? '\x01ACTION \x01'.length : 0;
  return 512 - 2 - (1 + nickLength + longestUserAndHost + 1 + 'PRIVMSG '.length + byteLength(target) + 2) - around;
}

/** The lines on which one line of a text is sent, nothing left out: broken behind spaces where there are some. */
export function pieces(line: string, budget: number): string[] {
  const found: string[] = [];
  let rest = line;
  while (byteLength(rest) > budget) {
    let cut = 0;
    let bytes = 0;
    let space = 0;
    for (const character of rest) {
      bytes += byteLength(character);
      if (bytes > budget) break;
      cut += character.length;
      if (character === ' ') space = cut;
    }
    if (space >= (cut * 2) / 3) cut = space;
    // A budget below one character would never end.
    cut = Math.max(cut, 1);
    found.push(rest.slice(0, cut));
    rest = rest.slice(cut);
  }
  found.push(rest);
  return found;
}

/** The text as messages, each of which the server takes: one where it can be. */
export function messagesWithin(text: string, budget: number, limits: MultilineLimits | null): string[] {
  const lines = text.split('\n');
  if (!limits) return lines.flatMap((line) => pieces(line, budget)).filter((line) => line.trim() !== '');
  const within = Math.min(budget, limits.bytes);
  const messages: string[] = [];
  let message = '';
  let count = 0;
  const end = (): void => {
    const said = message.replace(/^\n+|\n+$/g, '');
    if (said !== '') messages.push(said);
    message = '';
    count = 0;
  };
  for (const line of lines) {
    pieces(line, within).forEach((piece, index) => {
      const joint = index === 0 && count > 0 ? 1 : 0;
      if (count >= limits.lines || byteLength(message) + joint + byteLength(piece) > limits.bytes) end();
      else if (joint) message += '\n';
      message += piece;
      count += 1;
    });
  }
  end();
  return messages;
}

/** The lines that say it. `tags` stand on what begins it. */
export function writeMessage(
  target: string,
  text: string,
  style: 'text' | 'action' | 'notice',
  tags: Readonly<Record<string, string | null | undefined>>,
  reference: string,
  budget: number,
): string[] {
  const command = style === 'notice' ? 'NOTICE' : 'PRIVMSG';
  const lines = text.split('\n');
  if (lines.length === 1 && byteLength(text) <= budget) {
    const said = style === 'action' ? `\x01ACTION ${text}\x01` : text;
    return [trailing(command, target, said, tags)];
  }
  const written = [write('BATCH', [`+${reference}`, 'draft/multiline', target], tags)];
  for (const line of lines) {
    pieces(line, budget).forEach((piece, index) => {
      const own = { batch: reference, 'draft/multiline-concat': index > 0 ? '' : null };
      written.push(trailing(command, target, piece, own));
    });
  }
  written.push(write('BATCH', [`-${reference}`]));
  return written;
}

/** The text of the batch. */
export function joined(batch: Batch): { text: string; notice: boolean } {
  let text = '';
  let first = true;
  let notice = false;
  for (const item of batch.items) {
    if (isBatch(item)) continue;
    notice = item.command === 'NOTICE';
    if (!first && !item.tags.has('draft/multiline-concat')) text += '\n';
    text += item.params[1] ?? '';
    first = false;
  }
  return { text, notice };
}

function trailing(
  command: string,
  target: string,
  text: string,
  tags: Readonly<Record<string, string | null | undefined>>,
): string {
  return `${write(command, [target], tags)} :${text.replace(/[\r\n\0]/g, ' ')}`;
}
