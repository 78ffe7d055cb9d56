import type { Entry } from '../../state/types';
import { dayOf } from '../parts/times';

const together = 5 * 60_000;

/** Whether a message goes on under the name above it, because the same person said both, one soon after the other. */
export function continues(before: Entry | undefined, entry: Entry): boolean {
  return (
    before?.kind === 'message' &&
    entry.kind === 'message' &&
    before.sender.key === entry.sender.key &&
    before.style !== 'action' &&
    entry.style !== 'action' &&
    before.style === entry.style &&
    entry.replyTo === null &&
    before.onlyFor === entry.onlyFor &&
    before.relayedBy === entry.relayedBy &&
    entry.time - before.time < together &&
    dayOf(before.time) === dayOf(entry.time)
  );
}

/** Whether a new day begins with this entry. */
export function newDay(before: Entry | undefined, entry: Entry): boolean {
  return before === undefined || dayOf(before.time) !== dayOf(entry.time);
}
