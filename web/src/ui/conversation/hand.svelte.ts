// What acts on messages (tools, menus, the picker, keys), and what completes where one writes, comes with the first sign of a hand:
// whoever only reads needs none of it.

import { tick } from 'svelte';
import type { View } from '../view.svelte';

class Hand {
  parts: typeof import('./acting') | null = $state.raw(null);
  #coming: Promise<void> | null = null;

  /** Never rejected: what cannot be had is asked for again by the next sign. */
  load(): Promise<void> {
    this.#coming ??= import('./acting').then(
      (parts) => void (this.parts = parts),
      () => void (this.#coming = null),
    );
    return this.#coming;
  }

  /** Does it now, or when they are there: what is pressed first may be what they are for. */
  soon(act: () => void): void {
    if (this.parts) return act();
    void this.load()
      .then(tick)
      .then(() => this.parts && act());
  }

  /** A key that came before them. True: it is for the message, and done when they are there. */
  waitsFor(event: KeyboardEvent, view: View, act: () => void): boolean {
    if (!/^(.|Delete|Backspace|Enter|ContextMenu)$/u.test(event.key)) return false;
    this.soon(() => this.parts?.pressedBefore(event, view, act));
    return true;
  }
}

export const hand = new Hand();
