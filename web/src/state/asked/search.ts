// Searching on the server (soju.im/search).

import { isBatch, type Item } from '../../irc/batches';
import { escapeTag } from '../../irc/line';
import { language } from '../../texts/language.svelte';
import { ConversationState } from '../conversation/conversation.svelte';
import { said } from '../conversation/said';
import { Refused, type SearchHit, type SearchQuery } from '../types';
import type { World } from '../world';

/** When the day begins here, or the next one. */
function midnight(day: string, later: number): string {
  const [year = 0, month = 1, date = 1] = day.split('-').map(Number);
  return new Date(year, month - 1, date + later).toISOString();
}

export async function search(world: World, query: SearchQuery): Promise<readonly SearchHit[]> {
  const attributes = Object.entries({
    text: query.words.trim() || undefined,
    in: query.in,
    from: query.from,
    after: query.since && midnight(query.since, 0),
    before: query.until && midnight(query.until, 1),
    limit: query.limit === undefined ? undefined : String(query.limit),
  })
    .filter((entry): entry is [string, string] => Boolean(entry[1]))
    .map(([key, value]) => `${key}=${escapeTag(value)}`);
  if (attributes.length === 0) throw new Refused(language.texts.state.refused.empty, 'EMPTY');
  const items = await world.request('SEARCH', [attributes.join(';')], { quiet: true });
  const hits: SearchHit[] = [];
  const look = (some: readonly Item[]): void => {
    for (const item of some) {
      const message = said(item, world.isupport, world.now());
      if (message) {
        const { nick, account, personId, time } = message;
        const { me } = world.people;
        const isOwn = me.isMe && personId !== null ? personId === me.id : world.people.isMe(nick) || (world.account !== null && account === world.account);
        const name = world.isupport.isRoom(message.target) || isOwn ? message.target : world.people.author(nick, account, personId, time).nick;
        const known = world.known(name);
        const conversation = known ?? new ConversationState(world, name);
        hits.push({ conversation: conversation.name, message: conversation.entryOf(message) });
      } else if (isBatch(item)) look(item.items);
    }
  };
  look(items);
  // The latest first, whatever the server says first.
  return hits.sort((one, other) => other.message.time - one.message.time);
}
