// How a room is set: its topic, its name, its modes.

import { flags } from '../conversation/modes';
import type { RoomSettings, SettingsChange } from '../types';
import type { World } from '../world';

export async function setTopic(world: World, room: string, topic: string): Promise<void> {
  await world.request('TOPIC', [room, topic]);
}

export async function rename(world: World, room: string, name: string): Promise<void> {
  await world.request('RENAME', [room, name]);
}

export async function change(world: World, room: string, now: RoomSettings, wanted: SettingsChange): Promise<void> {
  for (const params of modeLines(now, wanted, world.isupport.modesAtOnce)) await world.request('MODE', [room, ...params]);
}

/** Parameters of MODE that make it so; each is one line, of at most so many changes. */
function modeLines(now: RoomSettings, wanted: SettingsChange, atOnce: number): string[][] {
  const changes: { on: boolean; letter: string; param: string | null }[] = [];
  const set = (letter: string, value: string | null, takes: boolean): void => {
    changes.push({ on: value !== null, letter, param: value ?? (takes ? '*' : null) });
  };
  for (const [letter, name] of Object.entries(flags)) {
    const value = wanted[name];
    if (value !== undefined && value !== now[name]) changes.push({ on: value, letter, param: null });
  }
  if (wanted.key !== undefined && wanted.key !== now.key && wanted.key !== true) {
    // A key has to be taken away before there can be another one.
    if (now.key !== null) changes.push({ on: false, letter: 'k', param: typeof now.key === 'string' ? now.key : '*' });
    if (wanted.key !== null) set('k', wanted.key, true);
  }
  if (wanted.limit !== undefined && wanted.limit !== now.limit) set('l', wanted.limit === null ? null : String(wanted.limit), false);
  if (wanted.forwardTo !== undefined && wanted.forwardTo !== now.forwardTo) set('f', wanted.forwardTo, false);
  if (wanted.historyKept !== undefined && wanted.historyKept !== now.historyKept) set('H', wanted.historyKept, false);
  if (wanted.slowMode !== undefined && wanted.slowMode !== now.slowMode) set('W', wanted.slowMode === null ? null : String(wanted.slowMode), false);
  const lines: string[][] = [];
  for (let at = 0; at < changes.length; at += atOnce) {
    const some = changes.slice(at, at + atOnce);
    const letters = some.map(({ on, letter }) => `${on ? '+' : '-'}${letter}`).join('');
    lines.push([letters, ...some.flatMap(({ param }) => (param === null ? [] : [param]))]);
  }
  return lines;
}
