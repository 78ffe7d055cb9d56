// The chat as components see it (types.ts): holds the link, takes in what comes over it, and keeps conversations, people and
// what is on its way.

import { untrack } from 'svelte';
import { Backoff } from '../irc/backoff';
import { isBatch, linesOf, type Item } from '../irc/batches';
import { Connection, Failure, type RequestOptions, type Socket } from '../irc/connection';
import { Isupport } from '../irc/isupport';
import { nickOf } from '../irc/line';
import { alphabetically } from '../format/alphabet';
import { format, formatInline, type Context } from '../format/format';
import type { Block } from '../format/nodes';
import { language } from '../texts/language.svelte';
import { abilitiesOf, noAbilities } from './abilities';
import { asking } from './asking';
import { ConversationState } from './conversation.svelte';
import { lineCame, type Receiver } from './incoming';
import type { AuditQuery } from './moderation';
import { Notifications } from './notifications';
import { Outbox, type Post } from './outbox';
import { People, type PersonState } from './people.svelte';
import { pathOf, pathOfInvite } from './permalink';
import { readSession } from './http';
import { createPreferences } from './preferences.svelte';
import { refused } from './refusals';
import { said, type Said } from './said';
import { keepsKeys, Sending } from './sending';
import { SessionState } from './session.svelte';
import { Storage } from './storage';
import { Tabs, type Told } from './tabs';
import {
  Refused,
  type AuditLine,
  type Chat,
  type Conversation,
  type Device,
  type Link,
  type LinkKind,
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
import { registerWorker } from './worker';

/** Direct conversations are listed that are not older than this. */
const correspondentsWithin = 365 * 86_400_000;
const mostCorrespondents = 50;
const mostMonitored = 100;
const mostKeptConversations = 40;
const keepEvery = 2_000;
const markReadEvery = 1_000;
/** Nobody looks for so long: nobody is at this device. */
const absentAfter = 5 * 60_000;
const mostNotices = 5;
const mostNickTries = 8;
/** The server gives the cookie a new value when it is asked who is here, if it is due. */
const renewEvery = 4 * 3_600_000;

export interface Outside {
  socket(): Socket;
  random(): number;
  now(): number;
  /** Soon, in time for the next frame. */
  schedule(run: () => void): void;
  /** When what is being done now is done. */
  later(run: () => void): void;
}

export function createChat(): Chat {
  return new ChatState(browser());
}

function browser(): Outside {
  return {
    socket: () => {
      const address = new URL('/ws', location.href);
      address.protocol = address.protocol === 'https:' ? 'wss:' : 'ws:';
      return new WebSocket(address, ['text.ircv3.net']) as Socket;
    },
    random: Math.random,
    now: Date.now,
    // Once a frame while somebody looks; at once otherwise, where frames do not come and timers are slow.
    schedule: (run) => {
      if (document.visibilityState === 'visible') requestAnimationFrame(run);
      else run();
    },
    // Not a timer: those of a tab in the background come once a second, or once a minute.
    later: (run) => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => {
        port1.close();
        run();
      };
      port2.postMessage(null);
    },
  };
}

class LinkState implements Link {
  kind: LinkKind = $state('offline');
  retryAt = $state<number | null>(null);
  sentence = $state<string | null>(null);
  unsent = $state(0);
  roundTrip = $state<number | null>(null);
  reconnect: () => void = () => {};
}

/** What the room is called that someone wanted to enter by a name that it had before. */
function renamedTo(refusal: Refused | Failure): string | undefined {
  return refusal.code === 'CHANNEL_RENAMED' ? refusal.context[1] : undefined;
}

