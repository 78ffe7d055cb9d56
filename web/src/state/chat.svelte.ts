// The chat as components see it (types.ts): who is here, the link, the conversations, and what one can do. What comes over
// the link is taken in here, and in incoming.ts.

import { isBatch, type Item } from '../irc/batches';
import type { Connection, RequestOptions } from '../irc/connection';
import { Isupport } from '../irc/isupport';
import type { Block } from '../format/nodes';
import { partGone } from '../part';
import { language } from '../texts/language.svelte';
import { abilitiesOf, noAbilities } from './abilities';
import type { AbsentNames } from './absent_names';
import { asking } from './asked/asking';
import { Attention } from './attention';
import { askCorrespondents, catchUp } from './catching_up';
import { ConversationList } from './conversation_list.svelte';
import type { ConversationState } from './conversation/conversation.svelte';
import { Formatted } from './formatted';
import { readSession } from './http';
import { lineCame, type Receiver } from './incoming';
import { Keeping } from './keeping';
import { LinkState } from './link.svelte';
import type { AuditQuery } from './asked/moderation';
import { Notices } from './notices.svelte';
import type { Notifications } from './notifications.svelte';
import { Outbox } from './outbox';
import { browser, type Outside } from './outside';
import { isOfOneGone, People, type PersonState } from './people.svelte';
import { createPreferences } from './preferences.svelte';
import { ReadMarkers } from './read_markers';
import { said, type Said } from './conversation/said';
import { keepsKeys, Sending } from './sending';
import { SessionState } from './session.svelte';
import { Storage, type KeptPost } from './storage';
import { Tabs, type Told } from './tabs';
import {
  type AuditLine,
  type Chat,
  type Conversation,
  type Device,
  type ListedRoom,
  type MessageEntry,
  type Notice,
  type Person,
  type Preferences,
  type Profile,
  type Report,
  type SearchHit,
  type SearchQuery,
  type SessionInfo,
  type ServerAbilities,
  type WhoIs,
} from './types';

/** The server gives the cookie a new value when it is asked who is here, if it is due. */
const renewEvery = 4 * 3_600_000;
/** When this tab was loaded anew by itself, in ms since 1970: the server had a newer page. */
const reloadedKey = 'parlor.reloaded';
const reloadAgainAfter = 60_000;

export function createChat(): Chat {
  return new ChatState(browser);
}

export class ChatState implements Chat, Receiver {
  readonly #outside: Outside;
  isupport = new Isupport();
  account = $state<string | null>(null);
  isOperator = $state(false);
  operatorReports = $state(0);
  reportQueue: readonly Report[] | null = $state.raw(null);
  can: ServerAbilities = $state.raw(noAbilities);
  wasOnline = false;
  #ahead = 0;
  isAway = false;
  readonly storage = new Storage();
  readonly tabs = new Tabs();
  readonly preferences: Preferences = createPreferences();
  readonly people: People;
  readonly session: SessionState;
  readonly link: LinkState;
  readonly outbox: Outbox;
  readonly sending: Sending;
  readonly keeping: Keeping;
  readonly readMarkers: ReadMarkers;
  /** As whom a link came that was refused. */
  #cameAs: string | null = null;
  #absentNames: Promise<AbsentNames> | null = null;
  readonly #list: ConversationList;
  readonly #notices = new Notices();
  #notifications: Notifications | null = null;
  readonly #attention: Attention;
  readonly #formatted: Formatted;

