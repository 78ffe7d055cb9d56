// What is pinned, as the server lists it.

import { batchOf, isBatch } from '../../irc/batches';
import { nickOf, timeOf } from '../../irc/line';
import type { Reader } from '../conversation/reader';
import { said } from '../conversation/said';
import type { Timeline } from '../conversation/timeline';
import type { Pin } from '../types';
import type { World } from '../world';

export async function readPins(world: World, name: string, reader: Reader, timeline: Timeline): Promise<readonly Pin[]> {
  const items = await world.request('PINS', [name], { quiet: true });
  const pins: Pin[] = [];
  let by: { by: string; at: number } | null = null;
  for (const item of batchOf(items, 'parlor/pins')?.items ?? []) {
    const line = isBatch(item) ? item.opening : item;
    if (line.command === 'PIN') by = { by: nickOf(line.source), at: timeOf(line.tags.get('time')) ?? 0 };
    const message = said(item, world.isupport, world.now());
    if (!message || !by) continue;
    const known = message.id !== null ? timeline.find(message.id) : undefined;
    pins.push({ message: { ...(known ?? reader.message(message)), pinned: true }, ...by });
  }
  return pins;
}
