// Right behind the welcome of a link: which rooms one is in, with whom one wrote, what is unread.

import type { Item } from '../irc/batches';
import type { Connection } from '../irc/connection';
import { asking } from './asked/asking';
import type { ConversationState } from './conversation/conversation.svelte';
import { countsOf } from './conversation/unread.svelte';
import type { Receiver } from './incoming';
import type { LinkState } from './link.svelte';
import type { World } from './world';

/** Direct conversations are listed that are not older than this. */
const correspondentsWithin = 365 * 86_400_000;
const mostCorrespondents = 50;
const mostMonitored = 100;

interface Chat extends Receiver {
  readonly link: LinkState;
  readonly current: ConversationState | null;
}

/** Rejected when the link is gone again, or the server says no to a part of it. */
export async function catchUp(chat: Chat, connection: Connection): Promise<void> {
  const asked: Promise<unknown>[] = [];
  const ask = (command: string, params: readonly string[] = []): void => {
    asked.push(connection.request(command, params).catch(() => []));
  };
  // Guests are in no room unless they say so; accounts are in theirs.
  if (chat.account === null) asked.push(...(await asking()).joining.comeBack(chat, connection));
  const others = [...chat.all()].filter((conversation) => conversation.kind === 'direct').slice(0, mostMonitored);
  if (others.length > 0) ask('MONITOR', ['+', others.map((conversation) => conversation.name).join(',')]);
  if (connection.has('draft/chathistory')) asked.push(askCorrespondents(chat, connection).catch(() => []));
  if (connection.has('parlor/groups') && chat.account !== null) ask('GROUP');
  ask('MODE', [connection.nick]);
  if (connection.has('parlor/unread')) {
    const counts = await connection.request('UNREAD', [], { quiet: true });
    // What was confirmed on this link is not any more when it is gone.
    if (!chat.link.isOver(connection)) return;
    // Rooms that one is in have been told by now: the server answers in order.
    chat.together(() => {
      countsCame(chat, counts);
      forgetLeft(chat);
    });
  }
  await Promise.all(asked);
  if (!chat.link.isOver(connection)) return;
  chat.together(() => forgetLeft(chat));
  if (![...chat.all()].some((conversation) => conversation.membership === 'in')) {
    for (const room of chat.session.info?.rooms ?? []) await connection.request('JOIN', [room]).catch(() => []);
  }
  await chat.current?.enter();
}

/** With whom one wrote, whatever she is called now. */
export function askCorrespondents(chat: World, link: Pick<Connection, 'request'> = chat): Promise<Item[]> {
  const now = chat.now();
  // A day ahead: what is said meanwhile is among them, too.
  const [from, to] = [new Date(now + 86_400_000), new Date(now - correspondentsWithin)];
  return link.request('CHATHISTORY', ['TARGETS', `timestamp=${from.toISOString()}`, `timestamp=${to.toISOString()}`, String(mostCorrespondents)]);
}

/** Rooms that were left on another device. */
function forgetLeft(chat: Chat): void {
  for (const conversation of [...chat.all()]) {
    if (!conversation.isRoom || conversation.membership === 'out' || conversation.isConfirmed) continue;
    const wasIn = conversation.membership === 'in';
    conversation.out();
    // What was written there has found its way to where it is called otherwise.
    if ((wasIn || conversation.isEmpty) && conversation !== chat.current) chat.close(conversation);
  }
}

function countsCame(chat: Chat, items: readonly Item[]): void {
  const counted = new Set<ConversationState>();
  const { rows, asOf } = countsOf(items);
  for (const { name, messages, isMore, mentions } of rows) {
    const conversation = chat.ensure(name);
    counted.add(conversation);
    conversation.unreadIs(messages, isMore, mentions, asOf);
  }
  for (const conversation of chat.all()) if (!counted.has(conversation)) conversation.unreadIs(0, false, 0, asOf);
}