export class ChatState implements Chat, Receiver {
  readonly #outside: Outside;
  readonly storage = new Storage();
  readonly tabs = new Tabs();
  readonly outbox: Outbox;
  readonly sending: Sending;
  readonly people: People;
  readonly preferences: Preferences;
  readonly session: SessionState;
  readonly link = new LinkState();
  readonly #notifications: Notifications;
  readonly #backoff = new Backoff();
  isupport = new Isupport();
  account = $state<string | null>(null);
  isOperator = $state(false);
  conversations: readonly ConversationState[] = $state.raw([]);
  current: ConversationState | null = $state.raw(null);
  notices: readonly Notice[] = $state.raw([]);
  #abilities: ServerAbilities = $state.raw(noAbilities);
  #connection: Connection | null = null;
  #byKey = new Map<string, ConversationState>();
  readonly #dirty = new Set<ConversationState>();
  readonly #unkept = new Set<ConversationState>();
  readonly #closed = new Set<string>();
  #depth = 0;
  #drafts = new Map<string, string>();
  #retry: ReturnType<typeof setTimeout> | undefined;
  #keeping: ReturnType<typeof setTimeout> | undefined;
  #absence: ReturnType<typeof setTimeout> | undefined;
  isAbsent = false;
  wasOnline = false;
  isAway = false;
  readonly #marks = new Map<string, { conversation: ConversationState; upTo: number; timer: ReturnType<typeof setTimeout> | null }>();
  #nextNotice = 1;
  #formatted = new WeakMap<MessageEntry, readonly Block[]>();
  operatorReports = $state(0);
  /** Told when a link has come about, or has not. */
  readonly #waiting: (() => void)[] = [];
  /** Until what was kept has been read. */
  #begun: Promise<unknown> | null = null;

