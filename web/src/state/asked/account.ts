// One's account, asked and told over the link: name, password, devices, what the server has of one.

import { linesOf, type Item } from '../../irc/batches';
import { Failure } from '../../irc/failure';
import { timeOf } from '../../irc/line';
import { more } from '../../texts/more.svelte';
import type { Receiver } from '../incoming';
import { refused } from '../refusals';
import { Refused, type Device } from '../types';
import type { World } from '../world';

export async function changePassword(world: World, old: string, wanted: string): Promise<void> {
  let params = [old, wanted];
  if (/\s|^:/.test(old) || old === '') {
    // For an old password with spaces: a sign that neither of them has stands between them.
    const sign = [...'/|!,;~^'].find((sign) => !old.includes(sign) && !wanted.includes(sign)) ?? '/';
    params = [`${sign}${old}${sign}${wanted}${sign}`];
  }
  await world.request('PASSWORD', params, { quiet: true });
}

export async function rename(chat: Receiver, name: string, password: string): Promise<void> {
  // Within a line a space would end the name: it would become another one than was typed.
  if (/\s/.test(name)) throw await refused(new Failure('BAD_ACCOUNT_NAME', 'ACCOUNT', []));
  const items = await chat.request('ACCOUNT', ['RENAME', name, password]);
  const note = [...linesOf(items)].find(({ command, params }) => command === 'NOTE' && params[1] === 'NAME_CHANGED');
  // All others are told of it (ACCOUNT), whoever asked is answered.
  chat.account = note?.params[2] ?? name;
  chat.me.know({ account: chat.account });
}

/** Gives what is said of it at the entry. */
export async function deleteAccount(world: World, password: string): Promise<string> {
  await world.request('ACCOUNT', ['DELETE', password], { quiet: true });
  return more.texts.accountDeleted;
}

export async function exportAccount(world: World): Promise<string> {
  const items = await world.request('ACCOUNT', ['EXPORT'], { quiet: true });
  for (const { command, params } of linesOf(items)) {
    if (command === 'NOTE' && params[0] === 'ACCOUNT' && params[1] === 'EXPORT' && params[2]) return params[2];
  }
  throw new Refused(more.texts.refused.serverError, 'NO_ANSWER');
}

export async function devices(world: World): Promise<readonly Device[]> {
  const items = await world.request('DEVICES', [], { quiet: true });
  const devices: Device[] = [];
  for (const { command, params } of linesOf(items)) {
    if (command !== 'DEVICE') continue;
    const [id = '', which, state, transport = '', address = '', since, active, name] = params;
    devices.push({
      id,
      isThis: which === 'this',
      state: state === 'here' || state === 'absent' ? state : 'gone',
      transport,
      address,
      since: timeOf(since) ?? 0,
      lastActive: timeOf(active) ?? 0,
      name: name || null,
    });
  }
  return devices;
}

export async function endDevice(world: World, id: string): Promise<void> {
  await world.request('DEVICES', ['END', id], { quiet: true });
}

export async function alwaysOn(world: World): Promise<{ wanted: 'on' | 'off' | 'default'; is: boolean }> {
  return persistenceOf(await world.request('PERSISTENCE', ['GET'], { quiet: true }));
}

export async function setAlwaysOn(world: World, wanted: 'on' | 'off' | 'default'): Promise<void> {
  await world.request('PERSISTENCE', ['SET', wanted.toUpperCase()], { quiet: true });
}

function persistenceOf(items: readonly Item[]): { wanted: 'on' | 'off' | 'default'; is: boolean } {
  for (const { command, params } of linesOf(items)) {
    if (command !== 'PERSISTENCE') continue;
    const wanted = params[1] === 'ON' ? 'on' : params[1] === 'OFF' ? 'off' : 'default';
    return { wanted, is: params[2] === 'ON' };
  }
  return { wanted: 'default', is: false };
}
