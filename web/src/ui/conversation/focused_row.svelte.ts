// One message of the list has the focus, or last had it: Tab comes to it, arrow keys walk from it, and other keys act on it.

import { tick } from 'svelte';
import type { MessageEntry } from '../../state/types';
import type { Listed } from './place.svelte';
import { Pressed } from './pressed';

export interface FocusEvents {
  /** A key that is for the message. True: it was one. */
  acts(event: KeyboardEvent, message: MessageEntry): boolean;
  /** Below the last message is where one writes. */
  leave(): void;
  toLatest(): Promise<void>;
  /** Keys are a hand on the list, too. */
  touch(): void;
}

export class FocusedRow {
  key = $state<string | null>(null);
  readonly #index = $derived.by((): number => (this.key === null ? -1 : this.#listed.entries.findIndex((entry) => entry.key === this.key)));
  /** Rows that are drawn wherever one scrolls. */
  readonly kept = $derived.by((): number[] => (this.#index < 0 ? [] : [this.#index]));
  /** The message that Tab comes to; null: it comes to the list. */
  readonly tabStop = $derived.by((): string | null => (this.#index >= 0 ? this.key : null));
  readonly #listed: Listed;
  readonly #events: FocusEvents;
  readonly #byPointer = new Pressed();

  constructor(listed: Listed, events: FocusEvents) {
    this.#listed = listed;
    this.#events = events;
  }

  focus(key: string): void {
    this.key = key;
    void tick().then(() => requestAnimationFrame(() => this.#listed.rowOf(key)?.focus({ preventScroll: true })));
  }

  #walkTo(index: number): void {
    const entry = this.#listed.entries[index];
    if (!entry) return;
    this.#listed.list?.scrollToIndex(index, { align: 'nearest' });
    this.focus(entry.key);
  }

  /** The next message in a direction; -1: there is none. */
  #step(from: number, by: 1 | -1): number {
    const { entries } = this.#listed;
    for (let at = from + by; at >= 0 && at < entries.length; at += by) {
      if (entries[at]?.kind === 'message') return at;
    }
    return -1;
  }

  // What the list hears

  readonly pointerDown = (): void => {
    this.#events.touch();
    this.#byPointer.down();
  };

  readonly pointerUp = (): void => this.#byPointer.up();

  readonly focusCame = (event: FocusEvent): void => {
    this.#byPointer.focused();
    const { scroller, entries } = this.#listed;
    const row = event.target instanceof Element ? event.target.closest('article') : null;
    if (row?.dataset['key']) {
      this.key = row.dataset['key'];
    } else if (event.target === scroller && entries.length > 0 && scroller.matches(':focus-visible')) {
      const index = this.#step(entries.length, -1);
      if (index >= 0) this.#walkTo(index);
    }
  };

  readonly keyed = (event: KeyboardEvent): void => {
    this.#events.touch();
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    if (this.#byPointer.writes(event, document.getElementById('composer'))) return;
    const { scroller, entries } = this.#listed;
    const onRow = event.target instanceof HTMLElement && (event.target === scroller || event.target.tagName === 'ARTICLE');
    const from = this.#index >= 0 ? this.#index : entries.length;
    const key = onRow ? (walkingKeys[event.key] ?? event.key) : event.key;
    switch (key) {
      case 'ArrowUp':
        return this.#walks(event, this.#step(from, -1));
      case 'ArrowDown': {
        const below = this.#step(from, 1);
        if (below >= 0) return this.#walks(event, below);
        event.preventDefault();
        return this.#events.leave();
      }
      case 'Home':
        return this.#walks(event, this.#step(-1, 1));
      case 'End':
        event.preventDefault();
        // What happened behind the last message is seen, too, however much that is.
        void this.#events.toLatest().then(() => {
          const last = this.#listed.entries[this.#step(this.#listed.entries.length, -1)];
          if (last) this.focus(last.key);
        });
        return;
      case 'Escape':
        event.preventDefault();
        event.stopPropagation();
        return this.#events.leave();
    }
    this.#acts(event, onRow);
  };

  #walks(event: KeyboardEvent, to: number): void {
    if (to < 0) return;
    event.preventDefault();
    this.#walkTo(to);
  }

  #acts(event: KeyboardEvent, onRow: boolean): void {
    if (!onRow || this.#index < 0) return;
    const entry = this.#listed.entries[this.#index];
    if (entry?.kind === 'message' && this.#events.acts(event, entry)) event.preventDefault();
  }
}

/** On a message, as in an editor. */
const walkingKeys: Readonly<Record<string, string | undefined>> = { k: 'ArrowUp', j: 'ArrowDown' };
