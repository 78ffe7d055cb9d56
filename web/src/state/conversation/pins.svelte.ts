// What is pinned in a conversation.

import { batchOf, isBatch } from '../../irc/batches';
import { nickOf, timeOf, type Line } from '../../irc/line';
import type { Reader } from './reader';
import { said } from './said';
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

  deleted(id: string): void {
    this.#remove(id);
  }

  #remove(id: string): void {
    this.list = this.list.filter((pin) => pin.message.id !== id);
  }

  /** A message has become another. */
  became(entry: MessageEntry): void {
    if (this.has(entry.id)) this.list = this.list.map((pin) => (pin.message.id === entry.id ? { ...pin, message: entry } : pin));
  }

  async load(name: string, reader: Reader, timeline: Timeline): Promise<readonly Pin[]> {
    const items = await this.#world.request('PINS', [name], { quiet: true });
    const pins: Pin[] = [];
    let by: { by: string; at: number } | null = null;
    for (const item of batchOf(items, 'parlor/pins')?.items ?? []) {
      const line = isBatch(item) ? item.opening : item;
      if (line.command === 'PIN') by = { by: nickOf(line.source), at: timeOf(line.tags.get('time')) ?? 0 };
      const message = said(item, this.#world.isupport, this.#world.now());
      if (!message || !by) continue;
      const known = message.id !== null ? timeline.find(message.id) : undefined;
      pins.push({ message: { ...(known ?? reader.message(message)), pinned: true }, ...by });
    }
    this.list = pins;
    this.count = pins.length;
    for (const entry of timeline.messages()) {
      if (entry.pinned !== this.has(entry.id)) timeline.put({ ...entry, pinned: this.has(entry.id) });
    }
    return pins;
  }
}
