// What stands around an entry of the list: above it the beginning of the conversation, a day, the unread line; its name or none.

import type { Entry } from '../../state/types';
import { continues, newDay } from './grouping';

// In one number: when a hundred others come, each row asks once, and mostly is the same.
export const beginning = 1;
export const day = 2;
export const unread = 4;
export const continued = 8;
export const last = 16;

interface Around {
  /** Undefined: it is the first one. */
  readonly previous: Entry | undefined;
  readonly isLast: boolean;
  readonly isUnreadLine: boolean;
  /** All there is is here. */
  readonly beginsHere: boolean;
  /** The first entry that is known is not the first there is: what is above it comes as soon as one gets near. */
  readonly goesOn: boolean;
}

export function shapeOf(entry: Entry, { previous, isLast, isUnreadLine, beginsHere, goesOn }: Around): number {
  const isFirst = previous === undefined;
  // What is above it is on its way: it is not known to begin anything, and would only become lower a moment later.
  const isNewDay = isFirst ? !goesOn : newDay(previous, entry);
  const isContinued = isFirst ? goesOn : !isNewDay && !isUnreadLine && continues(previous, entry);
  return (
    (isFirst && beginsHere ? beginning : 0) + (isNewDay ? day : 0) + (isUnreadLine ? unread : 0) + (isContinued ? continued : 0) + (isLast ? last : 0)
  );
}
