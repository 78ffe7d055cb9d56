// The rooms and people that there are on the server, asked for when somebody looks for them.

import { alphabetically } from '../../format/alphabet';
import { batchOf, linesOf } from '../../irc/batches';
import { timeOf } from '../../irc/line';
import { more } from '../../texts/more.svelte';
import type { ConversationState } from '../conversation/conversation.svelte';
import { rankOfSign } from '../conversation/ranks';
import { idOf } from '../conversation/said';
import { Refused, type ListedRoom, type Person, type WhoIs } from '../types';
import type { World } from '../world';

export async function listRooms(world: World, filter = ''): Promise<readonly ListedRoom[]> {
  const words = filter.trim().replace(/[*?,\s]+/g, '*');
  const items = await world.request('LIST', words ? [`*${words}*`] : [], { quiet: true });
  const rooms: ListedRoom[] = [];
  for (const line of linesOf(items)) {
    if (line.command !== '322') continue;
    const [, name = '', people = '0', topic = ''] = line.params;
    // One's groups are in the list as well; they are no rooms that one could find.
    if (name.startsWith('#+')) continue;
    rooms.push({
      name,
      topic,
      people: Number(people) || 0,
      lastActive: timeOf(line.tags.get('parlor/activity')),
      joined: world.known(name)?.membership === 'in',
    });
  }
  return rooms.sort((one, other) => other.people - one.people || alphabetically(one.name, other.name));
}

export async function findPeople(world: World & { all(): Iterable<ConversationState> }, words: string): Promise<readonly Person[]> {
  const mask = words.trim().replace(/[*?,\s]+/g, '*');
  if (!mask) return [];
  const items = await world.request('WHO', [`*${mask}*`, '%tnfar,8'], { quiet: true });
  const found = new Map<string, Person>();
  for (const line of linesOf(items)) {
    if (line.command !== '354' || line.params[1] !== '8') continue;
    const [, , nick = '', letters = '', account = '0', realname = ''] = line.params;
    const presence = letters.startsWith('G') ? 'away' : 'here';
    const person = world.people.called(nick, idOf(line), { account: account === '0' ? null : account, realname, presence });
    found.set(person.key, person);
  }
  // Of accounts that are not here the server tells those who are in a room with them.
  const part = words.trim().toLowerCase();
  for (const { absentMembers } of world.all()) {
    for (const { person } of absentMembers) {
      if (`${person.nick}\n${person.displayName}`.toLowerCase().includes(part) && !found.has(person.key)) found.set(person.key, person);
    }
  }
  return [...found.values()];
}

/** The name of the group of these people and oneself, which there is from then on. */
export async function openGroup(world: World, nicks: readonly string[]): Promise<string> {
  for (const { command, params } of linesOf(await world.request('GROUP', [nicks.join(',')]))) {
    if (command === 'GROUP' && params[0]) return params[0];
  }
  throw new Refused(more.texts.refused.serverError, 'NO_ANSWER');
}

export async function whereIs(world: World, message: string | null, room: string): Promise<string | null> {
  const params = message === null ? ['LATEST', room, '*', '1'] : ['AROUND', '*', `msgid=${message}`, '1'];
  try {
    return batchOf(await world.request('CHATHISTORY', params, { quiet: true }), 'chathistory')?.params[0] ?? null;
  } catch (error) {
    if (error instanceof Refused && error.code.startsWith('INVALID_')) return null;
    throw error;
  }
}

export async function whoIs(world: World, nick: string): Promise<WhoIs> {
  // Twice the name: how long somebody has said nothing is told as well.
  const items = await world.request('WHOIS', [nick, nick], { quiet: true });
  const found: { -readonly [Name in keyof WhoIs]: WhoIs[Name] } = {
    nick,
    account: null,
    realname: null,
    away: null,
    here: false,
    bot: false,
    operator: false,
    secure: false,
    idleSeconds: null,
    signedOn: null,
    rooms: [],
    address: null,
  };
  let id: string | null = null;
  for (const line of linesOf(items)) {
    const { command, params } = line;
    switch (command) {
      case '311':
        id = idOf(line);
        found.nick = params[1] ?? nick;
        found.realname = params[5] ?? null;
        found.here = true;
        break;
      case '301':
        found.away = params[2] ?? '';
        break;
      case '313':
        found.operator = true;
        break;
      case '317':
        found.idleSeconds = Number(params[2]);
        found.signedOn = Number(params[3]) * 1_000 || null;
        break;
      case '319':
        found.rooms = [
          ...found.rooms,
          ...(params[2] ?? '')
            .split(' ')
            .filter(Boolean)
            .map((room) => {
              const name = room.replace(/^[^#]+/, '');
              return { name, rank: rankOfSign(world.isupport, room.charAt(0) === '#' ? '' : room.charAt(0)) };
            }),
        ];
        break;
      case '330':
        found.account = params[2] ?? null;
        break;
      case '335':
        found.bot = true;
        break;
      case '338':
        found.address = params[3] ? (params[3] ?? null) : null;
        break;
      case '671':
        found.secure = true;
        break;
    }
  }
  const presence = found.away === null ? 'here' : 'away';
  if (found.here) world.people.called(found.nick, id, { realname: found.realname, account: found.account, bot: found.bot, presence });
  return found;
}
