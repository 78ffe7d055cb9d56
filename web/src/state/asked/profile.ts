// What others see of one, and whom one does not want to hear.

import { isSeen } from '../../format/clean';
import type { Profile } from '../types';
import type { World } from '../world';

const keys = { displayName: 'display-name', pronouns: 'pronouns', status: 'status' } as const;

export async function setProfile(world: World, profile: Profile): Promise<void> {
  for (const [name, key] of Object.entries(keys)) {
    const value = profile[name as keyof Profile];
    if (value === undefined) continue;
    await world.request('METADATA', ['*', 'SET', key, ...(isSeen(value) ? [value.trim()] : [])]);
  }
}

export async function setNick(world: World, nick: string): Promise<void> {
  await world.request('NICK', [nick]);
}

export async function setAway(world: World, message: string | null): Promise<void> {
  await world.request('AWAY', message === null ? [] : [message]);
  world.people.me.know(message === null ? { presence: 'here', awayMessage: null } : { presence: 'away', awayMessage: message });
}

export async function setBlocked(world: World, nick: string, on: boolean): Promise<void> {
  await world.request('METADATA', [nick, 'SET', 'soju.im/blocked', on ? '1' : '0']);
}
