import type { Conversation } from '../../state/types';
import { sections } from './sections';

/** The one that is `step` further on, round at the ends; with `unread` only those where something is unread. */
export function neighbour(all: readonly Conversation[], current: Conversation | null, step: 1 | -1, unread = false): Conversation | null {
  const order = sections(all).flatMap((section) => section.conversations);
  const start = order.findIndex((conversation) => conversation.key === current?.key);
  for (let far = 1; far <= order.length; far++) {
    const from = start < 0 ? (step > 0 ? -1 : order.length) : start;
    const at = order[(((from + step * far) % order.length) + order.length) % order.length];
    if (at && at.key !== current?.key && (!unread || (at.unread > 0 && !at.muted) || at.mentions > 0)) return at;
  }
  return null;
}
