// Threads, out of who answers what.

import type { Timeline } from './timeline';
import type { MessageEntry, Thread } from '../types';

/** `pending`: what one has said and is not answered yet. */
export function threadIn(timeline: Timeline, rootId: string, pending: readonly MessageEntry[]): Thread {
  const replies: MessageEntry[] = [];
  const seen = new Set([rootId]);
  const ids = [rootId];
  for (let id = ids.pop(); id !== undefined; id = ids.pop()) {
    for (const answer of timeline.answersTo(id)) {
      if (seen.has(answer)) continue;
      seen.add(answer);
      ids.push(answer);
      const entry = timeline.find(answer);
      if (entry) replies.push(entry);
    }
  }
  replies.sort((one, other) => one.time - other.time || ((one.id ?? '') < (other.id ?? '') ? -1 : 1));
  const own = pending.filter((entry) => entry.replyTo !== null && seen.has(entry.replyTo));
  return { rootId, root: timeline.find(rootId) ?? null, replies: [...replies, ...own] };
}

/** What the message, and what it answers, and so on, answers in the end. */
export function threadRootIn(timeline: Timeline, message: MessageEntry): string {
  let at: MessageEntry | undefined = message;
  const seen = new Set<string>();
  let root = message.id ?? message.replyTo ?? '';
  while (at?.replyTo && !seen.has(at.replyTo)) {
    root = at.replyTo;
    seen.add(root);
    at = timeline.find(root);
  }
  return root;
}
