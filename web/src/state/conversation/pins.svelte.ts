// What is pinned in a conversation.

import { nickOf, timeOf, type Line } from '../../irc/line';
import type { Timeline } from './timeline';
import type { MessageEntry, Pin } from '../types';
import type { World } from '../world';

export class Pins {
  list: readonly Pin[] = $state.raw([]);
  /** As the server counts; the list is asked for when somebody looks. */
  count = $state(0);
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  has(id: string | null): boolean {
    return this.list.some((pin) => pin.message.id === id);
  }

  /** PIN or UNPIN; `message`: which it is about, if it is known here. */
  came(line: Line, message: MessageEntry | undefined): void {
    const isPinned = line.command === 'PIN';
    this.count = Math.max(0, this.count + (isPinned ? 1 : -1));
    this.#remove(line.params[1] ?? '');
    const at = timeOf(line.tags.get('time')) ?? this.#world.now();
    if (isPinned && message) this.list = [...this.list, { message, by: nickOf(line.source), at }];
  }

  /** False: it may have been pinned, without that being known here. */
  deleted(id: string): boolean {
    const wasPinned = this.has(id);
    const isKnown = wasPinned || this.list.length === this.count;
    if (wasPinned) this.count -= 1;
    this.#remove(id);
    return isKnown;
  }

  #remove(id: string): void {
    this.list = this.list.filter((pin) => pin.message.id !== id);
  }

  /** A message has become another. */
  became(entry: MessageEntry): void {
    if (this.has(entry.id)) this.list = this.list.map((pin) => (pin.message.id === entry.id ? { ...pin, message: entry } : pin));
  }

  /** All of them, as the server told them. */
  are(pins: readonly Pin[], timeline: Timeline): void {
    this.list = pins;
    this.count = pins.length;
    for (const entry of timeline.messages()) {
      if (entry.pinned !== this.has(entry.id)) timeline.put({ ...entry, pinned: this.has(entry.id) });
    }
  }
}
