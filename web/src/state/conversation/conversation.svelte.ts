// One conversation as components see it (types.ts): what it is, what is shown of it, and what one can do there. What is known
// and how it comes about is in parts of its own.

import { Failure } from '../../irc/failure';
import type { ModeChange } from '../../irc/isupport';
import type { Line } from '../../irc/line';
import { language } from '../../texts/language.svelte';
import { asking } from '../asked/asking';
import { changeOf, mostReactions } from './becoming';
import type { Happening } from './happenings';
import { History } from './history.svelte';
import { entryOfKept, keptOf } from './kept';
import { Members } from './members.svelte';
import { noSettings, withChanges } from './modes';
import type { Post } from '../outbox';
import { isOfOneGone, type PersonState } from '../people.svelte';
import { Pins } from './pins.svelte';
import { Quotes } from './quotes.svelte';
import { rankOfLetter } from './ranks';
import { refused } from '../refusals';
import { Reader } from './reader';
import { mayDelete, mayEdit, rightsIn } from './rights';
import type { Said } from './said';
import type { KeptConversation } from '../storage';
import { Tail } from './tail';
import { Timeline } from './timeline';
import {
  Refused,
  type Conversation,
  type Entry,
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
} from '../types';
import { Typing } from './typing.svelte';
import { Unread } from './unread.svelte';
import type { World } from '../world';

const mostKeptMessages = 60;

export class ConversationState implements Conversation {
  readonly #world: World;
  name = $state('');
  kind: Conversation['kind'] = $state('room');
  topic = $state('');
  topicBy = $state<string | null>(null);
  membership: Conversation['membership'] = $state('out');
  joinRefusal = $state.raw<Refused | null>(null);
  settings: RoomSettings = $state.raw(noSettings);
  muted = $state(false);
  favourite = $state(false);
  lastActive = $state(0);
  openReports = $state(0);
  replyingTo: MessageEntry | null = $state.raw(null);
  /** Of groups: who is in it, here or not. */
  groupPeople: readonly string[] = $state.raw([]);
  #draft = $state('');

  #id: string | null = null;
  /** The invite link that a guest came by: she shows it again when she comes back. */
  cameBy: string | null = null;
  /** The server has said on this link that one is in it. Until then it is believed. */
  isConfirmed = false;
  /** Who is in it was asked for on this link. */
  #entered = false;
  #knowsWhoIsHere = false;
  /** Of a direct one: neither somebody who is here nor an account is called so. */
  #isNobody = $state(false);

  readonly #timeline: Timeline;
  readonly #reader: Reader;
  readonly #tail = new Tail();
  readonly #history: History;
  readonly #quotes: Quotes;
  readonly #members: Members;
  readonly #pins: Pins;
  readonly #typing: Typing;
  readonly #unread: Unread;

  constructor(world: World, name: string) {
    this.#world = world;
    this.name = name;
    this.kind = kindOf(name);
    const touch = (): void => world.touch(this);
    this.#members = new Members(world, touch);
    this.#typing = new Typing(() => world.now());
    this.#pins = new Pins(world);
    this.#timeline = new Timeline({ became: (entry) => this.#became(entry), quoted: () => this.#quotes.changed() });
    this.#reader = new Reader(world, this.#timeline, (id) => this.#pins.has(id));
    this.#history = new History(world, this, this.#reader, this.#timeline, this.#tail);
    this.#quotes = new Quotes(this.#history, this.#tail);
    this.#unread = new Unread(world, this, this.#history);
  }

  // What it is

  get key(): string {
    return this.#world.isupport.fold(this.name);
  }

  /** A room's (`parlor/room-id`), as soon as one has entered it; else the other one's, whose name may be another's later. */
  get id(): string | null {
    const { person } = this;
    return this.#id ?? (person?.isGuess ? null : person?.id) ?? null;
  }

