// Searching on the server (soju.im/search).

import { isBatch, type Item } from '../../irc/batches';
import { escapeTag } from '../../irc/line';
import { language } from '../../texts/language.svelte';
import { ConversationState } from '../conversation/conversation.svelte';
import { said } from '../conversation/said';
import { Refused, type SearchHit, type SearchQuery } from '../types';
import type { World } from '../world';

export async function search(world: World, query: SearchQuery): Promise<readonly SearchHit[]> {
  const attributes = Object.entries({
    text: query.words.trim() || undefined,
    in: query.in,
    from: query.from,
    after: query.after,
    before: query.before,
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
        const isOwn = world.people.isMe(message.nick) || (world.account !== null && message.account === world.account);
        const name = world.isupport.isRoom(message.target) || isOwn ? message.target : message.nick;
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
