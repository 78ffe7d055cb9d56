// One conversation: what was said as far as it is known here, who is in it, what is read, and what one can do there.

import { isBatch } from '../irc/batches';
import type { ModeChange } from '../irc/isupport';
import { nickOf, timeOf, type Line } from '../irc/line';
import { mentions } from '../format/format';
import { language } from '../texts/language.svelte';
import { asking } from './asking';
import { changeOf, type Change, type Who } from './becoming';
import { happening, type Happening } from './happenings';
import { entryOfKept, keptOf } from './kept';
import { Members } from './members.svelte';
import { letterOfRank, modeLines, noSettings, rankOfLetter, rankOfSign, withChanges } from './modes';
import type { Post } from './outbox';
import { findBatch, pageOf, type Page, type Reader } from './pages';
import type { PersonState } from './people.svelte';
import { firstUnreadIn, unreadIn } from './reading';
import { rightsIn } from './rights';
import { accountOf, said, type Said } from './said';
import type { KeptConversation } from './storage';
import { Tail } from './tail';
import { threadIn, threadRootIn } from './threads';
import { lastId, Timeline } from './timeline';
import {
  Refused,
  type Conversation,
  type Entry,
  type EventEntry,
  type InviteLink,
  type Member,
  type MessageEntry,
  type OnTheWire,
  type Paging,
  type Pin,
  type Rank,
  type Rights,
  type RoomLists,
  type RoomSettings,
  type SettingsChange,
  type Thread,
} from './types';
import type { World } from './world';
import { Writers } from './writers.svelte';

/** Entries while the end is shown; older ones go, and come back as pages. */
const mostAtEnd = 1_500;
const leftAtEnd = 1_000;
/** Entries in any case: of those far from what is read some are let go of, and come back as pages. */
const mostEntries = 12_000;
const leftEntries = 10_000;
/** Pages that are shown together while someone goes on and on: showing one moves all rows, however long it is. */
const mostPagesAtOnce = 4;
/** She goes on who asks again so soon. */
const goesOnWithin = 1_500;
/** Messages that came while a page was on its way. */
const mostMeanwhile = 2_000;
/** Pages that a thread is looked for in. */
const mostThreadPages = 20;
/** Messages that are fetched to be quoted, at a time. */
const mostFetching = 8;
const sayTypingEvery = 3_000;
/** The server's own windows (EDIT_WINDOW_MS, REDACTION_WINDOW_MS). */
const editWithin = 24 * 3_600_000;
const mostKeptMessages = 60;

export class ConversationState implements Conversation {
  readonly #world: World;
  name = $state('');
  kind: Conversation['kind'] = $state('room');
  topic = $state('');
  topicBy = $state<string | null>(null);
  membership: Conversation['membership'] = $state('out');
  joinRefusal = $state<string | null>(null);
  settings: RoomSettings = $state.raw(noSettings);
  unread = $state(0);
  unreadIsMore = $state(false);
  mentions = $state(0);
  muted = $state(false);
  favourite = $state(false);
  lastActive = $state(0);
  openReports = $state(0);
  entries: readonly Entry[] = $state.raw([]);
  beginsHere = $state(false);
  atEnd = $state(true);
  older: Paging = $state('idle');
  newer: Paging = $state('idle');
  unreadLine = $state<string | null>(null);
  generation = $state(0);
  pins: readonly Pin[] = $state.raw([]);
  pinCount = $state(0);
  replyingTo: MessageEntry | null = $state.raw(null);
  /** Of groups: who is in it, here or not. */
  groupPeople: readonly string[] = $state.raw([]);
  #draft = $state('');
  /** Counts up when what `find` and `thread` know beside `entries` has changed. */
  #known = $state(0);

  /** Something the person opened, or that is of her list: kept in the list. */
  isListed = true;
  /** Up to when it is read. */
  readUpTo = 0;
  /** The end was asked for on this link. */
  isFresh = false;
  /** The server has said on this link that one is in it. Until then it is believed. */
  isConfirmed = false;
  /** What is shown comes from an earlier visit. */
  #fromBefore = false;
  /** The end is before the person's eyes. */
  #seesEnd = false;
  /** Who is in it was asked for on this link. */
  #entered = false;

  readonly #timeline: Timeline;
  readonly #reader: Reader;
  readonly #tail = new Tail();
  readonly #fetching = new Set<string>();
  readonly #unfetchable = new Set<string>();
  readonly #fetchLater: string[] = [];
  readonly #members: Members;
  #entriesDirty = false;
  /** Pages under way, and what happened while they were. */
  #pages = 0;
  #meanwhile: Entry[] = [];
  #changesMeanwhile: Change[] = [];
  /** Pages that were asked for before what is shown was replaced are of no use. */
  #asOf = 0;
  #replaced = false;
  /** The last page that came was an older one. */
  #goesBack = false;
  /** When such a page came. */
  #wentBackAt = Number.NEGATIVE_INFINITY;
  #drops = false;
  #nextKey = 0;
  /** What is unread begins behind this time, as of when it was opened. */
  #lineAfter = 0;
  readonly #writers: Writers;
  #saidTypingAt = 0;
  #latest: Promise<void> | null = null;

