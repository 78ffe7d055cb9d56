// What is unread among the entries that are here.

import type { Entry } from './types';

/** Messages behind a time, and those of them that are meant for the person: all of a direct conversation, elsewhere mentions. */
export function unreadIn(entries: readonly Entry[], readUpTo: number, isDirect: boolean): { messages: number; named: number } {
  let messages = 0;
  let named = 0;
  for (let at = entries.length - 1; at >= 0; at -= 1) {
    const entry = entries[at];
    if (!entry || entry.time <= readUpTo) break;
    if (entry.kind !== 'message' || entry.own || entry.deleted || entry.sender.blocked) continue;
    messages += 1;
    if (entry.mentionsMe || isDirect) named += 1;
  }
  return { messages, named };
}

/** The first message behind a time: above it stands the line. */
export function firstUnreadIn(entries: readonly Entry[], readUpTo: number): Entry | undefined {
  return entries.find((entry) => entry.time > readUpTo && entry.kind === 'message' && !entry.own && !entry.sender.blocked);
}
