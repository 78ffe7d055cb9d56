// Searching on the server (soju.im/search).

import { isBatch, type Item } from '../../irc/batches';
import { escapeTag } from '../../irc/line';
import { language } from '../../texts/language.svelte';
import { ConversationState } from '../conversation/conversation.svelte';
import { said } from '../conversation/said';
import type { People, PersonState } from '../people.svelte';
import { Refused, type SearchHit, type SearchQuery } from '../types';
import type { World } from '../world';

/** Of names that one person had; each is searched for. */
const mostNames = 8;

/** When the day begins here, or the next one. */
function midnight(day: string, later: number): string {
  const [year = 0, month = 1, date = 1] = day.split('-').map(Number);
  return new Date(year, month - 1, date + later).toISOString();
}

/** Whoever is called so, or was and nobody is now, as far as is known. */
function personOf(people: People, name: string): PersonState | null {
  const now = people.find(name);
  if (now && now.id !== null) return now;
  const key = people.fold(name);
  return [...people.all()].find((person) => person.id !== null && [...person.names].some((name) => people.fold(name) === key)) ?? null;
}

export async function search(world: World, query: SearchQuery): Promise<readonly SearchHit[]> {
  const { people } = world;
  const person = query.from === undefined ? null : personOf(people, query.from);
  // What was said has the name of then.
  const names = person ? [...new Set([...person.names].map(people.fold))].slice(-mostNames) : [query.from];
  const found = await Promise.all(names.map((from) => searchOnce(world, { ...query, from })));
  const hits = new Map<string, SearchHit>();
  for (const { hit, personId } of found.flat()) {
    // Somebody else had the name then, or has it now.
    if (person === null || personId === null || personId === person.id) hits.set(hit.message.key, hit);
  }
  // The latest first, whatever the server says first; of several answers as many as of one.
  return [...hits.values()].sort((one, other) => other.message.time - one.message.time).slice(0, names.length > 1 ? query.limit : undefined);
}

async function searchOnce(world: World, query: SearchQuery): Promise<{ hit: SearchHit; personId: string | null }[]> {
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
  const hits: { hit: SearchHit; personId: string | null }[] = [];
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
        hits.push({ hit: { conversation: conversation.name, message: conversation.entryOf(message) }, personId });
      } else if (isBatch(item)) look(item.items);
    }
  };
  look(items);
  return hits;
}
