// What the server tells of a conversation, as entries: live, in history, pinned or found, it is read in the same way.

import type { Isupport } from '../../irc/isupport';
import { nickOf, timeOf, type Line } from '../../irc/line';
import { mentions } from '../../format/mentions';
import type { Who } from './becoming';
import { happening, type Happening } from './happenings';
import { rankOfSign } from './ranks';
import { accountOf, idOf, type Said } from './said';
import type { Timeline } from './timeline';
import type { EventEntry, MessageEntry } from '../types';
import type { World } from '../world';

export class Reader {
  readonly #world: World;
  readonly #timeline: Timeline;
  readonly #isPinned: (id: string) => boolean;
  #nextKey = 1;

  constructor(world: World, timeline: Timeline, isPinned: (id: string) => boolean) {
    this.#world = world;
    this.#timeline = timeline;
    this.#isPinned = isPinned;
  }

  get isupport(): Isupport {
    return this.#world.isupport;
  }

  now(): number {
    return this.#world.now();
  }

  who(line: Line): Who {
    const nick = nickOf(line.source);
    return { nick, own: this.#isOwn(nick, accountOf(line), idOf(line)), me: this.#world.people.me.nick };
  }

  #isOwn(nick: string, account: string | null, id: string | null): boolean {
    const mine = this.#world.account;
    const { me } = this.#world.people;
    // The name may have been another one then, and so may the account's.
    if (mine !== null && me.id !== null && id !== null) return id === me.id;
    return mine !== null && account !== null ? this.isupport.same(account, mine) : this.#world.people.isMe(nick);
  }

  event(what: Happening, line: Line): EventEntry {
    return happening(what, this.#key(), line.tags.get('msgid') || null, timeOf(line.tags.get('time')) ?? this.now());
  }

  message(message: Said): MessageEntry {
    const { people } = this.#world;
    const { nick, account, personId, time } = message;
    const own = this.#isOwn(nick, account, personId);
    const sender = own ? people.me : message.relayedBy === null ? people.author(nick, account, personId, time) : people.get(nick);
    sender.know({ bot: message.bot || undefined });
    const known = message.id !== null ? this.#timeline.find(message.id) : undefined;
    return {
      kind: 'message',
      key: known?.key ?? message.id ?? this.#key(),
      id: message.id,
      time,
      sender,
      own,
      style: message.style,
      text: message.text,
      mentionsMe: !own && mentions(message.text, people.me.nick),
      replyTo: message.replyTo,
      replyCount: message.id !== null ? this.#timeline.replyCount(message.id) : 0,
      edited: message.edited,
      deleted: null,
      reactions: [],
      pinned: message.id !== null && this.#isPinned(message.id),
      onlyFor: message.onlyFor === null ? null : rankOfSign(this.isupport, message.onlyFor),
      relayedBy: message.relayedBy,
      status: 'sent',
      failure: null,
    };
  }

  #key(): string {
    return `e${this.#nextKey++}`;
  }
}
