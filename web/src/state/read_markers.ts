// Tells the server, and the other tabs, up to when a conversation is read (draft/read-marker).

import type { ConversationState } from './conversation/conversation.svelte';
import type { Tabs } from './tabs';
import type { World } from './world';

const sayEvery = 1_000;

interface Mark {
  upTo: number;
  readonly timer: ReturnType<typeof setTimeout>;
}

export class ReadMarkers {
  readonly #world: World;
  readonly #tabs: Tabs;
  readonly #marks = new Map<string, Mark>();

  constructor(world: World, tabs: Tabs) {
    this.#world = world;
    this.#tabs = tabs;
  }

  mark(conversation: ConversationState, upTo: number): void {
    const { key } = conversation;
    this.#tabs.tell({ kind: 'read', conversation: key, upTo });
    const waiting = this.#marks.get(key);
    if (waiting) {
      waiting.upTo = Math.max(waiting.upTo, upTo);
      return;
    }
    // At once, and then at most every second.
    this.#say(conversation, upTo);
    const timer = setTimeout(() => {
      this.#marks.delete(key);
      if (mark.upTo > upTo) this.#say(conversation, mark.upTo);
    }, sayEvery);
    const mark: Mark = { upTo, timer };
    this.#marks.set(key, mark);
  }

  #say(conversation: ConversationState, upTo: number): void {
    if (!this.#world.has('draft/read-marker')) return;
    this.#world.request('MARKREAD', [conversation.name, `timestamp=${new Date(upTo).toISOString()}`]).catch(() => undefined);
  }

  clear(): void {
    for (const { timer } of this.#marks.values()) clearTimeout(timer);
    this.#marks.clear();
  }
}
