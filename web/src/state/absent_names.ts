// What people are called who are not here. Of those who are here the server tells by itself (METADATA SUB and SYNC); of others
// it is asked, one after the other and not fast: a message must not wait for its place behind that (`flood.lines_per_second`).

import type { PersonState } from './people.svelte';
import type { World } from './world';

/** The names of a room's last page come at once; on a long way back they trickle in. */
const atOnce = 12;
const pause = 500;

export class AbsentNames {
  readonly #world: World;
  /** Who was asked about, or will be. */
  readonly #asked = new Set<string>();
  readonly #waiting: string[] = [];
  #isAsking = false;
  #left = atOnce;

  constructor(world: World) {
    this.#world = world;
  }

  wanted(people: Iterable<PersonState>): void {
    if (!this.#world.has('draft/metadata-2')) return;
    for (const { key, nick, presence, displayName, isFormer } of people) {
      if (isFormer || presence === 'here' || presence === 'away' || displayName !== nick || this.#asked.has(key)) continue;
      this.#asked.add(key);
      this.#waiting.push(nick);
    }
    if (!this.#isAsking) void this.#ask();
  }

  clear(): void {
    this.#asked.clear();
    this.#waiting.length = 0;
  }

  async #ask(): Promise<void> {
    this.#isAsking = true;
    for (let nick = this.#waiting.shift(); nick !== undefined; nick = this.#waiting.shift()) {
      try {
        await this.#world.request('METADATA', [nick, 'GET', 'display-name']);
      } catch {
        // Nobody of this name any more; or the link is gone, and who is seen behind it again is asked about again.
        if (!this.#world.connection()) this.clear();
      }
      if (this.#left > 0) this.#left -= 1;
      else await new Promise((resolve) => setTimeout(resolve, pause));
    }
    this.#isAsking = false;
  }
}