  constructor(outside: Outside) {
    this.#outside = outside;
    // What our server has; another one says otherwise at the welcome.
    this.isupport.caseMapping = 'precis';
    this.isupport.statusSigns = '~&@%+';
    this.people = new People((name) => this.isupport.fold(name));
    this.preferences = createPreferences();
    this.outbox = new Outbox(this.storage, this.tabs, outside.now);
    this.sending = new Sending(this);
    this.outbox.changed = () => this.sending.postsChanged();
    // What it could not send any more is sent here.
    this.tabs.gone = () => void this.#adopt();
    this.session = new SessionState({ came: () => void this.#came(), gone: () => this.#gone() });
    this.#notifications = new Notifications(this.preferences, this.tabs, (conversation) => this.open(conversation.name));
    this.link.reconnect = () => this.#reconnect();
  }

  // What components read

  get me(): PersonState {
    return this.people.me;
  }

  get isGuest(): boolean {
    return this.session.state === 'guest';
  }

  get can(): ServerAbilities {
    return this.#abilities;
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

  // Beginning

  start(): Promise<void> {
    // Who is here takes as long to learn as everything else together: it is asked first, and the link is opened as soon as it
    // is known. What comes over it waits for what was kept.
    const reading = readSession();
    reading.then(
      (info) => {
        if (info.signedIn && info.username) this.#open(info.username);
      },
      () => undefined,
    );
    const begun = this.#begin(reading);
    this.#begun = begun.then(() => (this.#begun = null));
    return begun;
  }

  async #begin(reading: Promise<SessionInfo>): Promise<void> {
    this.#watchBrowser();
    // A part of an older page that the server does not have any more: the new page has its own.
    window.addEventListener('vite:preloadError', () => {
      if (navigator.onLine && this.link.kind === 'online') location.reload();
    });
    const [, owner] = await Promise.all([language.start(), this.#openStorage(), this.tabs.start((told) => this.#heard(told))]);
    await this.session.start(owner !== null, reading);
    // The page as an app, and without a network; what is to be seen first comes first.
    if (import.meta.env.PROD) this.#outside.later(() => void registerWorker());
  }

  /** Whose what is kept is; null: nobody's who can come back by herself. */
  async #openStorage(): Promise<string | null> {
    await this.storage.open();
    const owner = await this.storage.owner();
    if (!owner?.startsWith('account:')) return null;
    this.account = owner.slice('account:'.length);
    this.people.me = this.account;
    const [kept, drafts] = await Promise.all([this.storage.conversations(), this.storage.drafts()]);
    this.#drafts = drafts;
    for (const conversation of kept) this.ensure(conversation.name).restore(conversation);
    this.#unkept.clear();
    this.#commit();
    return owner;
  }

  async #came(): Promise<void> {
    const nick = this.session.guest ?? this.session.info?.username ?? this.account ?? '';
    if (nick) this.people.me = nick;
    if (this.session.state === 'guest') for (const room of this.session.guestRooms) this.ensure(room).membership = 'in';
    this.#connect();
    await this.outbox.adopt();
  }

  /** Nobody is here any more: nothing of her stays. */
  async #gone(): Promise<void> {
    clearTimeout(this.#retry);
    clearTimeout(this.#keeping);
    this.#connection?.close();
    this.#connection = null;
    for (const { timer } of this.#marks.values()) if (timer) clearTimeout(timer);
    this.#marks.clear();
    this.#byKey.clear();
    this.conversations = [];
    this.current = null;
    this.account = null;
    this.isOperator = false;
    this.operatorReports = 0;
    this.#drafts.clear();
    this.#unkept.clear();
    this.#closed.clear();
    this.people.clear();
    for (const post of this.outbox.posts) await this.outbox.discard(post.key);
    this.link.kind = 'offline';
    this.link.retryAt = null;
    this.link.sentence = null;
    this.#settle();
    this.#backoff.reset();
    await this.storage.remove();
    await this.storage.open();
    this.tabs.tell({ kind: 'session' });
  }

  #watchBrowser(): void {
    window.addEventListener('online', () => this.#reconnect());
    window.addEventListener('offline', () => this.#connection?.check());
    document.addEventListener('visibilitychange', () => this.#looked());
    window.addEventListener('focus', () => this.#looked());
    window.addEventListener('pagehide', () => void this.#keep());
    setInterval(() => this.#renew(), renewEvery);
    this.#looked();
  }

  #renew(): void {
    if (this.session.state === 'in') void this.session.check();
  }

  /** The person turns to the page or away from it. */
  #looked(): void {
    const looks = document.visibilityState === 'visible';
    this.tabs.tell({ kind: 'looked', tab: this.tabs.id, conversation: looks ? (this.current?.key ?? '') : null });
    clearTimeout(this.#absence);
    this.#connection?.flush();
    if (looks) {
      // The machine may have slept.
      if (this.#connection?.isOpen) this.#connection.check();
      else if (this.link.kind === 'offline') this.#reconnect();
      if (this.isAbsent) {
        this.isAbsent = false;
        if (!this.isAway) this.#connection?.send('AWAY');
      }
      if (this.current && this.looksAt(this.current)) this.current.looked();
    } else {
      void this.#keep();
      this.#absence = setTimeout(() => {
        if (this.isAway || !this.#connection?.isOpen) return;
        this.isAbsent = true;
        this.#connection.send('AWAY', ['*']);
      }, absentAfter);
    }
  }

  #heard(told: Told): void {
    switch (told.kind) {
      case 'read':
        this.#byKey.get(told.conversation)?.readElsewhere(told.upTo);
        break;
      case 'draft': {
        this.#drafts.set(told.conversation, told.text);
        const conversation = this.#byKey.get(told.conversation);
        if (conversation && conversation !== this.current) conversation.setDraft(told.text);
        break;
      }
      case 'session':
        void this.session.check();
        break;
      case 'posted':
      case 'looked':
        break;
    }
  }

  // The link

  #reconnect(): void {
    if (this.session.state !== 'in' && this.session.state !== 'guest') return;
    if (this.#connection?.isOpen) return this.#connection.check();
    this.#backoff.reset();
    // An attempt from before may hang for long.
    const hanging = this.#connection;
    this.#connection = null;
    hanging?.close();
    this.#connect();
  }

  #connect(): void {
    clearTimeout(this.#retry);
    if (this.#connection || (this.session.state !== 'in' && this.session.state !== 'guest')) return;
    const nick = this.session.guest ?? this.session.info?.username ?? this.account;
    this.link.kind = 'connecting';
    this.link.retryAt = null;
    if (!nick) {
      // The server says who one is, when it is reached.
      void this.session.check().then((reached) => {
        if (reached && this.session.info?.username) this.#connect();
        else if (!reached) this.#offline(language.texts.state.link.unreachable);
      });
      return;
    }
    this.#open(nick);
  }

  #open(nick: string): void {
    if (this.#connection) return;
    this.link.kind = 'connecting';
    let isWelcome = false;
    const connection: Connection = new Connection({
      socket: this.#outside.socket(),
      nick,
      realname: nick,
      schedule: (run) => this.#schedule(run),
      later: (run) => this.#outside.later(run),
      now: () => this.#outside.now(),
      events: {
        welcome: () => {
          isWelcome = true;
          void this.#welcome(connection);
        },
        item: (item) => this.together(() => this.#take(item)),
        down: (sentence) => void this.#down(connection, isWelcome, sentence),
        otherNick: (attempt) => {
          // Whoever is here as a guest for the first time is asked for another name.
          if (this.session.state !== 'guest' || this.conversations.length === 0 || attempt > mostNickTries) return null;
          return attempt === 1 ? `${nick}_` : `${nick}${attempt}`;
        },
        refused: (failure) => void this.#notLetIn(failure),
      },
    });
    this.#connection = connection;
  }

  #schedule(run: () => void): void {
    if (this.#begun) void this.#begun.then(run);
    // Until the room can be read nothing is waited for; from then on all that comes within a frame is shown with it.
    else if (this.link.kind === 'online') this.#outside.schedule(run);
    else this.#outside.later(run);
  }

  async #notLetIn(failure: Failure): Promise<void> {
    const { message } = await refused(failure);
    if (this.session.state === 'guest') {
      await this.session.loggedOut(message);
      return;
    }
    this.link.sentence = language.texts.state.link.notLetIn(message);
    // The cookie may be no good any more.
    await this.session.check();
  }

  async #down(connection: Connection, wasWelcome: boolean, sentence: string | null): Promise<void> {
    if (this.#connection !== connection) return;
    this.#connection = null;
    this.#backoff.linkLived(connection.lived);
    const keysSurvive = connection.has(keepsKeys) && this.account !== null;
    this.together(() => {
      for (const conversation of this.#byKey.values()) conversation.linkLost();
      this.people.linkLost();
    });
    this.sending.linkLost();
    const texts = language.texts.state;
    const isOffline = !navigator.onLine;
    const why = sentence !== null ? texts.link.closed(sentence) : isOffline ? texts.link.noNetwork : wasWelcome ? texts.link.lost : texts.link.unreachable;
    this.#offline(why);
    await this.outbox.linkLost(keysSurvive, texts.refused.unknownOutcome);
    // A server that cannot be reached, and one that does not know the cookie any more, look alike from here.
    if (!wasWelcome && this.session.state === 'in') await this.session.check();
  }

  #offline(sentence: string): void {
    this.link.kind = 'offline';
    this.link.sentence = sentence;
    this.link.roundTrip = null;
    this.#settle();
    if (this.session.state !== 'in' && this.session.state !== 'guest') return;
    const wait = this.#backoff.next(this.#outside.random());
    this.link.retryAt = this.#outside.now() + wait;
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.#connect(), wait);
  }

  async #welcome(connection: Connection): Promise<void> {
    const isAccount = connection.account !== null;
    if (this.session.state === 'in' && !isAccount) {
      // The cookie was no good: as a nobody nobody wanted to come.
      await this.session.check();
      if (this.session.state === 'in') connection.close();
      return;
    }
    const before = this.isupport.caseMapping;
    this.isupport = connection.isupport;
    if (before !== this.isupport.caseMapping) this.#refold();
    this.account = connection.account;
    this.people.me = connection.nick;
    this.people.me.know({ account: connection.account, presence: 'here' });
    this.session.guestIs(connection.nick);
    this.#abilities = abilitiesOf(connection);
    this.link.kind = 'catching-up';
    this.link.sentence = null;
    this.#settle();
    await this.storage.belongsTo(isAccount ? `account:${connection.account ?? ''}` : `guest:${connection.nick}`);
    try {
      await this.#catchUp(connection);
    } catch {
      // The link is gone again, or the server says no to a part of it: what is missing is asked for when it is looked at.
    }
    if (this.#connection !== connection) return;
    this.link.kind = 'online';
    if (this.wasOnline) this.#renew();
    this.wasOnline = true;
    this.link.roundTrip = connection.roundTrip;
    await this.outbox.linkReady(connection.has(keepsKeys) && isAccount, language.texts.state.refused.unknownOutcome);
    await this.#adopt();
  }

  /** Sends what is waiting, and what tabs that are no more have left. */
  async #adopt(): Promise<void> {
    if (this.session.state !== 'in' && this.session.state !== 'guest') return;
    await this.outbox.adopt();
    this.sending.go();
  }

  async #catchUp(connection: Connection): Promise<void> {
    const asked: Promise<unknown>[] = [];
    const ask = (command: string, params: readonly string[] = []): void => {
      asked.push(connection.request(command, params).catch(() => []));
    };
    // Guests are in no room unless they say so; accounts are in theirs.
    if (this.account === null) {
      const rooms = [...this.#byKey.values()].filter((conversation) => conversation.isRoom && conversation.membership === 'in');
      for (const room of rooms) {
        const entered = connection.request('JOIN', [room.name]).catch((error: unknown) => {
          const to = error instanceof Failure ? renamedTo(error) : undefined;
          return to === undefined ? [] : this.#follow(room.name, to).catch(() => []);
        });
        asked.push(entered);
      }
    }
    const others = [...this.#byKey.values()].filter((conversation) => conversation.kind === 'direct').slice(0, mostMonitored);
    if (others.length > 0) ask('MONITOR', ['+', others.map((conversation) => conversation.name).join(',')]);
    if (connection.has('draft/chathistory')) {
      const now = this.#outside.now();
      // A day ahead: the server's clock need not be ours.
      const [from, to] = [new Date(now + 86_400_000), new Date(now - correspondentsWithin)];
      ask('CHATHISTORY', ['TARGETS', `timestamp=${from.toISOString()}`, `timestamp=${to.toISOString()}`, String(mostCorrespondents)]);
    }
    if (connection.has('parlor/groups') && this.account !== null) ask('GROUP');
    ask('MODE', [connection.nick]);
    if (connection.has('parlor/unread')) {
      const counts = await connection.request('UNREAD', [], { quiet: true });
      // What was confirmed on this link is not any more when it is gone.
      if (this.#connection !== connection) return;
      // Rooms that one is in have been told by now: the server answers in order.
      this.together(() => {
        this.#countsCame(counts);
        this.#forgetLeft();
      });
    }
    await Promise.all(asked);
    if (this.#connection !== connection) return;
    this.together(() => this.#forgetLeft());
    if (![...this.#byKey.values()].some((conversation) => conversation.membership === 'in')) {
      for (const room of this.session.info?.rooms ?? []) await connection.request('JOIN', [room]).catch(() => []);
    }
    if (this.current) await this.current.enter();
  }

  /** Rooms that were left on another device. */
  #forgetLeft(): void {
    for (const conversation of [...this.#byKey.values()]) {
      if (!conversation.isRoom || conversation.membership === 'out' || conversation.isConfirmed) continue;
      const wasIn = conversation.membership === 'in';
      conversation.out();
      if (wasIn && conversation !== this.current) this.close(conversation);
    }
  }

  #countsCame(items: readonly Item[]): void {
    const counted = new Set<ConversationState>();
    for (const { command, params } of linesOf(items)) {
      if (command !== 'UNREAD') continue;
      const [name = '', messages = '0', named = '0'] = params;
      const conversation = this.ensure(name);
      counted.add(conversation);
      conversation.unreadIs(Number.parseInt(messages, 10), messages.endsWith('+'), Number.parseInt(named, 10));
    }
    for (const conversation of this.#byKey.values()) if (!counted.has(conversation)) conversation.unreadIs(0, false, 0);
  }

  #refold(): void {
    this.people.refold((name) => this.isupport.fold(name));
    const all = [...this.#byKey.values()];
    this.#byKey = new Map(all.map((conversation) => [conversation.key, conversation]));
  }

  // What comes

  together(work: () => void): void {
    this.#depth += 1;
    try {
      work();
    } finally {
      this.#depth -= 1;
      if (this.#depth === 0) this.#commit();
    }
  }

  touch(conversation: ConversationState): void {
    this.#dirty.add(conversation);
    this.#unkept.add(conversation);
    if (this.#depth === 0) this.#commit();
    this.#keepSoon();
  }

  later(run: () => void): void {
    this.#outside.later(run);
  }

  #commit(): void {
    // Components must not become dependent on what is only written here.
    untrack(() => {
      for (const conversation of this.#dirty) conversation.commit();
      this.#dirty.clear();
    });
  }

  #take(item: Item): void {
    const message = said(item, this.isupport, this.#outside.now());
    if (message) return this.#messageCame(message);
    if (!isBatch(item)) return lineCame(this, item);
    // History and the like are for whoever asked for them.
    if (['chathistory', 'soju.im/search', 'parlor/pins', 'parlor/devices'].includes(item.type)) return;
    for (const part of item.items) this.#take(part);
  }

  #messageCame(message: Said): void {
    const { isupport } = this;
    const isRoom = isupport.isRoom(message.target);
    if (!isRoom && (message.fromServer || message.target === '*')) {
      if (message.text) this.say(message.text);
      return;
    }
    const isOwn = this.people.isMe(message.nick);
    const name = isRoom ? message.target : isOwn ? message.target : message.nick;
    // What was said in a room that one is not in comes to operators alone.
    const conversation = this.ensure(name);
    this.#closed.delete(conversation.key);
    const key = message.label !== null ? this.sending.postOf(message.label) : null;
    const entry = conversation.messageCame(message, key);
    if (key !== null) void this.outbox.done(key);
    if (entry && !isOwn && this.link.kind === 'online') this.#notifications.messageCame(conversation, entry);
  }

  rememberRooms(): void {
    this.session.guestIsIn([...this.#byKey.values()].filter((room) => room.isRoom && room.membership === 'in').map((room) => room.name));
  }

  renamed(conversation: ConversationState, name: string): void {
    const before = conversation.key;
    this.#byKey.delete(before);
    conversation.renamed(name);
    this.#byKey.set(conversation.key, conversation);
    void this.storage.putConversations([], [before]);
    this.touch(conversation);
  }

  // Conversations

  ensure(name: string): ConversationState {
    const key = this.isupport.fold(name);
    let conversation = this.#byKey.get(key);
    if (conversation) return conversation;
    conversation = new ConversationState(this, name);
    // Whether one is in a room is known when the server has said so.
    if (conversation.isRoom && this.link.kind !== 'online') conversation.membership = 'joining';
    conversation.setDraft(this.#drafts.get(key) ?? '');
    this.#byKey.set(key, conversation);
    this.#list();
    const posts = this.outbox.posts.filter((post) => this.isupport.fold(post.target) === key);
    if (posts.length > 0) conversation.showPosts(posts);
    if (conversation.kind === 'direct' && this.#connection?.isOpen) this.#connection.send('MONITOR', ['+', name]);
    return conversation;
  }

  #list(): void {
    this.conversations = [...this.#byKey.values()].sort((one, other) => alphabetically(one.name, other.name));
  }

  all(): Iterable<ConversationState> {
    return this.#byKey.values();
  }

  /** The conversation, if there is one here; components ask with `find`. */
  known(name: string): ConversationState | undefined {
    return this.#byKey.get(this.isupport.fold(name));
  }

  find(name: string): ConversationState | null {
    void this.conversations;
    return this.#byKey.get(this.isupport.fold(name)) ?? null;
  }

  person(nick: string): Person {
    return this.people.get(nick);
  }

  open(name: string): ConversationState {
    const conversation = this.ensure(name);
    if (this.current !== conversation) {
      this.#leaveCurrent();
      this.current = conversation;
      conversation.opened();
      this.#looked();
    }
    return conversation;
  }

  closeCurrent(): void {
    this.#leaveCurrent();
  }

  #leaveCurrent(): void {
    const before = this.current;
    this.current = null;
    before?.left();
    // Where one only looked, and there is nothing, nothing stays.
    if (before?.isEmpty && this.#byKey.get(before.key) === before) this.close(before);
  }

  close(conversation: ConversationState): void {
    if (!this.#byKey.delete(conversation.key)) return;
    if (this.current === conversation) this.closeCurrent();
    this.#unkept.delete(conversation);
    this.#dirty.delete(conversation);
    void this.storage.putConversations([], [conversation.key]);
    this.#list();
  }

  looksAt(conversation: ConversationState): boolean {
    return this.current === conversation && document.visibilityState === 'visible';
  }

  isCurrent(conversation: ConversationState): boolean {
    return this.current === conversation;
  }

  keepDraft(conversation: ConversationState, text: string): void {
    this.#drafts.set(conversation.key, text);
    void this.storage.putDraft(conversation.key, text);
    this.tabs.tell({ kind: 'draft', conversation: conversation.key, text });
  }

  markRead(conversation: ConversationState, upTo: number): void {
    this.tabs.tell({ kind: 'read', conversation: conversation.key, upTo });
    const waiting = this.#marks.get(conversation.key);
    if (waiting?.timer) {
      waiting.upTo = Math.max(waiting.upTo, upTo);
      return;
    }
    // At once, and then at most every second.
    this.#sayRead(conversation, upTo);
    const mark = { conversation, upTo, timer: null as ReturnType<typeof setTimeout> | null };
    mark.timer = setTimeout(() => {
      this.#marks.delete(conversation.key);
      if (mark.upTo > upTo) this.#sayRead(conversation, mark.upTo);
    }, markReadEvery);
    this.#marks.set(conversation.key, mark);
  }

  #sayRead(conversation: ConversationState, upTo: number): void {
    if (!this.has('draft/read-marker')) return;
    this.request('MARKREAD', [conversation.name, `timestamp=${new Date(upTo).toISOString()}`]).catch(() => undefined);
  }

  #keepSoon(): void {
    this.#keeping ??= setTimeout(() => void this.#keep(), keepEvery);
  }

  /** Writes the ends of conversations to the disk. */
  async #keep(): Promise<void> {
    clearTimeout(this.#keeping);
    this.#keeping = undefined;
    if (this.account === null || this.#unkept.size === 0) return;
    const latest = [...this.#byKey.values()].sort((one, other) => other.lastActive - one.lastActive).slice(0, mostKeptConversations);
    const kept = latest.filter((conversation) => this.#unkept.has(conversation)).map((conversation) => conversation.kept());
    this.#unkept.clear();
    await this.storage.putConversations(kept, []);
  }

  // Messages on their way

  post(conversation: ConversationState, text: string, style: Post['style'], replyTo: string | null): Promise<void> {
    return this.sending.post(conversation, text, style, replyTo);
  }

  retryPost(key: string): void {
    this.sending.again(key);
  }

  discardPost(key: string): void {
    void this.outbox.discard(key);
  }

  failPosts(conversation: ConversationState, sentence: string): void {
    this.sending.fail(conversation, sentence);
  }

  // Asking the server

  connection(): Connection | null {
    return this.#connection?.isOpen ? this.#connection : null;
  }

  has(capability: string): boolean {
    return this.#connection?.has(capability) ?? false;
  }

  now(): number {
    return this.#outside.now();
  }

  async request(command: string, params: readonly string[] = [], options: RequestOptions = {}): Promise<Item[]> {
    try {
      // Who has just come need not know that the link is a moment later than the page.
      if (this.link.kind === 'connecting') await this.#settled();
      if (!this.#connection) throw new Failure('NO_LINK', '', []);
      return await this.#connection.request(command, params, options);
    } catch (error) {
      throw error instanceof Failure ? await refused(error) : error;
    }
  }

  /** Until it is known whether there is a link. */
  #settled(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #settle(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  async command(conversation: ConversationState, line: string): Promise<void> {
    return (await asking()).commands.run(this, conversation, line);
  }

  async quote(line: string): Promise<void> {
    const connection = this.connection();
    if (!connection) throw await refused(new Failure('NO_LINK', '', []));
    connection.sendRaw(line.replace(/[\r\n\0]/g, ' '));
  }

  async join(given: string, key?: string): Promise<ConversationState> {
    const name = this.isupport.isRoom(given) ? given : `#${given}`;
    const conversation = this.find(name);
    if (conversation) {
      conversation.joinRefusal = null;
      if (conversation.membership === 'out') conversation.membership = 'joining';
    }
    let items: Item[];
    try {
      items = await this.request('JOIN', [name, ...(key ? [key] : [])]);
    } catch (error) {
      if (conversation?.membership === 'joining') conversation.membership = 'out';
      const to = error instanceof Refused ? renamedTo(error) : undefined;
      if (to !== undefined) return this.#follow(name, to, key);
      if (conversation && error instanceof Refused) conversation.joinRefusal = error.message;
      throw error;
    }
    // It may have sent us on to another one (470).
    let entered = name;
    for (const line of linesOf(items)) {
      if (line.command === 'JOIN' && this.people.isMe(nickOf(line.source))) entered = line.params[0] ?? name;
      if (line.command === '470') entered = line.params[2] ?? name;
    }
    if (!this.isupport.same(entered, name)) this.say(language.texts.state.notice.moved(name, entered));
    const joined = this.ensure(entered);
    // Whoever is in it already is told nothing.
    if (!joined.isConfirmed) joined.joined();
    this.sending.go();
    return joined;
  }

  /** The room has another name now (FAIL JOIN CHANNEL_RENAMED). */
  #follow(from: string, to: string, key?: string): Promise<ConversationState> {
    const conversation = this.find(from);
    if (conversation && !this.find(to)) this.renamed(conversation, to);
    this.say(language.texts.state.notice.moved(from, to));
    return this.join(to, key);
  }

  async joinRoom(name: string, key?: string): Promise<Conversation> {
    const conversation = await this.join(name, key);
    return this.open(conversation.name);
  }

  async openGroup(nicks: readonly string[]): Promise<Conversation> {
    const items = await this.request('GROUP', [nicks.join(',')]);
    for (const line of linesOf(items)) {
      if (line.command === 'GROUP' && line.params[0]) return this.open(line.params[0]);
    }
    throw new Refused(language.texts.state.refused.serverError, 'NO_ANSWER');
  }

  async setBlocked(nick: string, on: boolean): Promise<void> {
    await this.request('METADATA', [nick, 'SET', 'soju.im/blocked', on ? '1' : '0']);
  }

  async setNick(nick: string): Promise<void> {
    await this.request('NICK', [nick]);
  }

  async setProfile(profile: Profile): Promise<void> {
    const keys = { displayName: 'display-name', pronouns: 'pronouns', status: 'status' } as const;
    for (const [name, key] of Object.entries(keys)) {
      const value = profile[name as keyof Profile];
      if (value === undefined) continue;
      await this.request('METADATA', ['*', 'SET', key, ...(value.trim() ? [value.trim()] : [])]);
    }
  }

  async setAway(message: string | null): Promise<void> {
    await this.request('AWAY', message === null ? [] : [message]);
    this.isAway = message !== null;
    this.me.know(message === null ? { presence: 'here', awayMessage: null } : { presence: 'away', awayMessage: message });
  }

  async listRooms(filter = ''): Promise<readonly ListedRoom[]> {
    return (await asking()).directory.listRooms(this, filter);
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

  // One's account

  async changePassword(old: string, wanted: string): Promise<void> {
    return (await asking()).account.changePassword(this, old, wanted);
  }

  async renameAccount(name: string, password: string): Promise<void> {
    await this.request('ACCOUNT', ['RENAME', name, password], { quiet: true });
    await this.session.check();
  }

  async deleteAccount(password: string): Promise<void> {
    await this.request('ACCOUNT', ['DELETE', password], { quiet: true });
    await this.session.loggedOut(null);
  }

  async exportAccount(): Promise<string> {
    return (await asking()).account.exportAccount(this);
  }

  async devices(): Promise<readonly Device[]> {
    return (await asking()).account.devices(this);
  }

  async endDevice(id: string): Promise<void> {
    return (await asking()).account.endDevice(this, id);
  }

  async alwaysOn(): Promise<{ wanted: 'on' | 'off' | 'default'; is: boolean }> {
    return (await asking()).account.alwaysOn(this);
  }

  async setAlwaysOn(wanted: 'on' | 'off' | 'default'): Promise<void> {
    return (await asking()).account.setAlwaysOn(this, wanted);
  }

  // Moderation

  async reports(room?: string): Promise<readonly Report[]> {
    const found = await (await asking()).moderation.reports(this, room);
    for (const conversation of this.#byKey.values()) {
      if (room !== undefined && !this.isupport.same(room, conversation.name)) continue;
      conversation.openReports = found.filter((report) => this.isupport.same(report.place, conversation.name)).length;
    }
    if (room === undefined) this.operatorReports = found.filter((report) => !this.known(report.place)).length;
    return found;
  }

  async closeReport(report: Report, how: 'resolve' | 'dismiss', note?: string): Promise<void> {
    await (await asking()).moderation.closeReport(this, report, how, note);
    const conversation = this.known(report.place);
    if (conversation) conversation.openReports = Math.max(0, conversation.openReports - 1);
    else this.operatorReports = Math.max(0, this.operatorReports - 1);
  }

  async audit(query: AuditQuery = {}): Promise<readonly AuditLine[]> {
    return (await asking()).moderation.audit(this, query);
  }

  // What is shown

  formatted(message: MessageEntry): readonly Block[] {
    const known = this.#formatted.get(message);
    if (known) return known;
    const context: Context = {
      person: (word) => this.people.find(word)?.nick ?? null,
      isMe: (nick) => this.people.isMe(nick),
    };
    const blocks: readonly Block[] =
      message.style === 'action'
        ? [{ kind: 'paragraph', children: formatInline(message.text, context) }]
        : format(message.text, context);
    this.#formatted.set(message, blocks);
    return blocks;
  }

  permalink(conversation: Conversation, message?: MessageEntry): string {
    return new URL(pathOf(conversation.name, message?.id ?? undefined), location.origin).href;
  }

  permalinkOfInvite(room: string, token: string): string {
    return new URL(pathOfInvite(room, token), location.origin).href;
  }

  askForNotifications(): Promise<boolean> {
    return this.#notifications.ask();
  }

  say(sentence: string, more: { tone?: Notice['tone']; room?: string } = {}): void {
    const notice: Notice = {
      id: this.#nextNotice++,
      tone: more.tone ?? 'information',
      sentence,
      at: this.#outside.now(),
      room: more.room ?? null,
    };
    this.notices = [...this.notices, notice].slice(-mostNotices);
  }

  dismiss(notice: Notice): void {
    this.notices = this.notices.filter((other) => other.id !== notice.id);
  }
}

