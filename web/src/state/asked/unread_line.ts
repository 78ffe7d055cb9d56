// Where what is unread begins, when that is further up than what is known.

import type { History } from '../conversation/history.svelte';
import { firstUnreadIn } from '../conversation/unread.svelte';

/** Pages that it is looked for in. */
const mostPages = 5;

/** Reads there. The key of the first message behind the time; null: there is none. */
export async function lineBehind(history: History, time: number): Promise<string | null> {
  await history.goToTime(time);
  // Of what was said in one millisecond more may stand before it than a page has.
  for (let pages = 0; ; ) {
    const line = firstUnreadIn(history.timeline.entries, time);
    if (line || history.atEnd || ++pages >= mostPages) return line?.key ?? null;
    await history.loadNewer();
  }
}
