// Entering rooms, also such as have another name by now or send people on.

import { linesOf, type Item } from '../irc/batches';
import type { Connection } from '../irc/connection';
import { Failure } from '../irc/failure';
import { nickOf } from '../irc/line';
import { more } from '../texts/more.svelte';
import type { ConversationState } from './conversation/conversation.svelte';
import type { Receiver } from './incoming';
import { refused } from './refusals';
import { Refused } from './types';

export async function join(chat: Receiver, given: string, key?: string): Promise<ConversationState> {
  const name = chat.isupport.isRoom(given) ? given : `#${given}`;
  const conversation = chat.known(name);
  if (conversation) {
    conversation.joinRefusal = null;
    if (conversation.membership === 'out') conversation.membership = 'joining';
  }
  let items: Item[];
  try {
    items = await chat.request('JOIN', [name, ...(key ? [key] : [])]);
  } catch (error) {
    if (conversation?.membership === 'joining') conversation.membership = 'out';
    const to = error instanceof Refused ? renamedTo(error) : undefined;
    if (to !== undefined) return follow(chat, name, to, key);
    if (conversation && error instanceof Refused) conversation.joinRefusal = error;
    throw error;
  }
  // It may have sent us on to another one (470).
  let entered = name;
  for (const line of linesOf(items)) {
    if (line.command === 'JOIN' && chat.people.isMe(nickOf(line.source))) entered = line.params[0] ?? name;
    if (line.command === '470') entered = line.params[2] ?? name;
  }
  if (!chat.isupport.same(entered, name)) chat.say(more.texts.moved(name, entered));
  const joined = chat.ensure(entered);
  if (chat.account === null && key?.startsWith('inv-')) {
    joined.cameBy = key;
    chat.rememberRooms();
  }
  // Whoever is in it already is told nothing.
  if (!joined.isConfirmed) joined.joined();
  chat.sending.go();
  return joined;
}

/** The room has another name now. */
export function follow(chat: Receiver, from: string, to: string, key?: string): Promise<ConversationState> {
  const conversation = chat.known(from);
  if (conversation) chat.renamed(conversation, to);
  chat.say(more.texts.moved(from, to));
  return join(chat, to, key);
}

/** A guest goes into the rooms that she was in. None is rejected. */
export function comeBack(chat: Receiver, connection: Connection): Promise<unknown>[] {
  const rooms = [...chat.all()].filter((room) => room.isRoom && room.membership === 'in');
  return rooms.map(async (room) => {
    try {
      await connection.request('JOIN', room.cameBy ? [room.name, room.cameBy] : [room.name]);
    } catch (error) {
      if (!(error instanceof Failure)) return;
      const to = renamedTo(error);
      if (to === undefined) await notLetBack(chat, room, error);
      else await follow(chat, room.name, to, room.cameBy ?? undefined).catch(() => undefined);
    }
  });
}

/** A guest was in the room, and cannot come back to it. */
async function notLetBack(chat: Receiver, room: ConversationState, failure: Failure): Promise<void> {
  if (failure.code === 'LINK_LOST') return;
  const refusal = await refused(failure);
  const sentence = room.cameBy ? more.texts.inviteIsOver(room.name) : refusal.message;
  room.joinRefusal = new Refused(sentence, refusal.code);
  // Whoever looks at the room reads it there.
  if (!chat.isCurrent(room)) chat.say(sentence, { tone: 'refusal' });
}

/** What the room is called that someone wanted to enter by a name that it had before (FAIL JOIN CHANNEL_RENAMED). */
export function renamedTo(refusal: Refused | Failure): string | undefined {
  return refusal.code === 'CHANNEL_RENAMED' ? refusal.context[1] : undefined;
}