  constructor(outside: Outside) {
    this.#outside = outside;
    // What our server has; another one says otherwise at the welcome.
    this.isupport.caseMapping = 'precis';
    this.isupport.statusSigns = '~&@%+';
    this.people = new People((name) => this.isupport.fold(name));
    this.people.moved = (from, to) => this.#moved(from, to);
    this.people.found = (nick, id) => this.#setAside(nick, id);
    this.session = new SessionState(this.tabs, {
      came: () => void this.#came(),
      gone: (owner, forGood) => this.#gone(owner, forGood),
      replaced: (info) => this.#replaced(info),
      became: (before, now) => this.say(language.texts.state.link.became(before, now), { tone: 'refusal' }),
    });
    this.link = new LinkState(outside, this);
    this.keeping = new Keeping(this.storage, this.tabs, this);
    this.readMarkers = new ReadMarkers(this, this.tabs);
    this.outbox = new Outbox(this.storage, this.tabs, outside.now);
    this.sending = new Sending(this);
    this.outbox.changed = () => this.sending.postsChanged();
    this.outbox.nameOf = ({ target, room }) => (room && this.#list.byId(room)?.name) || target;
    // What it could not send any more is sent here.
    this.tabs.gone = () => void this.#adopt();
    this.#list = new ConversationList(this, {
      begun: (conversation) => this.#begun(conversation),
      changed: (conversation) => this.keeping.touch(conversation),
      renamed: (conversation, before) => {
        this.keeping.renamed(conversation, before);
        const isThere = ({ target, room }: KeptPost): boolean => this.isupport.fold(target) === before && (room ?? conversation.id) === conversation.id;
        void this.outbox.renamed((post) => (isThere(post) ? conversation.name : this.outbox.nameOf(post)));
        this.sending.postsChanged();
      },
      closed: (conversation) => this.keeping.forget(conversation.key, conversation),
      opened: () => this.#attention.looked(),
    });
    this.#attention = new Attention(this);
    this.#formatted = new Formatted(this.people);
  }

  // What components read

  get me(): PersonState {
    return this.people.me;
  }

  get isGuest(): boolean {
    return this.session.state === 'guest';
  }

  get conversations(): readonly ConversationState[] {
    return this.#list.list;
  }

  get current(): ConversationState | null {
    return this.#list.current;
  }

  get notices(): readonly Notice[] {
    return this.#notices.list;
  }

  get totalUnread(): number {
    return this.conversations.reduce((sum, conversation) => sum + (conversation.muted ? 0 : conversation.unread), 0);
  }

  get totalMentions(): number {
    return this.conversations.reduce((sum, conversation) => sum + (conversation.muted ? 0 : conversation.mentions), 0);
  }

  get openReports(): number {
    return this.operatorReports + this.conversations.reduce((sum, conversation) => sum + conversation.openReports, 0);
  }

  // Coming and going

  start(): Promise<void> {
    // Who is here takes as long to learn as everything else together: it is asked first, and the link is opened as soon as it
    // is known. What comes over it waits for what was kept.
    const reading = readSession();
    reading.then(
      (info) => {
        if (info.signedIn && info.username && this.tabs.owner === null) this.link.open(info.username);
      },
      () => undefined,
    );
    const begun = this.#begin(reading);
    this.link.hold(begun);
    return begun;
  }

  async #begin(reading: Promise<SessionInfo>): Promise<void> {
    this.#attention.start();
    setInterval(() => this.#renew(), renewEvery);
    // The new page has its own. Once a minute: what stands before the server may have lost a file.
    window.addEventListener(partGone, () => {
      const last = Number(sessionStorage.getItem(reloadedKey));
      if (this.#outside.now() - last < reloadAgainAfter) return;
      sessionStorage.setItem(reloadedKey, String(this.#outside.now()));
      location.reload();
    });
    const [, known] = await Promise.all([language.start(), this.#openStorage(), this.tabs.start((told) => this.#heard(told))]);
    await this.session.start(known, reading);
    // The page as an app, and without a network; what is to be seen first comes first.
    if (import.meta.env.PROD) this.#outside.later(() => void import('./worker').then(({ registerWorker }) => registerWorker(), () => undefined));
  }

  /** Whose what is kept is; null: nobody's, or this tab is a guest's. */
  async #openStorage(): Promise<SessionInfo | null> {
    await this.storage.open();
    const here = await this.storage.here();
    if (!here || this.session.guest !== null) return null;
    this.account = here.username ?? null;
    this.people.me = here.username ?? '';
    this.people.called(this.people.me.nick, here.id, { account: this.account });
    const kept = await this.keeping.read();
    this.together(() => {
      for (const conversation of kept) this.ensure(conversation.name).restore(conversation);
    });
    this.keeping.isKept();
    return here;
  }

  async #came(): Promise<void> {
    const nick = this.ownName ?? '';
    if (nick) this.people.me = nick;
    if (this.session.state === 'guest') {
      for (const [name = '', cameBy = null] of this.session.guestRooms) Object.assign(this.ensure(name), { membership: 'in', cameBy });
    }
    this.link.connect();
    await this.keeping.readDrafts();
    await this.outbox.read();
  }

  /** Nobody is here any more: nothing of her stays but, if it was not her own doing, what she typed. */
  async #gone(owner: string | null, forGood: boolean): Promise<number> {
    const waiting = this.outbox.unsent;
    this.link.end();
    this.keeping.clear();
    this.readMarkers.clear();
    this.#list.clear();
    this.account = null;
    this.isOperator = false;
    this.operatorReports = 0;
    this.reportQueue = null;
    this.people.clear();
    this.#absentNames = null;
    await this.outbox.leave(forGood);
    if (owner !== null) await this.storage.leave(owner, forGood);
    return waiting;
  }

  async #replaced(info: SessionInfo): Promise<void> {
    this.link.end();
    this.keeping.clear();
    await this.storage.belongsTo(info);
    this.#outside.restart();
  }

  #renew(): void {
    if (this.session.state === 'in') void this.session.check();
  }

  /** From another tab. */
  #heard(told: Told): void {
    switch (told.kind) {
      case 'read':
        this.#list.byKey(told.conversation)?.readElsewhere(told.upTo);
        break;
      case 'draft': {
        this.keeping.draftIs(told.conversation, told.text);
        const conversation = this.#list.byKey(told.conversation);
        // Nobody types in two tabs at a time.
        conversation?.setDraft(told.text);
        break;
      }
      case 'session':
        // A guest goes on for as long as her link lives.
        if (!this.isGuest) void this.session.check(undefined, told.sentence);
        break;
      case 'outbox':
        void this.outbox.read();
        break;
      case 'posted':
        this.sending.posted(told.key, told.id);
        break;
      case 'looked':
        break;
    }
  }

  // The link

  get ownName(): string | null {
    return this.session.guest ?? this.session.info?.username ?? this.account;
  }

  get wasHere(): boolean {
    return this.session.state === 'guest' && this.conversations.length > 0;
  }

  welcome(connection: Connection): void {
    void this.#welcome(connection);
  }

  async #welcome(connection: Connection): Promise<void> {
    const isAccount = connection.account !== null;
    const wanted = this.isGuest ? null : (this.session.info?.username ?? null);
    if (!connection.isupport.same(connection.account ?? '', wanted ?? '')) {
      // The cookie is somebody else's by now, or no good any more; or the account has another name.
      this.link.refuse();
      this.#cameAs = connection.nick;
      await this.session.check();
      return;
    }
    // She is called so on all her devices, though it was the account's name only until lately.
    if (this.#cameAs === connection.nick && wanted && !connection.isupport.same(connection.nick, wanted)) connection.request('NICK', [wanted]).catch(() => undefined);
    this.#cameAs = null;
    const before = this.isupport.caseMapping;
    this.isupport = connection.isupport;
    if (before !== this.isupport.caseMapping) this.#refold();
    this.#ahead = connection.ahead;
    this.account = connection.account;
    this.people.me = connection.nick;
    this.people.called(connection.nick, isAccount ? this.session.info?.id : null, { account: connection.account, presence: 'here' });
    this.session.guestIs(connection.nick);
    this.can = abilitiesOf(connection);
    this.link.catchesUp();
    if (isAccount && this.session.info) await this.storage.belongsTo(this.session.info);
    try {
      await catchUp(this, connection);
    } catch {
      // The link is gone again, or the server says no to a part of it: what is missing is asked for when it is looked at.
    }
    if (!this.link.isOver(connection)) return;
    this.link.isReady(connection);
    // Before what is before the eyes, of whoever has turned to another window, counts as read.
    if (this.#notifications) this.#notifications.linkBack();
    else this.#notifying().catch(() => undefined);
    this.current?.looked();
    if (this.wasOnline || !this.session.isSure) this.#renew();
    this.wasOnline = true;
    this.askNames([...this.all()].flatMap((conversation) => conversation.correspondents));
    await this.outbox.linkReady(connection.has(keepsKeys) && isAccount, language.texts.state.refused.unknownOutcome);
    await this.#adopt();
  }

  #refold(): void {
    this.people.refold((name) => this.isupport.fold(name));
    this.#list.refold();
  }

  /** Sends what is waiting, and what tabs that are no more have left. */
  async #adopt(): Promise<void> {
    if (this.session.state !== 'in' && this.session.state !== 'guest') return;
    await this.outbox.read();
    this.sending.go();
  }

  lost(connection: Connection, wasWelcome: boolean): void {
    this.#notifications?.linkLost();
    this.together(() => {
      for (const conversation of this.all()) conversation.linkLost();
      this.people.linkLost();
    });
    this.sending.linkLost();
    const keysSurvive = connection.has(keepsKeys) && this.account !== null;
    void this.outbox.linkLost(keysSurvive, language.texts.state.refused.unknownOutcome).then(() => {
      // A server that cannot be reached, and one that does not know the cookie any more, look alike from here.
      if (!wasWelcome && this.session.state === 'in') void this.session.check();
    });
  }

  connection(): Connection | null {
    return this.link.connection;
  }

  has(capability: string): boolean {
    return this.link.has(capability);
  }

  request(command: string, params: readonly string[] = [], options: RequestOptions = {}): Promise<Item[]> {
    return this.link.request(command, params, options);
  }

  /** As the server has it: what is compared are its times. */
  now(): number {
    return this.#outside.now() + this.#ahead;
  }

  later(run: () => void): void {
    this.#outside.later(run);
  }

  // What comes

  item(item: Item): void {
    this.together(() => this.#take(item));
  }

  #take(item: Item): void {
    const message = said(item, this.isupport, this.now());
    if (message) return this.#messageCame(message);
    if (!isBatch(item)) return lineCame(this, item);
    // History and the like are for whoever asked for them.
    if (['chathistory', 'soju.im/search', 'parlor/pins', 'parlor/devices'].includes(item.type)) return;
    for (const part of item.items) this.#take(part);
  }

  #messageCame(message: Said): void {
    const isRoom = this.isupport.isRoom(message.target);
    if (!isRoom && (message.fromServer || message.target === '*')) {
      if (message.text) this.say(message.text);
      return;
    }
    const isOwn = this.people.isMe(message.nick);
    if (message.relayedBy === null) this.people.called(message.nick, message.personId, { account: message.account });
    // What was said in a room that one is not in comes to operators alone.
    const conversation = isRoom || isOwn ? this.ensure(message.target) : this.entered(message.nick, message.personId);
    const key = message.label !== null ? this.sending.postOf(message.label) : null;
    // It was said to the name that she had before.
    const target = key === null || isRoom ? undefined : this.outbox.find(key)?.target;
    if (target !== undefined && !this.isupport.same(target, message.target)) this.#moved(target, message.target);
    const entry = conversation.messageCame(message, key);
    if (key !== null) void this.outbox.done(key, message.id);
    if (entry && !isOwn && this.link.kind === 'online') this.#notifying().then((notifications) => notifications?.messageCame(conversation, entry), () => undefined);
  }

  /** Most people want no notifications: what makes them is loaded where they are allowed. */
  async #notifying(): Promise<Notifications | undefined> {
    if (typeof Notification === 'undefined' || Notification.permission !== 'granted') return;
    const { Notifications } = await import('./notifications.svelte');
    return (this.#notifications ??= new Notifications(this));
  }

  get isAbsent(): boolean {
    return this.#attention.isAbsent;
  }

  rememberRooms(): void {
    const rooms = [...this.all()].filter((room) => room.isRoom && room.membership === 'in');
    this.session.guestIsIn(rooms.map(({ name, cameBy }) => (cameBy ? [name, cameBy] : [name])));
  }

  // Conversations

  #begun(conversation: ConversationState): void {
    // Whether one is in a room is known when the server has said so.
    if (conversation.isRoom && this.link.kind !== 'online') conversation.membership = 'joining';
    conversation.setDraft(this.keeping.draft(conversation.key));
    const posts = this.outbox.posts.filter((post) => this.isupport.same(post.target, conversation.name));
    if (posts.length > 0) conversation.showPosts(posts);
    if (conversation.kind === 'direct') this.link.connection?.send('MONITOR', ['+', conversation.name]);
  }

  all(): Iterable<ConversationState> {
    return this.#list.all();
  }

  ensure(name: string): ConversationState {
    return this.#list.ensure(name);
  }

  entered(name: string, id: string | null | undefined): ConversationState {
    const before = id && (this.#list.byId(id) ?? this.#wroteTo(id));
    if (before && before.name !== name) this.renamed(before, name);
    const room = this.ensure(name);
    if (id && room.id !== id) {
      room.id = id;
      void this.outbox.renamed();
    }
    return room;
  }

  /** The conversation, if there is one here; components ask with `find`. */
  known(name: string): ConversationState | undefined {
    return this.#list.known(name);
  }

  find(name: string): ConversationState | null {
    void this.conversations;
    return this.known(name) ?? null;
  }

  open(name: string): ConversationState {
    return this.#list.open(name);
  }

  closeCurrent(): void {
    this.#list.closeCurrent();
  }

  close(conversation: ConversationState): void {
    this.#list.close(conversation);
  }

  renamed(conversation: ConversationState, name: string): void {
    this.#list.renamed(conversation, name);
  }

  /** Where something waits for a person that is known by it alone. */
  #wroteTo(id: string): ConversationState | undefined {
    const target = this.outbox.posts.find(({ room }) => room === id)?.target;
    const conversation = target === undefined ? undefined : this.known(target);
    return conversation?.isRoom || conversation?.id ? undefined : conversation;
  }

  /** Somebody else has the name now: what was said before is not hers. The server says what it is called (TARGETS). */
  #setAside(nick: string, id: string): void {
    const conversation = this.known(nick);
    if (conversation?.kind !== 'direct' || conversation.id === null || conversation.id === id) return;
    const before = conversation.id;
    conversation.id = conversation.isEmpty ? null : before;
    if (conversation.isEmpty) return;
    const name = `${nick}/${parseInt(before.slice(-8), 16) || 0}`;
    this.renamed(conversation, name);
    this.people.gone(name, before);
    if (this.link.kind === 'online') askCorrespondents(this).catch(() => undefined);
  }

  /** What is said with someone goes on under the name that she has now. */
  #moved(from: string, to: string): void {
    const conversation = this.known(from);
    if (conversation?.kind !== 'direct' || this.isupport.same(from, to)) return;
    const other = this.known(to);
    if (other && this.isCurrent(conversation)) this.open(to);
    if (other) this.close(conversation);
    else {
      this.renamed(conversation, to);
      if (!isOfOneGone(to)) this.link.connection?.send('MONITOR', ['+', to]);
    }
  }

  isCurrent(conversation: ConversationState): boolean {
    return this.current === conversation;
  }

  looksAt(conversation: ConversationState): boolean {
    // Before it is known up to where it has been read, what is before the eyes is not read by that.
    return this.link.kind === 'online' && this.isCurrent(conversation) && document.visibilityState === 'visible';
  }

  together(work: () => void): void {
    this.#list.together(work);
  }

  touch(conversation: ConversationState): void {
    this.#list.touch(conversation);
  }

  async join(name: string, key?: string): Promise<ConversationState> {
    return (await asking()).joining.join(this, name, key);
  }

  async joinRoom(name: string, key?: string): Promise<Conversation> {
    const conversation = await this.join(name, key);
    return this.open(conversation.name);
  }

  async openGroup(nicks: readonly string[]): Promise<Conversation> {
    return this.open(await (await asking()).directory.openGroup(this, nicks));
  }

  async command(conversation: ConversationState, line: string): Promise<void> {
    await (await asking()).commands.run(this, conversation, line);
  }

  askNames(people: readonly PersonState[]): void {
    this.#absentNames ??= import('./absent_names').then(({ AbsentNames }) => new AbsentNames(this));
    this.#absentNames.then(
      (names) => names.wanted(people),
      () => (this.#absentNames = null),
    );
  }

  // Rooms, people, messages that there are

  person(nick: string): Person {
    return this.people.get(nick);
  }

  async listRooms(filter = ''): Promise<readonly ListedRoom[]> {
    return (await asking()).directory.listRooms(this, filter);
  }

  async whereIs(message: string | null, room: string): Promise<string | null> {
    const found = await (await asking()).directory.whereIs(this, message, room);
    const here = message === null && found !== null && this.known(room);
    if (here) this.renamed(here, found);
    return found;
  }

  async findPeople(words: string): Promise<readonly Person[]> {
    return (await asking()).directory.findPeople(this, words);
  }

  async whoIs(nick: string): Promise<WhoIs> {
    return (await asking()).directory.whoIs(this, nick);
  }

  async search(query: SearchQuery): Promise<readonly SearchHit[]> {
    return (await asking()).search(this, query);
  }

  // Oneself

  async setNick(nick: string): Promise<void> {
    await (await asking()).profile.setNick(this, nick);
  }

  async setProfile(profile: Profile): Promise<void> {
    await (await asking()).profile.setProfile(this, profile);
  }

  async setAway(message: string | null): Promise<void> {
    await (await asking()).profile.setAway(this, message);
    this.isAway = message !== null;
  }

  async setBlocked(nick: string, on: boolean): Promise<void> {
    await (await asking()).profile.setBlocked(this, nick, on);
  }

  async changePassword(old: string, wanted: string): Promise<void> {
    await (await asking()).account.changePassword(this, old, wanted);
  }

  async renameAccount(name: string, password: string): Promise<void> {
    await (await asking()).account.rename(this, name, password);
    await this.session.check();
  }

  async deleteAccount(password: string): Promise<void> {
    await this.session.loggedOut(await (await asking()).account.deleteAccount(this, password), true);
  }

  async exportAccount(): Promise<string> {
    return (await asking()).account.exportAccount(this);
  }

  async devices(): Promise<readonly Device[]> {
    return (await asking()).account.devices(this);
  }

  async endDevice(id: string): Promise<void> {
    await (await asking()).account.endDevice(this, id);
  }

  async alwaysOn(): Promise<{ wanted: 'on' | 'off' | 'default'; is: boolean }> {
    return (await asking()).account.alwaysOn(this);
  }

  async setAlwaysOn(wanted: 'on' | 'off' | 'default'): Promise<void> {
    await (await asking()).account.setAlwaysOn(this, wanted);
  }

  // Moderation

  async reports(room?: string): Promise<readonly Report[]> {
    return (await asking()).moderation.reports(this, room);
  }

  /** Once for all that comes together: one answer may end many. */
  reportsChanged(): void {
    if (this.#readsReports) return;
    this.#readsReports = true;
    this.later(() => {
      this.#readsReports = false;
      this.reports().catch(() => undefined);
    });
  }
  #readsReports = false;

  async closeReport(report: Report, how: 'resolve' | 'dismiss', note?: string): Promise<void> {
    await (await asking()).moderation.closeReport(this, report, how, note);
  }

  async audit(query: AuditQuery = {}): Promise<readonly AuditLine[]> {
    return (await asking()).moderation.audit(this, query);
  }

  // What is shown

  formatted(message: MessageEntry): readonly Block[] {
    return this.#formatted.of(message);
  }

  async askForNotifications(): Promise<boolean> {
    return typeof Notification !== 'undefined' && (await Notification.requestPermission()) === 'granted';
  }

  say(sentence: string, more: { tone?: Notice['tone']; room?: string } = {}): void {
    this.#notices.say(sentence, this.#outside.now(), more);
  }

  dismiss(notice: Notice): void {
    this.#notices.dismiss(notice);
  }
}
