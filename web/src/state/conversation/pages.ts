// A page of history as the server tells it: messages, what became of them, and what happened between them.

import { batchOf, isBatch, type Item } from '../../irc/batches';
import { changeOf, happeningOf, type Change } from './becoming';
import type { Reader } from './reader';
import { said } from './said';
import { pushTogether } from './timeline';
import type { Entry, MessageEntry } from '../types';

export interface Page {
  entries: Entry[];
  /** What became of messages that are not in it. */
  elsewhere: Change[];
  /** There is nothing beyond it: the server had less than it was asked for. */
  isLast: boolean;
}

export function pageOf(answer: readonly Item[], limit: number, reader: Reader): Page {
  const entries: Entry[] = [];
  const places = new Map<string, number>();
  const elsewhere: Change[] = [];
  // Of a message and what became of it the server counts the message.
  let counted = 0;
  const find = (id: string): MessageEntry | undefined => {
    const entry = entries[places.get(id) ?? -1];
    return entry?.kind === 'message' ? entry : undefined;
  };
  const put = (entry: MessageEntry): void => {
    const place = places.get(entry.id ?? '');
    if (place !== undefined) entries[place] = entry;
  };
  for (const item of batchOf(answer, 'chathistory')?.items ?? []) {
    const message = said(item, reader.isupport, reader.now());
    const line = isBatch(item) ? item.opening : item;
    const isContext = line.tags.has('draft/chathistory-context');
    if (!isContext) counted += 1;
    if (message) {
      const entry = reader.message(message);
      if (entry.id !== null) places.set(entry.id, entries.length);
      entries.push(entry);
      continue;
    }
    if (isBatch(item)) continue;
    const change = changeOf(line, reader.who(line));
    if (change) {
      let found = false;
      change(find, (entry) => {
        found = true;
        put(entry);
      });
      if (found) continue;
      elsewhere.push(change);
    }
    if (isContext) continue;
    const what = happeningOf(line, reader.who(line), reader.isupport);
    if (what) pushTogether(entries, reader.event(what, line));
  }
  return { entries, elsewhere, isLast: counted < limit };
}
