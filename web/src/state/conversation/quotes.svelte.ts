// Messages that are shown beside the history: what an answer quotes, and threads. What is not here of them is asked for.

import type { History } from './history.svelte';
import { threadIn, threadRootIn } from './threads';
import type { Tail } from './tail';
import type { Timeline } from './timeline';
import { Refused, type MessageEntry, type Thread } from '../types';

/** Messages that are fetched to be quoted, at a time. */
const mostFetching = 8;

export class Quotes {
  readonly #history: History;
  readonly #timeline: Timeline;
  readonly #tail: Tail;
  /** Counts up when what is known beside the entries has changed. */
  #known = $state(0);
  readonly #fetching = new Set<string>();
  readonly #unfetchable = new Set<string>();
  readonly #fetchLater: string[] = [];

  constructor(history: History, tail: Tail) {
    this.#history = history;
    this.#timeline = history.timeline;
    this.#tail = tail;
  }

  changed(): void {
    this.#known += 1;
  }

  /** Whoever reads it in a component is told when it is another. */
  #depend(): void {
    void this.#history.entries;
    void this.#known;
  }

  find(id: string): MessageEntry | null {
    this.#depend();
    return this.#timeline.find(id) ?? null;
  }

  thread(rootId: string): Thread {
    this.#depend();
    return threadIn(this.#timeline, rootId, this.#tail.shown());
  }

  threadRoot(message: MessageEntry): string {
    return threadRootIn(this.#timeline, message);
  }

  fetch(id: string): void {
    if (this.find(id) || this.#fetching.has(id) || this.#unfetchable.has(id) || this.#fetchLater.includes(id)) return;
    this.#fetchLater.push(id);
    void this.#fetchNext();
  }

  async #fetchNext(): Promise<void> {
    if (this.#fetching.size >= mostFetching) return;
    const id = this.#fetchLater.shift();
    if (id === undefined) return;
    this.#fetching.add(id);
    try {
      // AROUND counts from the message; it is in the middle of what comes.
      const page = await this.#history.ask('AROUND', `msgid=${id}`, 2);
      this.#timeline.quote(page.entries);
      if (!this.#timeline.find(id)) this.#unfetchable.add(id);
    } catch (error) {
      if (error instanceof Refused && !['NO_LINK', 'LINK_LOST', 'TIMEOUT'].includes(error.code)) this.#unfetchable.add(id);
    } finally {
      this.#fetching.delete(id);
      void this.#fetchNext();
    }
  }

  linkLost(): void {
    this.#unfetchable.clear();
  }
}