  set id(id: string | null) {
    this.#id = id;
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

  get person(): PersonState | null {
    return this.kind === 'direct' ? this.#world.people.get(this.name) : null;
  }

  get draft(): string {
    return this.#draft;
  }

  set draft(text: string) {
    if (text === this.#draft) return;
    this.#draft = text;
    this.#world.keeping.keepDraft(this, text);
  }

  /** From the disk, or from another tab. */
  setDraft(text: string): void {
    this.#draft = text;
  }

  renamed(name: string): void {
    this.name = name;
    this.kind = kindOf(name);
  }

  /** Nobody would miss it in the list. */
  get isEmpty(): boolean {
    if (this.#draft !== '' || !this.#tail.isEmpty || this.unread > 0) return false;
    return this.isRoom ? this.membership === 'out' : this.lastActive === 0 && this.#timeline.entries.length === 0;
  }

  // What was said

  get entries(): readonly Entry[] {
    return this.#history.entries;
  }

  get generation(): number {
    return this.#history.generation;
  }

  get beginsHere(): boolean {
    return this.#history.beginsHere;
  }

  get atEnd(): boolean {
    return this.#history.atEnd;
  }

  get older(): Paging {
    return this.#history.older;
  }

  get newer(): Paging {
    return this.#history.newer;
  }

  get isFresh(): boolean {
    return this.#history.isFresh;
  }

  loadOlder(): Promise<void> {
    return this.#history.loadOlder();
  }

  loadNewer(): Promise<void> {
    return this.#history.loadNewer();
  }

  goTo(id: string): Promise<MessageEntry> {
    return this.#history.goTo(id);
  }

  goToEnd(): Promise<void> {
    return this.#history.goToEnd();
  }

  find(id: string): MessageEntry | null {
    return this.#quotes.find(id);
  }

  fetch(id: string): void {
    this.#quotes.fetch(id);
  }

  thread(rootId: string): Thread {
    return this.#quotes.thread(rootId);
  }

  async loadThread(rootId: string): Promise<void> {
    await (await asking()).loadThread(this.#history, rootId);
  }

  threadRoot(message: MessageEntry): string {
    return this.#quotes.threadRoot(message);
  }

  get pins(): readonly Pin[] {
    return this.#pins.list;
  }

  get pinCount(): number {
    return this.#pins.count;
  }

  set pinCount(count: number) {
    this.#pins.count = count;
  }

  async loadPins(): Promise<readonly Pin[]> {
    const pins = await (await asking()).readPins(this.#world, this.name, this.#reader, this.#timeline);
    this.#pins.are(pins, this.#timeline);
    return pins;
  }

  /** A message that has no place here, such as one that was found. */
  entryOf(message: Said): MessageEntry {
    return this.#reader.message(message);
  }

  // Read and unread

  get unread(): number {
    return this.#unread.messages;
  }

  get unreadIsMore(): boolean {
    return this.#unread.isMore;
  }

  get mentions(): number {
    return this.#unread.mentions;
  }

  get readUpTo(): number {
    return this.#unread.readUpTo;
  }

  get unreadLine(): string | null {
    return this.#unread.line;
  }

  sees(end: boolean): void {
    this.#unread.sees(end);
  }

  /** What is seen of it is as before, but the person may have turned to it or away. */
  looked(): void {
    this.#unread.sees(this.#unread.seesEnd);
  }

  get missed(): number {
    return this.#unread.missed;
  }

  goToUnread(): Promise<void> {
    return this.#unread.goToLine();
  }

  seesLine(): void {
    this.#unread.missed = 0;
  }

  markRead(): void {
    this.#unread.missed = 0;
    this.#unread.markRead();
  }

  /** The server says so, or another tab. */
  readElsewhere(upTo: number): void {
    this.#unread.readElsewhere(upTo);
  }

  /** As the server counts. */
  unreadIs(messages: number, isMore: boolean, mentions: number, asOf: string): void {
    this.#unread.counted(messages, isMore, mentions, asOf);
  }

  /** The person has it before her, and not its end. */
  get readsBack(): boolean {
    return !this.#unread.seesEnd && this.#world.isCurrent(this);
  }

  /** The person turns to it. */
  opened(): void {
    this.#unread.opened();
    void this.enter();
  }

  /** The person turns away. */
  left(): void {
    this.#unread.left();
    this.#tail.areSaid(() => false);
    this.#typing.ended();
    this.#history.left();
  }

  // What comes

  /** Null: it is not new here. `postKey`: which of one's own on their way it is. */
  messageCame(message: Said, postKey: string | null): MessageEntry | null {
    this.#typing.stops(message.nick);
    if (message.id !== null && this.#timeline.isPlaced(message.id)) {
      if (postKey !== null) this.#removePost(postKey);
      return null;
    }
    let entry = this.#reader.message(message);
    // It is said as if to everyone, and history has for whom it was.
    if (this.settings.heldForModerators && entry.onlyFor === null && message.relayedBy === null && this.#members.rankOf(message.nick) === null) {
      entry = { ...entry, onlyFor: 'half-operator' };
    }
    if (postKey !== null) {
      // Its row stays the one that was shown when it was written; unless another message was taken for it.
      if (!this.#tail.isFound(postKey)) entry = { ...entry, key: postKey };
      this.#removePost(postKey);
    } else entry = this.#tail.foundAs(entry);
    this.lastActive = Math.max(this.lastActive, entry.time);
    this.#history.add(entry);
    this.#unread.came(entry);
    return entry;
  }

  happened(what: Happening, line: Line): void {
    this.#history.addEvent(this.#reader.event(what, line));
  }

  /** A line that changes a message, or says that somebody writes. */
  lineCame(line: Line): void {
    const who = this.#reader.who(line);
    const change = changeOf(line, who);
    if (change) {
      const id = line.params[1] ?? line.tags.get('draft/target-msgid') ?? '';
      const before = this.#timeline.find(id);
      this.#history.change(change);
      if (line.command === 'PIN' || line.command === 'UNPIN') {
        this.#pins.came(line, this.#timeline.find(id));
        this.happened({ kind: 'pinned', by: who.nick, on: line.command === 'PIN' }, line);
      }
      if (line.command === 'REDACT' && !this.#pins.deleted(id) && this.#entered) this.loadPins().catch(() => undefined);
      if (line.command === 'REDACT' || line.command === 'EDIT') this.#unread.became(before, this.#timeline.find(id));
      return;
    }
    const typing = line.tags.get('+typing');
    if (line.command === 'TAGMSG' && typing !== undefined && !who.own && !this.#world.people.find(who.nick)?.blocked) {
      this.#typing.heard(who.nick, typing);
    }
  }

  #became(entry: MessageEntry): void {
    this.#pins.became(entry);
    if (this.replyingTo?.id === entry.id) this.replyingTo = entry;
    this.#history.changed();
  }

  touch(): void {
    this.#world.touch(this);
  }

  pageCame(isEnd: boolean): void {
    this.#tail.areSaid((id) => !isEnd && !this.#timeline.isPlaced(id));
    this.#unread.pageCame(isEnd);
    // Before it is known who is here nobody is known not to be.
    if (this.#knowsWhoIsHere) this.#askNames();
  }

  /** Who wrote and is not here is called as she calls herself all the same. */
  #askNames(): void {
    const writers = new Set(this.#timeline.entries.flatMap((entry) => (entry.kind === 'message' && !entry.sender.isFormer ? [this.#world.people.get(entry.sender.nick)] : [])));
    // The latest first.
    this.#world.askNames([...writers].toReversed());
  }

  /** With whom one writes here, where that is not a room. */
  get correspondents(): readonly PersonState[] {
    const nicks = this.kind === 'direct' ? [this.name] : this.kind === 'group' ? this.groupPeople : [];
    return nicks.map((nick) => this.#world.people.get(nick));
  }

  /** Shows what has changed. */
  commit(): void {
    this.#members.commit();
    if (this.#history.commit()) this.#unread.shown();
  }

  // Messages on their way

  /** What waits to be sent here, as it is now. */
  showPosts(posts: readonly Post[]): void {
    this.#tail.are(posts, this.#world.people.me);
    this.#history.changed();
  }

  /** Another tab has said it: it stays as long as it is to be seen, and its message is not here. */
  saidElsewhere(key: string, id: string): void {
    if (this.#world.isCurrent(this) && !this.#timeline.isPlaced(id)) this.#tail.isSaid(key, id);
  }

  get hasPosts(): boolean {
    return !this.#tail.isEmpty;
  }

  #removePost(key: string): void {
    this.#tail.remove(key);
    this.#history.changed();
  }

  // People

  get members(): readonly Member[] {
    return this.#members.list;
  }

  get memberCount(): number {
    return this.members.length + this.absentMembers.length;
  }

  get absentMembers(): readonly Member[] {
    return this.#members.absent;
  }

  get rank(): Rank | null {
    return this.#members.ownRank;
  }

  get rights(): Rights {
    return rightsIn(this, this.#world.account !== null);
  }

  /** Whom nothing can be said to: somebody who has gone, or nobody at all. */
  get isWithNobody(): 'gone' | 'nobody' | null {
    if (this.kind !== 'direct') return null;
    if (isOfOneGone(this.name)) return 'gone';
    const { presence } = this.#world.people.get(this.name);
    if (!this.#isNobody || presence === 'here' || presence === 'away') return null;
    return this.isEmpty ? 'nobody' : 'gone';
  }

  get typing(): readonly string[] {
    return this.#typing.names;
  }

  /** What was said last, who is in it and how the room is set, once a link; asked for when somebody looks. */
  async enter(): Promise<void> {
    const reading = this.isRoom && !this.isConfirmed ? null : this.#history.refresh();
    if (!this.#entered && this.#world.connection()) {
      this.#entered = true;
      try {
        if (this.kind === 'direct') {
          await Promise.all([
            this.#world.request('MARKREAD', [this.name]),
            this.#world.has('draft/metadata-2') ? this.#world.request('METADATA', [this.name, 'SYNC']).then(
              () => (this.#isNobody = false),
              ({ code }: Refused) => (this.#isNobody = code === 'INVALID_TARGET'),
            ) : [],
          ]);
        } else if (this.isConfirmed) {
          await Promise.all([this.#askPeople(), this.#world.request('MODE', [this.name])]);
          if (this.#world.has('draft/metadata-2')) await this.#world.request('METADATA', [this.name, 'SYNC']);
          if (this.#world.has('parlor/members')) await (await asking()).readAbsent(this.#world, this.name, this.#members);
          this.#knowsWhoIsHere = true;
          this.#askNames();
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

  memberLeft(nick: string, stays = false): void {
    this.#typing.stops(nick);
    this.#members.left(nick, stays);
  }

  memberRenamed(from: string, to: string): void {
    this.#members.renamed(from, to);
  }

  /** MODE, or the list of all (324). */
  modesCame(changes: readonly ModeChange[], all: boolean): void {
    this.settings = withChanges(all ? noSettings : this.settings, changes);
    this.touch();
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
    if (this.#world.isCurrent(this)) void this.enter();
  }

  /** One is not in it any more. */
  out(): void {
    this.membership = 'out';
    this.isConfirmed = false;
    this.#entered = this.#knowsWhoIsHere = false;
    this.#members.clear();
  }

  linkLost(): void {
    this.#history.linkLost();
    this.#quotes.linkLost();
    this.#typing.clear();
    this.#entered = this.#knowsWhoIsHere = false;
    this.isConfirmed = false;
  }

  // Saying something, and what is made of what was said

  async send(text: string, options: { replyTo?: string | null; style?: 'text' | 'action' } = {}): Promise<void> {
    const clean = trimmed(text);
    const replyTo = options.replyTo !== undefined ? options.replyTo : (this.replyingTo?.id ?? null);
    if (options.style === undefined && /^\/(?!\/|\S*\/)\S/.test(clean)) {
      await this.#world.command(this, clean);
    } else {
      await this.#world.sending.post(this, clean.replace(/^\/\//, '/'), options.style ?? 'text', replyTo);
      if (this.replyingTo?.id === replyTo) this.replyingTo = null;
    }
    this.#typing.ended();
    if (!this.atEnd) void this.goToEnd().catch(() => undefined);
  }

  types(text: string): void {
    if (!this.#world.preferences.sendTyping || !this.rights.speak) return;
    const said = this.#typing.toSay(text);
    // Nobody asked for it, so nobody is told when it is refused.
    if (said) this.#world.request('TAGMSG', [this.name], { tags: { '+typing': said }, quiet: true }).catch(() => undefined);
  }

  /** What one wrote was not taken: nobody need wait for it. */
  notTaken(): void {
    if (!this.#world.preferences.sendTyping) return;
    this.#world.request('TAGMSG', [this.name], { tags: { '+typing': 'done' }, quiet: true }).catch(() => undefined);
  }

  retry(message: MessageEntry): void {
    this.#world.sending.again(message.key);
  }

  discard(message: MessageEntry): void {
    this.#world.sending.discard(message.key);
  }

  async edit(message: MessageEntry, text: string): Promise<void> {
    const clean = trimmed(text);
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
    const { reactions } = message;
    if (on && reactions.length >= mostReactions && !reactions.some(({ text }) => text === reaction)) throw await refused(new Failure('TOO_MANY_REACTIONS', 'TAGMSG', []));
    const key = on ? '+draft/react' : '+draft/unreact';
    await this.#world.request('TAGMSG', [this.name], { tags: { '+draft/reply': message.id, [key]: reaction } });
  }

  async pin(message: MessageEntry, on: boolean): Promise<void> {
    if (message.id !== null) await this.#world.request(on ? 'PIN' : 'UNPIN', [this.name, message.id]);
  }

  mayEdit(message: MessageEntry): boolean {
    return mayEdit(this.#world, message);
  }

  mayDelete(message: MessageEntry): boolean {
    return mayDelete(this.#world, message, this.rights.moderate);
  }

  async report(message: MessageEntry, reason: string): Promise<void> {
    if (message.id !== null) await (await asking()).moderation.report(this.#world, this.name, message.id, reason);
  }

  async earlierTexts(message: MessageEntry): Promise<readonly { text: string; at: number }[]> {
    return message.id === null ? [] : (await asking()).messageFacts.earlierTexts(this.#world, this.name, message.id);
  }

  async onTheWire(message: MessageEntry): Promise<OnTheWire> {
    return message.id === null ? { lines: [], connection: null } : (await asking()).messageFacts.onTheWire(this.#world, this.name, message.id);
  }

  // What one does with the conversation

  async join(key?: string): Promise<void> {
    await this.#world.join(this.name, key);
  }

  async knock(): Promise<void> {
    await (await asking()).roomAccess.knock(this.#world, this.name);
  }

  async leave(reason?: string): Promise<void> {
    if (this.membership === 'in') await this.#world.request('PART', [this.name, ...(reason ? [reason] : [])]);
    this.close();
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
    await (await asking()).roomSettings.setTopic(this.#world, this.name, topic);
  }

  async rename(name: string): Promise<void> {
    await (await asking()).roomSettings.rename(this.#world, this.name, name);
  }

  async change(settings: SettingsChange): Promise<void> {
    await (await asking()).roomSettings.change(this.#world, this.name, this.settings, settings);
  }

  async invite(nick: string): Promise<void> {
    await (await asking()).roomAccess.invite(this.#world, this.name, nick);
  }

  async setRank(nick: string, rank: Rank | null): Promise<void> {
    await (await asking()).roomAccess.setRank(this.#world, this.name, nick, this.#members.rankOf(nick), rank);
  }

  async kick(nick: string, reason?: string): Promise<void> {
    await (await asking()).roomAccess.kick(this.#world, this.name, nick, reason);
  }

  async ban(mask: string, options: { duration?: string; mute?: boolean } = {}): Promise<void> {
    await (await asking()).roomAccess.ban(this.#world, this.name, mask, options);
  }

  async lists(): Promise<RoomLists> {
    return (await asking()).roomAccess.lists(this.#world, this.name);
  }

  async addToList(list: keyof RoomLists, mask: string): Promise<void> {
    await (await asking()).roomAccess.addToList(this.#world, this.name, list, mask);
  }

  async removeFromList(list: keyof RoomLists, mask: string): Promise<void> {
    await (await asking()).roomAccess.removeFromList(this.#world, this.name, list, mask);
  }

  async inviteLinks(): Promise<readonly InviteLink[]> {
    return (await asking()).roomAccess.inviteLinks(this.#world, this.name);
  }

  async createInviteLink(options: { duration?: string; uses?: number } = {}): Promise<InviteLink> {
    return (await asking()).roomAccess.createInviteLink(this.#world, this.name, options);
  }

  async revokeInviteLink(id: string): Promise<void> {
    await (await asking()).roomAccess.revokeInviteLink(this.#world, this.name, id);
  }

  // What outlives the page

  kept(): KeptConversation {
    const messages = this.atEnd ? this.#timeline.entries.slice(-mostKeptMessages).filter((entry) => entry.kind === 'message') : [];
    return {
      key: this.key,
      name: this.name,
      id: this.id,
      kind: this.kind,
      isOut: this.membership === 'out',
      topic: this.topic,
      readUpTo: this.readUpTo,
      lastActive: this.lastActive,
      unread: this.unread,
      mentions: this.mentions,
      muted: this.muted,
      favourite: this.favourite,
      settings: { ...this.settings, key: this.settings.key && true },
      people: [...this.groupPeople],
      messages: messages.flatMap(keptOf),
    };
  }

  /** Shows what an earlier visit knew, until the server tells what has become of it. */
  restore(kept: KeptConversation): void {
    this.topic = kept.topic;
    this.id = kept.id;
    this.lastActive = kept.lastActive;
    this.muted = kept.muted;
    this.favourite = kept.favourite;
    this.groupPeople = kept.people;
    this.settings = { ...noSettings, ...kept.settings };
    this.#unread.restore(kept);
    // Whether one still is in it, the server says.
    if (this.isRoom) this.membership = kept.isOut ? 'joining' : 'in';
    if (kept.messages.length > 0) this.#history.restore(kept.messages.map((message) => entryOfKept(message, this.#world.people)));
  }
}

function kindOf(name: string): Conversation['kind'] {
  if (name.startsWith('#+')) return 'group';
  return name.startsWith('#') ? 'room' : 'direct';
}

/** What is said, without what is only in the way. */
function trimmed(text: string): string {
  const clean = text.replace(/\r\n?/g, '\n').replace(/^\n+|\s+$/g, '');
  if (clean === '') throw new Refused(language.texts.state.refused.empty, 'EMPTY');
  return clean;
}
