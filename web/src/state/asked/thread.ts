// All of a thread, beside what is known of it: from the message at its root, page by page.

import type { History } from '../conversation/history.svelte';
import { lastId } from '../conversation/timeline';
import type { MessageEntry } from '../types';

/** Pages that a thread is looked for in. */
const mostPages = 20;

export async function loadThread(history: History, rootId: string): Promise<void> {
  const { timeline } = history;
  let page = await history.ask('AROUND', `msgid=${rootId}`, 2);
  timeline.quote(page.entries.filter((entry) => entry.id === rootId));
  let after = rootId;
  for (let pages = 0; pages < mostPages; pages += 1) {
    page = await history.ask('AFTER', `msgid=${after}`);
    const answers = page.entries.filter((entry): entry is MessageEntry => entry.kind === 'message' && entry.replyTo !== null);
    timeline.quote(answers);
    const last = lastId(page.entries);
    // From here on it is known anyway.
    if (page.isLast || last === null || (history.atEnd && timeline.isPlaced(last))) return;
    after = last;
  }
}
