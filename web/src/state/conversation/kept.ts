// A message on the disk, and as it is shown before the server has told what became of it.

import type { People } from '../people.svelte';
import type { KeptMessage } from '../storage';
import type { MessageEntry } from '../types';

/** Nothing, for one that has no id yet: those are in the outbox. */
export function keptOf(entry: MessageEntry): KeptMessage[] {
  const { id, time, sender, own, style, text, mentionsMe, replyTo, edited, deleted } = entry;
  if (id === null) return [];
  const reactions = entry.reactions.map(({ text, people, own }) => ({ text, people: [...people], own }));
  return [{ id, time, nick: sender.nick, account: sender.account, personId: sender.id, own, style, text, mentionsMe, replyTo, edited, deleted, reactions }];
}

export function entryOfKept(message: KeptMessage, people: People): MessageEntry {
  const { nick, account, personId, ...kept } = message;
  const sender = kept.own ? people.me : people.author(nick, account, personId, kept.time);
  return {
    ...kept,
    kind: 'message',
    key: kept.id,
    sender,
    replyCount: 0,
    pinned: false,
    onlyFor: null,
    relayedBy: null,
    status: 'sent',
    failure: null,
  };
}
