// What begins with `/`: for those who are used to it. Everything is to be had without, too.

import type { ChatState } from '../chat.svelte';
import type { ConversationState } from '../conversation/conversation.svelte';
import { linesOf } from '../../irc/batches';
import { parse } from '../../irc/line';
import { more } from '../../texts/more.svelte';
import { Refused } from '../types';

interface Command {
  readonly usage: string;
  /** Words that it needs at least. */
  readonly needs: number;
  run(chat: ChatState, here: ConversationState, rest: string, words: string[]): Promise<unknown>;
}

const inRoom = (here: ConversationState): void => {
  if (!here.isRoom) throw new Refused(more.texts.refused.noRoom, 'NO_ROOM');
};

/** All but the first word, as it was written. */
const after = (rest: string): string => rest.replace(/^\S+\s*/, '');

const withSign = (room: string): string => (room.startsWith('#') ? room : `#${room}`);

/** A line as it is, and what the server says to it in words. */
async function quote(chat: ChatState, _: ConversationState, line: string): Promise<void> {
  const asked = parse(line.replace(/[\r\n\0]/g, ' '));
  if (!asked) throw new Refused(more.texts.refused.needsMore(commands.quote?.usage ?? ''), 'NEEDS_MORE');
  const answer = await chat.request(asked.command, asked.params, { tags: Object.fromEntries(asked.tags) });
  const told = [...linesOf(answer)]
    .filter((line) => /^\d{3}$/.test(line.command))
    .map((line) => line.params.slice(1).join(' '));
  if (told.length > 0) chat.say(told.slice(0, 5).join(' · '));
}

export const commands: Readonly<Record<string, Command>> = {
  me: { usage: '/me TEXT', needs: 1, run: (_, here, rest) => here.send(rest, { style: 'action' }) },
  join: { usage: '/join ROOM', needs: 1, run: (chat, _, __, [room = '', key]) => chat.joinRoom(withSign(room), key) },
  leave: {
    usage: '/leave',
    needs: 0,
    run: (chat, here, rest, [first = '']) => {
      const other = first.startsWith('#') ? chat.find(first) : null;
      return other ? other.leave(after(rest) || undefined) : here.leave(rest || undefined);
    },
  },
  msg: {
    usage: '/msg NAME TEXT',
    needs: 1,
    run: async (chat, _, rest, [name = '']) => {
      const conversation = chat.open(name);
      if (after(rest)) await conversation.send(after(rest), { style: 'text' });
    },
  },
  nick: { usage: '/nick NAME', needs: 1, run: (chat, _, __, [nick = '']) => chat.setNick(nick) },
  topic: {
    usage: '/topic TEXT',
    needs: 0,
    run: (_, here, rest) => {
      inRoom(here);
      return here.setTopic(rest);
    },
  },
  invite: {
    usage: '/invite NAME',
    needs: 1,
    run: (_, here, __, [nick = '']) => {
      inRoom(here);
      return here.invite(nick);
    },
  },
  kick: {
    usage: '/kick NAME',
    needs: 1,
    run: (_, here, rest, [nick = '']) => {
      inRoom(here);
      return here.kick(nick, after(rest) || undefined);
    },
  },
  away: { usage: '/away TEXT', needs: 0, run: (chat, _, rest) => chat.setAway(rest || '…') },
  back: { usage: '/back', needs: 0, run: (chat) => chat.setAway(null) },
  group: { usage: '/group NAME NAME', needs: 2, run: (chat, _, __, nicks) => chat.openGroup(nicks.map((nick) => nick.replace(/^@|,$/g, ''))) },
  mode: {
    usage: '/mode +m',
    needs: 1,
    run: (chat, here, _, words) => {
      const [first = '', ...rest] = words;
      // Only what has its sign is a change: a name would be taken for letters.
      if (/^[+-]/.test(first)) {
        inRoom(here);
        return chat.request('MODE', [here.name, ...words]);
      }
      const isOther = !first.startsWith('#') && !chat.people.isMe(first);
      if (isOther || !/^[+-]/.test(rest[0] ?? '')) throw new Refused(more.texts.refused.modeOf(first), 'NOT_A_CHANGE');
      return chat.request('MODE', words);
    },
  },
  quote: { usage: '/quote LINE', needs: 1, run: quote },
  help: {
    usage: '/help',
    needs: 0,
    run: async (chat) => chat.say(more.texts.commandHelp),
  },
};

const others: Readonly<Record<string, string>> = { part: 'leave', j: 'join', query: 'msg', whisper: 'msg', w: 'msg', raw: 'quote' };

export async function run(chat: ChatState, here: ConversationState, line: string): Promise<void> {
  const [, name = '', rest = ''] = /^\/(\S+)\s*([\s\S]*)$/.exec(line) ?? [];
  const called = name.toLowerCase();
  const own = others[called] ?? called;
  const command = Object.hasOwn(commands, own) ? commands[own] : undefined;
  const texts = more.texts.refused;
  if (!command) throw new Refused(texts.unknownCommand(called), 'UNKNOWN_COMMAND');
  const words = rest.trim().split(/\s+/).filter(Boolean);
  if (words.length < command.needs) throw new Refused(texts.needsMore(command.usage), 'NEEDS_MORE');
  await command.run(chat, here, rest.trim(), words);
}