  constructor(world: World, name: string) {
    this.#world = world;
    this.#writers = new Writers(() => world.now());
    this.#members = new Members(world, () => world.touch(this));
    this.#timeline = new Timeline({ became: (entry) => this.#became(entry), quoted: () => (this.#known += 1) });
    this.#reader = {
      get isupport() {
        return world.isupport;
      },
      now: () => world.now(),
      who: (line) => this.#who(line),
      message: (message) => this.#messageOf(message),
      event: (what, line) => this.#eventOf(what, line),
    };
    this.name = name;
    this.kind = kindOf(name);
  }

  // What it is

  get key(): string {
    return this.#world.isupport.fold(this.name);
  }

  get isRoom(): boolean {
    return this.kind !== 'direct';
  }

  get title(): string {
    if (this.kind === 'direct') return this.person?.displayName ?? this.name;
    if (this.kind === 'room') return this.name.slice(1);
    const parts = this.name.slice(2).split('+');
    // It was given a name of its own.
    if (parts.length < 2) return this.name.slice(2);
    const people = this.groupPeople.length > 0 ? this.groupPeople : parts;
    const others = people.filter((nick) => !this.#world.people.isMe(nick));
    return others.map((nick) => this.#world.people.get(nick).displayName).join(', ');
  }

  get members(): readonly Member[] {
    return this.#members.list;
  }

  get typing(): readonly string[] {
    return this.#writers.names;
  }

  get person(): PersonState | null {
    return this.kind === 'direct' ? this.#world.people.get(this.name) : null;
  }

  get rank(): Rank | null {
    return this.#members.ownRank;
  }

  get rights(): Rights {
    return rightsIn(this, this.#world.account !== null);
  }

  get draft(): string {
    return this.#draft;
  }

  set draft(text: string) {
    if (text === this.#draft) return;
    this.#draft = text;
    this.#world.keepDraft(this, text);
  }

  /** From the disk, or from another tab. */
  setDraft(text: string): void {
    this.#draft = text;
  }

  // Reading what is known

  find(id: string): MessageEntry | null {
    void this.entries;
    void this.#known;
    return this.#timeline.find(id) ?? null;
  }

  thread(rootId: string): Thread {
    void this.entries;
    void this.#known;
    return threadIn(this.#timeline, rootId, this.#tail.shown());
  }

  threadRoot(message: MessageEntry): string {
    return threadRootIn(this.#timeline, message);
  }

  fetch(id: string): void {
    if (this.find(id) || this.#fetching.has(id) || this.#unfetchable.has(id) || this.#fetchLater.includes(id)) return;
    this.#fetchLater.push(id);
    void this.#fetchNext();
  }

  async #fetchNext(): Promise<void> {
    if (this.#fetching.size >= mostFetching) return;
    const id = this.#fetchLater.shift();
    if (id === undefined) return;
    this.#fetching.add(id);
    try {
      // AROUND counts from the message; it is in the middle of what comes.
      const page = await this.#ask('AROUND', `msgid=${id}`, 2);
      this.#timeline.quote(page.entries);
      if (!this.#timeline.find(id)) this.#unfetchable.add(id);
    } catch (error) {
      if (error instanceof Refused && !['NO_LINK', 'LINK_LOST', 'TIMEOUT'].includes(error.code)) this.#unfetchable.add(id);
    } finally {
      this.#fetching.delete(id);
      void this.#fetchNext();
    }
  }

  async loadThread(rootId: string): Promise<void> {
    let page = await this.#ask('AROUND', `msgid=${rootId}`, 2);
    this.#timeline.quote(page.entries.filter((entry) => entry.id === rootId));
    let after = rootId;
    for (let pages = 0; pages < mostThreadPages; pages += 1) {
      page = await this.#ask('AFTER', `msgid=${after}`);
      const answers = page.entries.filter((entry): entry is MessageEntry => entry.kind === 'message' && entry.replyTo !== null);
      this.#timeline.quote(answers);
      const last = lastId(page.entries);
      // From here on it is known anyway.
      if (page.isLast || last === null || (this.atEnd && this.#timeline.isPlaced(last))) return;
      after = last;
    }
  }

  // History

  /** Reads the end, unless it is known. Never rejected: what cannot be had is asked for again when there is a link. */
  refresh(): Promise<void> {
    if (this.isFresh || !this.#world.connection() || !this.#world.has('draft/chathistory')) return Promise.resolve();
    if (this.isRoom && !this.isConfirmed) return Promise.resolve();
    // Whoever reads in the past is left there; the end is asked for when she comes back to it.
    if (!this.atEnd && !this.#fromBefore) {
      this.isFresh = true;
      return Promise.resolve();
    }
    return this.#readLatest().catch(() => undefined);
  }

  async goToEnd(): Promise<void> {
    if (this.atEnd && this.isFresh) return;
    await this.#readLatest();
  }

  #readLatest(): Promise<void> {
    this.#latest ??= this.#doReadLatest().finally(() => (this.#latest = null));
    return this.#latest;
  }

  async #doReadLatest(): Promise<void> {
    this.older = 'loading';
    this.isFresh = true;
    try {
      await this.#paged('LATEST', '*', (page) => {
        const ids = new Set(page.entries.map((entry) => entry.id));
        const since = this.#meanwhile.filter((entry) => entry.id === null || !ids.has(entry.id));
        // Of what is known already some may have become another since: only what the server tells now counts.
        this.#replaceAll([...page.entries.map((entry) => (entry.id === null || this.#timeline.isPlaced(entry.id) ? entry : this.#tail.foundAs(entry))), ...since]);
        this.beginsHere = page.isLast;
        this.atEnd = true;
        this.#fromBefore = false;
        return true;
      });
      this.older = 'idle';
    } catch (error) {
      this.isFresh = false;
      this.older = error instanceof Refused && error.code === 'INVALID_TARGET' ? 'idle' : 'refused';
      // Nobody of this name was ever written to: there is nothing, and that is all.
      if (error instanceof Refused && error.code === 'INVALID_TARGET') {
        this.isFresh = true;
        this.beginsHere = true;
        return;
      }
      throw error;
    } finally {
      this.newer = 'idle';
      this.#world.touch(this);
    }
  }

  async loadOlder(): Promise<void> {
    if (this.beginsHere || this.older === 'loading' || !this.isFresh) return;
    const first = this.#timeline.entries.find((entry) => entry.id !== null);
    if (!first) return;
    this.older = 'loading';
    try {
      await this.#paged('BEFORE', `msgid=${first.id ?? ''}`, (page) => {
        const fresh = page.entries.filter((entry) => entry.id === null || !this.#timeline.isPlaced(entry.id));
        this.#timeline.prepend(fresh);
        this.beginsHere = page.isLast;
        this.#goesBack = true;
      });
      this.older = 'idle';
    } catch (error) {
      this.older = 'refused';
      throw error;
    }
  }

  async loadNewer(): Promise<void> {
    if (this.atEnd || this.newer === 'loading') return;
    const last = lastId(this.#timeline.entries);
    if (last === null) return this.goToEnd();
    this.newer = 'loading';
    // What came before it was asked is in the page.
    this.#meanwhile = [];
    try {
      await this.#paged('AFTER', `msgid=${last}`, (page) => {
        const reaches = page.isLast;
        const came = reaches ? [...page.entries, ...this.#meanwhile] : page.entries;
        const taken = new Set<string>();
        for (const entry of came) {
          if (entry.id !== null && (taken.has(entry.id) || this.#timeline.isPlaced(entry.id))) continue;
          if (entry.id !== null) taken.add(entry.id);
          this.#timeline.push(entry);
        }
        this.atEnd = reaches;
        this.#goesBack = false;
      });
      this.newer = 'idle';
    } catch (error) {
      this.newer = 'refused';
      throw error;
    }
  }

  async goTo(id: string): Promise<MessageEntry> {
    const known = this.#timeline.placed(id);
    if (known && !this.#fromBefore) return known;
    this.older = 'loading';
    try {
      await this.#paged('AROUND', `msgid=${id}`, (page) => {
        if (!page.entries.some((entry) => entry.id === id)) return;
        const last = page.entries.findLastIndex((entry) => entry.id !== null && this.#timeline.isPlaced(entry.id));
        const joint = last < 0 || this.#fromBefore ? -1 : this.#timeline.entries.findIndex((entry) => entry.id === page.entries[last]?.id);
        if (joint >= 0) {
          // It touches what is shown: both together.
          this.#replaceAll([...page.entries, ...this.#timeline.entries.slice(joint + 1).filter((entry) => entry.id === null || !page.entries.some((other) => other.id === entry.id))]);
        } else {
          this.#replaceAll(page.entries);
          this.atEnd = false;
        }
        this.isFresh = true;
        this.#fromBefore = false;
        this.beginsHere = false;
      });
    } finally {
      this.older = 'idle';
    }
    const found = this.#timeline.placed(id);
    if (!found) throw new Refused(language.texts.state.refused.notThere, 'NOT_THERE');
    return found;
  }

  /** A page, and what happened while it was under way. */
  async #paged(which: 'LATEST' | 'BEFORE' | 'AFTER' | 'AROUND', anchor: string, take: (page: Page) => boolean | void): Promise<void> {
    const generation = this.#asOf;
    if (this.#pages === 0) {
      this.#meanwhile = [];
      this.#changesMeanwhile = [];
    }
    this.#pages += 1;
    try {
      const page = await (which === 'BEFORE' ? this.#askBefore(anchor) : this.#ask(which, anchor));
      // Meanwhile something else may be shown than what it goes on from.
      if (which !== 'LATEST' && which !== 'AROUND' && generation !== this.#asOf) return;
      // Shown once, not a hundred times.
      this.#world.together(() => {
        take(page);
        for (const change of [...page.elsewhere, ...this.#changesMeanwhile]) this.#change(change, false);
        this.#placeUnreadLine();
        this.#countUnread();
      });
    } finally {
      this.#pages -= 1;
      this.#changedEntries();
    }
  }

  /** What is before it; several pages when one goes on and on. */
  async #askBefore(anchor: string): Promise<Page> {
    const goesOn = this.#world.now() - this.#wentBackAt < goesOnWithin;
    let page = await this.#ask('BEFORE', anchor);
    try {
      for (let pages = 1; goesOn && pages < mostPagesAtOnce && !page.isLast; pages += 1) {
        const first = page.entries.find((entry) => entry.id !== null);
        if (!first) break;
        const earlier = await this.#ask('BEFORE', `msgid=${first.id ?? ''}`);
        page = { entries: [...earlier.entries, ...page.entries], elsewhere: [...earlier.elsewhere, ...page.elsewhere], isLast: earlier.isLast };
      }
    } catch {
      // What has come is shown; what has not is asked for again.
    }
    this.#wentBackAt = this.#world.now();
    return page;
  }

  async #ask(which: string, anchor: string, limit = this.#world.isupport.historyPage): Promise<Page> {
    const items = await this.#world.request('CHATHISTORY', [which, this.name, anchor, String(limit)], { quiet: true });
    return pageOf(items, limit, this.#reader);
  }

  #who(line: Line): Who {
    const nick = nickOf(line.source);
    return { nick, own: this.#isOwn(nick, accountOf(line)), me: this.#world.people.me.nick };
  }

  #eventOf(what: Happening, line: Line): EventEntry {
    return happening(what, this.#key(), line.tags.get('msgid') || null, timeOf(line.tags.get('time')) ?? this.#world.now());
  }

  #messageOf(message: Said): MessageEntry {
    const sender = this.#world.people.get(message.nick);
    sender.know({ account: message.account ?? undefined, id: message.personId ?? undefined, bot: message.bot || undefined });
    const own = this.#isOwn(message.nick, message.account);
    const known = message.id !== null ? this.#timeline.find(message.id) : undefined;
    return {
      kind: 'message',
      key: known?.key ?? message.id ?? this.#key(),
      id: message.id,
      time: message.time,
      sender,
      own,
      style: message.style,
      text: message.text,
      mentionsMe: !own && mentions(message.text, this.#world.people.me.nick),
      replyTo: message.replyTo,
      replyCount: message.id !== null ? this.#timeline.answersTo(message.id).size : 0,
      edited: message.edited,
      deleted: null,
      reactions: [],
      pinned: message.id !== null && this.pins.some((pin) => pin.message.id === message.id),
      onlyFor: message.onlyFor === null ? null : rankOfSign(this.#world.isupport, message.onlyFor),
      relayedBy: message.relayedBy,
      status: 'sent',
      failure: null,
    };
  }

  /** A message that has no place here, such as one that was found. */
  entryOf(message: Said): MessageEntry {
    return this.#messageOf(message);
  }

  #isOwn(nick: string, account: string | null): boolean {
    const mine = this.#world.account;
    // The name may have been another one then.
    return mine !== null && account !== null ? this.#world.isupport.same(account, mine) : this.#world.people.isMe(nick);
  }

  // What comes

  /** Whether it is new here. */
  messageCame(message: Said, postKey: string | null): MessageEntry | null {
    this.#writers.stops(message.nick);
    if (message.id !== null && this.#timeline.isPlaced(message.id)) {
      if (postKey !== null) this.#removePost(postKey);
      return null;
    }
    let entry = this.#messageOf(message);
    if (postKey !== null) {
      // Its row stays the one that was shown when it was written; unless another message was taken for it.
      if (!this.#tail.isFound(postKey)) entry = { ...entry, key: postKey };
      this.#removePost(postKey);
    }
    this.lastActive = Math.max(this.lastActive, entry.time);
    this.#add(entry);
    if (!entry.own && !entry.sender.blocked && entry.time > this.readUpTo) {
      if (this.#isSeen()) this.#read(entry.time);
      else {
        this.unread += 1;
        if (entry.mentionsMe || this.kind === 'direct') this.mentions += 1;
      }
    }
    return entry;
  }

  happened(what: Happening, line: Line): void {
    if (this.#timeline.entries.length === 0 && !this.isFresh && !this.#fromBefore) return;
    const entry = this.#eventOf(what, line);
    if (entry.id !== null && this.#timeline.entries.slice(-100).some((known) => known.id === entry.id)) return;
    this.#add(entry);
  }

  /** A line that changes a message, or says that somebody writes. */
  lineCame(line: Line): void {
    const change = changeOf(line, this.#who(line));
    if (change) {
      this.#change(change, true);
      if (line.command === 'PIN' || line.command === 'UNPIN') this.#pinCame(line);
      if (line.command === 'REDACT') this.#redacted(line.params[1] ?? '');
      return;
    }
    const typing = line.tags.get('+typing');
    const nick = nickOf(line.source);
    if (line.command === 'TAGMSG' && typing !== undefined && !this.#isOwn(nick, accountOf(line)) && !this.#world.people.find(nick)?.blocked) {
      this.#writers.say(nick, typing);
    }
  }

  #redacted(id: string): void {
    this.pins = this.pins.filter((pin) => pin.message.id !== id);
    if (this.replyingTo?.id === id) this.replyingTo = null;
    this.#countUnread();
  }

  #change(change: Change, isNew: boolean): void {
    if (isNew && this.#pages > 0) this.#changesMeanwhile.push(change);
    change(
      (id) => this.#timeline.find(id),
      (entry) => this.#timeline.put(entry),
    );
  }

  #became(entry: MessageEntry): void {
    if (this.pins.some((pin) => pin.message.id === entry.id)) {
      this.pins = this.pins.map((pin) => (pin.message.id === entry.id ? { ...pin, message: entry } : pin));
    }
    this.#changedEntries();
  }

  #add(entry: Entry): void {
    if (this.#pages > 0 || !this.atEnd) {
      this.#meanwhile.push(entry);
      if (this.#meanwhile.length > mostMeanwhile) this.#meanwhile.shift();
    }
    // Among what is out of the past it has no place.
    if (!this.atEnd) {
      if (entry.kind === 'message') this.#timeline.answers(entry);
      return;
    }
    this.#timeline.append(entry);
    this.#changedEntries();
  }

  #replaceAll(entries: readonly Entry[]): void {
    this.#asOf += 1;
    this.#replaced = true;
    this.#timeline.replace(entries);
    this.#changedEntries();
  }

  #key(): string {
    this.#nextKey += 1;
    return `e${this.#nextKey}`;
  }

  #changedEntries(): void {
    this.#entriesDirty = true;
    this.#world.touch(this);
  }

  /** Shows what has changed. */
  commit(): void {
    this.#members.commit();
    if (!this.#entriesDirty) return;
    this.#entriesDirty = false;
    if (this.#replaced) {
      this.#replaced = false;
      this.generation += 1;
    }
    this.entries = [...this.#timeline.entries, ...(this.atEnd ? this.#tail.shown() : [])];
    if (this.#most() < this.#timeline.entries.length) this.#dropSoon();
    if (this.unreadLine === null) this.#placeUnreadLine();
    // It was before the eyes before it was known to be the end.
    if (this.unread > 0 && this.#isSeen()) this.markRead();
  }

  #most(): number {
    return this.atEnd && (this.#seesEnd || !this.#world.isCurrent(this)) ? mostAtEnd : mostEntries;
  }

  /** When what came has been shown: a list that grows at one end and shrinks at the other in one step does not know what moved. */
  #dropSoon(): void {
    if (this.#drops) return;
    this.#drops = true;
    this.#world.later(() => {
      this.#drops = false;
      this.#drop();
    });
  }

  #drop(): void {
    const most = this.#most();
    // A page that is under way goes on from what is there, and asks again when it has come.
    if (this.#pages > 0 || this.#timeline.entries.length <= most) return;
    const left = most === mostAtEnd ? leftAtEnd : leftEntries;
    if (most === mostEntries && this.#goesBack) {
      this.#timeline.drop('last', left);
      this.atEnd = false;
    } else {
      this.#timeline.drop('first', left);
      this.beginsHere = false;
    }
    this.#changedEntries();
  }

  // Messages on their way

  /** What waits to be sent here, as it is now. */
  showPosts(posts: readonly Post[]): void {
    this.#tail.are(posts, this.#world.people.me);
    this.#changedEntries();
  }

  get hasPosts(): boolean {
    return !this.#tail.isEmpty;
  }

  #removePost(key: string): void {
    this.#tail.remove(key);
    this.#changedEntries();
  }

  // Read and unread

  /** Nobody would miss it in the list. */
  get isEmpty(): boolean {
    if (this.#draft !== '' || !this.#tail.isEmpty || this.unread > 0) return false;
    return this.isRoom ? this.membership === 'out' : this.lastActive === 0 && this.#timeline.entries.length === 0;
  }

  get seesEnd(): boolean {
    return this.#seesEnd;
  }

  sees(end: boolean): void {
    this.#seesEnd = end;
    if (this.#isSeen()) this.markRead();
  }

  /** The person turns to it: what is unread now has its line. */
  opened(): void {
    this.#lineAfter = this.unread > 0 ? this.readUpTo : Number.POSITIVE_INFINITY;
    this.unreadLine = null;
    this.#placeUnreadLine();
    void this.enter();
  }

  /** The person turns away. */
  left(): void {
    this.#seesEnd = false;
    this.unreadLine = null;
    this.#lineAfter = Number.POSITIVE_INFINITY;
    this.#saidTypingAt = 0;
    // Whoever comes back finds the end.
    if (!this.atEnd) {
      this.#replaceAll([]);
      this.atEnd = true;
      this.isFresh = false;
      this.beginsHere = false;
    }
    this.#changedEntries();
  }

  markRead(): void {
    if (!this.atEnd) return;
    const last = this.#timeline.entries.findLast((entry) => entry.kind === 'message');
    if (last) this.#read(last.time);
    this.unread = 0;
    this.unreadIsMore = false;
    this.mentions = 0;
  }

  #isSeen(): boolean {
    return this.#seesEnd && this.atEnd && this.isFresh && this.#world.looksAt(this);
  }

  #read(upTo: number): void {
    if (upTo <= this.readUpTo) return;
    this.readUpTo = upTo;
    this.#world.markRead(this, upTo);
  }

  /** The server says so, or another tab. */
  readElsewhere(upTo: number): void {
    if (upTo <= this.readUpTo) return;
    this.readUpTo = upTo;
    this.#countUnread();
  }

  unreadIs(messages: number, isMore: boolean, named: number): void {
    if (this.#isSeen()) return;
    this.unread = messages;
    this.unreadIsMore = isMore;
    this.mentions = named;
    if (messages > 0 && this.#lineAfter === Number.POSITIVE_INFINITY && this.#world.isCurrent(this)) this.#lineAfter = this.readUpTo;
    this.#placeUnreadLine();
  }

  /** Counts what is here, when that reaches back to the marker. */
  #countUnread(): void {
    if (this.lastActive > 0 && this.lastActive <= this.readUpTo) {
      this.unread = this.mentions = 0;
      this.unreadIsMore = false;
      return;
    }
    const first = this.#timeline.entries[0];
    if (!this.atEnd || !this.isFresh || this.readUpTo === 0 || !(this.beginsHere || (first && first.time <= this.readUpTo))) return;
    const { messages, named } = unreadIn(this.#timeline.entries, this.readUpTo, this.kind === 'direct');
    this.unread = messages;
    this.mentions = named;
    this.unreadIsMore = false;
  }

  #placeUnreadLine(): void {
    if (this.unreadLine !== null || this.#lineAfter === Number.POSITIVE_INFINITY || !this.#world.isCurrent(this)) return;
    const first = this.#timeline.entries[0];
    if (!first || !(this.beginsHere || first.time <= this.#lineAfter)) return;
    this.unreadLine = firstUnreadIn(this.#timeline.entries, this.#lineAfter)?.key ?? null;
  }

  // People

  /** Who is in it and how the room is set, once a link; asked for when somebody looks. */
  async enter(): Promise<void> {
    const reading = this.refresh();
    if (!this.#entered && this.#world.connection()) {
      this.#entered = true;
      try {
        if (this.kind === 'direct') {
          await Promise.all([
            this.#world.request('MARKREAD', [this.name]),
            this.#world.has('draft/metadata-2') ? this.#world.request('METADATA', [this.name, 'SYNC']) : [],
          ]);
        } else if (this.isConfirmed) {
          await Promise.all([this.#askPeople(), this.#world.request('MODE', [this.name])]);
          if (this.#world.has('draft/metadata-2')) await this.#world.request('METADATA', [this.name, 'SYNC']);
          if (this.pinCount > 0 && this.#world.has('parlor/pins')) await this.loadPins();
        } else {
          this.#entered = false;
        }
      } catch {
        // What is not answered is shown as not known.
      }
    }
    await reading;
  }

  hasMember(nick: string): boolean {
    return this.#members.has(nick);
  }

  memberCame(nick: string): void {
    this.#members.came(nick);
  }

  memberLeft(nick: string): void {
    this.#writers.stops(nick);
    this.#members.left(nick);
  }

  memberRenamed(from: string, to: string): void {
    this.#members.renamed(from, to);
  }

  /** MODE, or the list of all (324). */
  modesCame(changes: readonly ModeChange[], all: boolean): void {
    this.settings = withChanges(all ? noSettings : this.settings, changes);
    let isUnknown = false;
    for (const { on, letter, param } of changes) {
      const rank = this.#world.isupport.rankLetters.includes(letter) ? rankOfLetter(letter) : null;
      if (rank && param && !this.#members.ranked(param, rank, on)) isUnknown = true;
    }
    // It is asked for again on the next link.
    if (isUnknown && this.#entered) this.#askPeople().catch(() => undefined);
  }

  async #askPeople(): Promise<void> {
    this.#members.are(await this.#world.request('WHO', [this.name, '%tnfar,7'], { quiet: true }));
  }

  joined(): void {
    this.membership = 'in';
    this.isConfirmed = true;
    this.joinRefusal = null;
    this.isListed = true;
    if (this.#world.isCurrent(this)) void this.enter();
  }

  /** One is not in it any more. */
  out(): void {
    this.membership = 'out';
    this.isConfirmed = false;
    this.#entered = false;
    this.#members.clear();
  }

  linkLost(): void {
    this.isFresh = false;
    this.#entered = false;
    this.#unfetchable.clear();
    this.#writers.clear();
    this.isConfirmed = false;
  }

  renamed(name: string): void {
    this.name = name;
    this.kind = kindOf(name);
  }

  // Doing

  async send(text: string, options: { replyTo?: string | null; style?: 'text' | 'action' } = {}): Promise<void> {
    const clean = text.replace(/\r\n?/g, '\n').replace(/^\n+|\s+$/g, '');
    if (clean === '') throw new Refused(language.texts.state.refused.empty, 'EMPTY');
    const replyTo = options.replyTo !== undefined ? options.replyTo : (this.replyingTo?.id ?? null);
    if (options.style === undefined && /^\/(?!\/|\S*\/)\S/.test(clean)) {
      await this.#world.command(this, clean);
    } else {
      await this.#world.post(this, clean.replace(/^\/\//, '/'), options.style ?? 'text', replyTo);
      if (this.replyingTo?.id === replyTo) this.replyingTo = null;
    }
    this.#saidTypingAt = 0;
    if (!this.atEnd) void this.goToEnd().catch(() => undefined);
  }

  types(text: string): void {
    if (!this.#world.preferences.sendTyping || !this.rights.speak) return;
    const now = this.#world.now();
    const writes = text !== '' && !text.startsWith('/');
    if (writes ? now - this.#saidTypingAt < sayTypingEvery : this.#saidTypingAt === 0) return;
    this.#saidTypingAt = writes ? now : 0;
    // Nobody asked for it, so nobody is told when it is refused.
    this.#world.request('TAGMSG', [this.name], { tags: { '+typing': writes ? 'active' : 'done' }, quiet: true }).catch(() => undefined);
  }

  retry(message: MessageEntry): void {
    this.#world.retryPost(message.key);
  }

  discard(message: MessageEntry): void {
    this.#world.discardPost(message.key);
  }

  async edit(message: MessageEntry, text: string): Promise<void> {
    const clean = text.replace(/\r\n?/g, '\n').replace(/^\n+|\s+$/g, '');
    if (clean === '') throw new Refused(language.texts.state.refused.empty, 'EMPTY');
    if (clean === message.text || message.id === null) return;
    const said = message.style === 'action' ? `\x01ACTION ${clean}\x01` : clean;
    await this.#world.request('EDIT', [this.name], { tags: { 'draft/target-msgid': message.id, 'draft/edit-text': said } });
  }

  async delete(message: MessageEntry, reason?: string): Promise<void> {
    if (message.id === null) return this.discard(message);
    await this.#world.request('REDACT', [this.name, message.id, ...(reason ? [reason] : [])]);
  }

  async react(message: MessageEntry, reaction: string, on: boolean): Promise<void> {
    if (message.id === null) return;
    const key = on ? '+draft/react' : '+draft/unreact';
    await this.#world.request('TAGMSG', [this.name], { tags: { '+draft/reply': message.id, [key]: reaction } });
  }

  async pin(message: MessageEntry, on: boolean): Promise<void> {
    if (message.id !== null) await this.#world.request(on ? 'PIN' : 'UNPIN', [this.name, message.id]);
  }

  #pinCame(line: Line): void {
    const id = line.params[1] ?? '';
    this.pinCount = Math.max(0, this.pinCount + (line.command === 'PIN' ? 1 : -1));
    const message = this.find(id);
    const others = this.pins.filter((pin) => pin.message.id !== id);
    const at = timeOf(line.tags.get('time')) ?? this.#world.now();
    this.pins = line.command === 'PIN' && message ? [...others, { message, by: nickOf(line.source), at }] : others;
    this.happened({ kind: 'pinned', by: nickOf(line.source), on: line.command === 'PIN' }, line);
  }

  async loadPins(): Promise<readonly Pin[]> {
    const items = await this.#world.request('PINS', [this.name], { quiet: true });
    const pins: Pin[] = [];
    let by: { by: string; at: number } | null = null;
    for (const item of findBatch(items, 'parlor/pins')) {
      const line = isBatch(item) ? item.opening : item;
      if (line.command === 'PIN') by = { by: nickOf(line.source), at: timeOf(line.tags.get('time')) ?? 0 };
      const message = said(item, this.#world.isupport, this.#world.now());
      if (!message || !by) continue;
      const known = message.id !== null ? this.find(message.id) : null;
      pins.push({ message: { ...(known ?? this.#messageOf(message)), pinned: true }, ...by });
    }
    this.pins = pins;
    this.pinCount = pins.length;
    const ids = new Set(pins.map((pin) => pin.message.id));
    for (const entry of this.#timeline.messages()) {
      if (entry.pinned !== ids.has(entry.id)) this.#timeline.put({ ...entry, pinned: ids.has(entry.id) });
    }
    return pins;
  }

  async report(message: MessageEntry, reason: string): Promise<void> {
    if (message.id !== null) await this.#world.request('REPORT', [this.name, message.id, reason], { quiet: true });
  }

  async earlierTexts(message: MessageEntry): Promise<readonly { text: string; at: number }[]> {
    return message.id === null ? [] : (await asking()).messageFacts.earlierTexts(this.#world, this.name, message.id);
  }

  async onTheWire(message: MessageEntry): Promise<OnTheWire> {
    return message.id === null ? { lines: [], connection: null } : (await asking()).messageFacts.onTheWire(this.#world, this.name, message.id);
  }

  mayEdit(message: MessageEntry): boolean {
    return message.own && message.id !== null && !message.deleted && this.#world.has('draft/message-edit') && this.#world.now() - message.time < editWithin;
  }

  mayDelete(message: MessageEntry): boolean {
    if (message.deleted) return false;
    if (message.id === null) return true;
    if (!this.#world.has('draft/message-redaction')) return false;
    return (message.own && this.#world.now() - message.time < editWithin) || this.rights.moderate;
  }

  async join(key?: string): Promise<void> {
    await this.#world.join(this.name, key);
  }

  async leave(reason?: string): Promise<void> {
    if (this.kind === 'direct') return this.close();
    if (this.membership === 'in') await this.#world.request('PART', [this.name, ...(reason ? [reason] : [])]);
    this.#world.close(this);
  }

  close(): void {
    this.#world.close(this);
  }

  async setMuted(on: boolean): Promise<void> {
    await this.#mark('soju.im/muted', on);
  }

  async setFavourite(on: boolean): Promise<void> {
    await this.#mark('soju.im/pinned', on);
  }

  async #mark(key: string, on: boolean): Promise<void> {
    await this.#world.request('METADATA', [this.name, 'SET', key, on ? '1' : '0']);
  }

  async setTopic(topic: string): Promise<void> {
    await this.#world.request('TOPIC', [this.name, topic]);
  }

  async rename(name: string): Promise<void> {
    await this.#world.request('RENAME', [this.name, name]);
  }

  async invite(nick: string): Promise<void> {
    await this.#world.request('INVITE', [nick, this.name], { quiet: true });
  }

  async change(settings: SettingsChange): Promise<void> {
    for (const params of modeLines(this.settings, settings, this.#world.isupport.modesAtOnce)) {
      await this.#world.request('MODE', [this.name, ...params]);
    }
  }

  async setRank(nick: string, rank: Rank | null): Promise<void> {
    const now = this.#members.rankOf(nick);
    if (now === rank) return;
    const letters: string[] = [];
    if (rank !== null) letters.push(`+${letterOfRank(rank)}`);
    if (now !== null) letters.push(`-${letterOfRank(now)}`);
    await this.#world.request('MODE', [this.name, letters.join(''), ...letters.map(() => nick)]);
  }

  async kick(nick: string, reason?: string): Promise<void> {
    await this.#world.request('KICK', [this.name, nick, ...(reason ? [reason] : [])]);
  }

  async ban(mask: string, options: { duration?: string; mute?: boolean } = {}): Promise<void> {
    return (await asking()).roomLists.ban(this.#world, this.name, mask, options);
  }

  async lists(): Promise<RoomLists> {
    return (await asking()).roomLists.lists(this.#world, this.name);
  }

  async addToList(list: keyof RoomLists, mask: string): Promise<void> {
    return (await asking()).roomLists.addToList(this.#world, this.name, list, mask);
  }

  async removeFromList(list: keyof RoomLists, mask: string): Promise<void> {
    return (await asking()).roomLists.removeFromList(this.#world, this.name, list, mask);
  }

  async inviteLinks(): Promise<readonly InviteLink[]> {
    return (await asking()).roomLists.inviteLinks(this.#world, this.name);
  }

  async createInviteLink(options: { duration?: string; uses?: number } = {}): Promise<InviteLink> {
    return (await asking()).roomLists.createInviteLink(this.#world, this.name, options);
  }

  async revokeInviteLink(id: string): Promise<void> {
    return (await asking()).roomLists.revokeInviteLink(this.#world, this.name, id);
  }

  // What outlives the page

  kept(): KeptConversation {
    const messages = this.atEnd ? this.#timeline.entries.slice(-mostKeptMessages).filter((entry) => entry.kind === 'message') : [];
    return {
      key: this.key,
      name: this.name,
      kind: this.kind,
      topic: this.topic,
      readUpTo: this.readUpTo,
      lastActive: this.lastActive,
      unread: this.unread,
      mentions: this.mentions,
      muted: this.muted,
      favourite: this.favourite,
      people: [...this.groupPeople],
      messages: messages.flatMap(keptOf),
    };
  }

  /** Shows what an earlier visit knew, until the server tells what has become of it. */
  restore(kept: KeptConversation): void {
    this.topic = kept.topic;
    this.readUpTo = kept.readUpTo;
    this.lastActive = kept.lastActive;
    this.unread = kept.unread;
    this.mentions = kept.mentions;
    this.muted = kept.muted;
    this.favourite = kept.favourite;
    this.groupPeople = kept.people;
    // Whether one still is in it, the server says.
    if (this.isRoom) this.membership = 'in';
    if (kept.messages.length === 0) return;
    this.#fromBefore = true;
    this.#timeline.replace(kept.messages.map((message) => entryOfKept(message, this.#world.people)));
    this.#changedEntries();
  }
}

function kindOf(name: string): Conversation['kind'] {
  if (name.startsWith('#+')) return 'group';
  return name.startsWith('#') ? 'room' : 'direct';
}
