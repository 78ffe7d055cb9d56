// Who comes into a room, what she may there, and who may not come or speak: ranks, invitations, bans, links that let people in.

import { linesOf } from '../../irc/batches';
import { nickOf, timeOf } from '../../irc/line';
import { more } from '../../texts/more.svelte';
import { letterOfRank } from '../conversation/ranks';
import { pathOfInvite } from '../permalink';
import { Refused, type InviteLink, type ListEntry, type Rank, type RoomLists } from '../types';
import type { World } from '../world';

export async function setRank(world: World, room: string, nick: string, now: Rank | null, wanted: Rank | null): Promise<void> {
  if (now === wanted) return;
  const letters: string[] = [];
  if (wanted !== null) letters.push(`+${letterOfRank(wanted)}`);
  if (now !== null) letters.push(`-${letterOfRank(now)}`);
  await world.request('MODE', [room, letters.join(''), ...letters.map(() => nick)]);
}

export async function invite(world: World, room: string, nick: string): Promise<void> {
  try {
    await world.request('INVITE', [nick, room], { quiet: true });
  } catch (error) {
    // Nobody of this name is connected; of an account that is not, something is known all the same.
    if (!(error instanceof Refused) || error.code !== '401' || !(await isAccount(world, nick))) throw error;
    throw new Refused(more.texts.isNotHere(world.people.get(nick).displayName), 'NOT_HERE');
  }
}

async function isAccount(world: World, nick: string): Promise<boolean> {
  return world.has('draft/metadata-2') && world.request('METADATA', [nick, 'GET', 'display-name'], { quiet: true }).then(() => true, () => false);
}

/** Asks those inside for an invitation. */
export async function knock(world: World, room: string): Promise<void> {
  await world.request('KNOCK', [room], { quiet: true });
}

export async function kick(world: World, room: string, nick: string, reason?: string): Promise<void> {
  await world.request('KICK', [room, nick, ...(reason ? [reason] : [])]);
}

export async function ban(world: World, room: string, mask: string, options: { duration?: string; mute?: boolean } = {}): Promise<void> {
  const whom = `${options.mute ? 'm:' : ''}${maskOf(mask)}`;
  if (options.duration) await world.request('TBAN', [room, options.duration, whom]);
  else await world.request('MODE', [room, '+b', whom]);
}

export async function lists(world: World, room: string): Promise<RoomLists> {
  const read = async (letter: string, numeric: string): Promise<ListEntry[]> => {
    const items = await world.request('MODE', [room, letter], { quiet: true });
    const entries: ListEntry[] = [];
    for (const line of linesOf(items)) {
      if (line.command !== numeric) continue;
      const [, , mask = '', by, at] = line.params;
      entries.push({ mask, by: by ? nickOf(by) : null, at: at ? Number(at) * 1_000 : null, until: timeOf(line.tags.get('parlor/until')) });
    }
    return entries;
  };
  const orNone = (list: Promise<ListEntry[]>): Promise<ListEntry[]> => list.catch(() => []);
  const [banned, exceptions, invitations] = await Promise.all([
    read('b', '367'),
    // Moderators alone are shown these.
    orNone(read('e', '348')),
    orNone(read('I', '346')),
  ]);
  const isMute = (entry: ListEntry): boolean => /^~?m:/.test(entry.mask);
  return { bans: banned.filter((entry) => !isMute(entry)), mutes: banned.filter(isMute), exceptions, invitations };
}

export async function addToList(world: World, room: string, list: keyof RoomLists, mask: string): Promise<void> {
  const whom = list === 'mutes' && !/^~?m:/.test(mask) ? `m:${maskOf(mask)}` : maskOf(mask);
  await world.request('MODE', [room, `+${letterOfList(list)}`, whom]);
}

export async function removeFromList(world: World, room: string, list: keyof RoomLists, mask: string): Promise<void> {
  await world.request('MODE', [room, `-${letterOfList(list)}`, mask]);
}

export async function inviteLinks(world: World, room: string): Promise<readonly InviteLink[]> {
  const items = await world.request('INVITELINK', ['LIST', room], { quiet: true });
  const links: InviteLink[] = [];
  for (const line of linesOf(items)) {
    if (line.command !== 'NOTE' || line.params[1] !== 'LINK') continue;
    const [, , , id = '', left = '*', expires = '*', text = ''] = line.params;
    const by = /^made by ([^!;]+)/.exec(text)?.[1] ?? null;
    links.push({ id, by, expires: timeOf(expires), usesLeft: left === '*' ? null : Number(left), url: null });
  }
  return links;
}

export async function createInviteLink(world: World, room: string, options: { duration?: string; uses?: number } = {}): Promise<InviteLink> {
  const params = ['CREATE', room, options.duration ?? '7d', ...(options.uses ? [String(options.uses)] : [])];
  const items = await world.request('INVITELINK', params, { quiet: true });
  for (const line of linesOf(items)) {
    if (line.command !== 'NOTE' || line.params[1] !== 'CREATED') continue;
    const [, , , id = '', token = ''] = line.params;
    return {
      id,
      by: world.people.me.nick,
      expires: null,
      usesLeft: options.uses ?? null,
      url: new URL(pathOfInvite(room, token), location.origin).href,
    };
  }
  throw new Refused(more.texts.refused.serverError, 'NO_ANSWER');
}

export async function revokeInviteLink(world: World, room: string, id: string): Promise<void> {
  await world.request('INVITELINK', ['REVOKE', room, id], { quiet: true });
}

/** A bare name is anyone of this name. */
function maskOf(mask: string): string {
  return /[!@*?:]/.test(mask) ? mask : `${mask}!*@*`;
}

function letterOfList(list: keyof RoomLists): string {
  return { bans: 'b', mutes: 'b', exceptions: 'e', invitations: 'I' }[list];
}
