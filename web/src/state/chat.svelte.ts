// The chat as components see it (types.ts): holds the link, takes in what comes over it, and keeps conversations, people and
// what is on its way.

import { untrack } from 'svelte';
import { Backoff } from '../irc/backoff';
import { isBatch, linesOf, type Item } from '../irc/batches';
import { Connection, failureOf, Failure, type RequestOptions, type Socket } from '../irc/connection';
import { Isupport, modeChanges } from '../irc/isupport';
import { escapeTag, nickOf, timeOf, type Line } from '../irc/line';
import { messagesWithin, multilineLimits, pieces, textBudget, writeMessage } from '../irc/multiline';
import { format, formatInline, type Context } from '../format/format';
import type { Block } from '../format/nodes';
import { language } from '../texts/language.svelte';
import { run } from './commands';
import { ConversationState } from './conversation.svelte';
import { rankOfSign } from './modes';
import { Notifications } from './notifications';
import { Outbox, type Post } from './outbox';
import { People, type PersonState } from './people.svelte';
import { pathOf, pathOfInvite } from './permalink';
import { readSession } from './http';
import { createPreferences } from './preferences.svelte';
import { refused } from './refusals';
import { accountOf, said, type Said } from './said';
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
  type ServerAbilities,
  type WhoIs,
} from './types';
import type { World } from './world';

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

/** Without labels nothing could be told apart; every server of ours has them. */
const keepsKeys = 'parlor/once';

export interface Outside {
  socket(): Socket;
  random(): number;
  now(): number;
  schedule(run: () => void): void;
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

export class ChatState implements Chat, World {
  readonly #outside: Outside;
  readonly storage = new Storage();
  readonly tabs = new Tabs();
  readonly outbox: Outbox;
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
  #isAbsent = false;
  #wasOnline = false;
  #isAway = false;
  readonly #marks = new Map<string, { conversation: ConversationState; upTo: number; timer: ReturnType<typeof setTimeout> | null }>();
  readonly #postOfLabel = new Map<string, string>();
  #sending = false;
  #nextNotice = 1;
  #nextReference = 1;
  #formatted = new WeakMap<MessageEntry, readonly Block[]>();
  #operatorReports = $state(0);
  /** Told when a link has come about, or has not. */
  readonly #waiting: (() => void)[] = [];

  constructor(outside: Outside) {
    this.#outside = outside;
    // What our server has; another one says otherwise at the welcome.
    this.isupport.caseMapping = 'precis';
    this.isupport.statusSigns = '~&@%+';
    this.people = new People((name) => this.isupport.fold(name));
    this.preferences = createPreferences();
    this.outbox = new Outbox(this.storage, this.tabs, outside.now);
    this.outbox.changed = () => this.#postsChanged();
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
    return this.#operatorReports + this.conversations.reduce((sum, conversation) => sum + conversation.openReports, 0);
  }

  // Beginning

  async start(): Promise<void> {
    // Who is here takes as long to learn as everything else together: it is asked first.
    const reading = readSession();
    reading.catch(() => undefined);
    this.#watchBrowser();
    // A part of an older page that the server does not have any more: the new page has its own.
    window.addEventListener('vite:preloadError', () => {
      if (navigator.onLine && this.link.kind === 'online') location.reload();
    });
    const [, owner] = await Promise.all([language.start(), this.#openStorage(), this.tabs.start((told) => this.#heard(told))]);
    await this.session.start(owner !== null, reading);
    // The page as an app, and without a network.
    if (import.meta.env.PROD) void registerWorker();
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
    for (const conversation of kept) this.#ensure(conversation.name).restore(conversation);
    this.#unkept.clear();
    this.#commit();
    return owner;
  }

  async #came(): Promise<void> {
    const nick = this.session.guest ?? this.session.info?.username ?? this.account ?? '';
    if (nick) this.people.me = nick;
    if (this.session.state === 'guest') for (const room of this.session.guestRooms) this.#ensure(room).membership = 'in';
    await this.outbox.adopt();
    this.#connect();
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
    this.#operatorReports = 0;
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
    if (looks) {
      // The machine may have slept.
      if (this.#connection?.isOpen) this.#connection.check();
      else if (this.link.kind === 'offline') this.#reconnect();
      this.#connection?.flush();
      if (this.#isAbsent) {
        this.#isAbsent = false;
        if (!this.#isAway) this.#connection?.send('AWAY');
      }
      if (this.current && this.looksAt(this.current)) this.current.sees(this.current.seesEnd);
    } else {
      void this.#keep();
      this.#absence = setTimeout(() => {
        if (this.#isAway || !this.#connection?.isOpen) return;
        this.#isAbsent = true;
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
    let isWelcome = false;
    const connection: Connection = new Connection({
      socket: this.#outside.socket(),
      nick,
      realname: nick,
      schedule: (run) => this.#outside.schedule(run),
      now: () => this.#outside.now(),
      events: {
        welcome: () => {
          isWelcome = true;
          void this.#welcome(connection);
        },
        item: (item) => this.#together(() => this.#take(item)),
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
    this.#together(() => {
      for (const conversation of this.#byKey.values()) conversation.linkLost();
      this.people.linkLost();
    });
    this.#postOfLabel.clear();
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
    if (this.#wasOnline) this.#renew();
    this.#wasOnline = true;
    this.link.roundTrip = connection.roundTrip;
    await this.outbox.linkReady(connection.has(keepsKeys) && isAccount, language.texts.state.refused.unknownOutcome);
    await this.outbox.adopt();
    void this.#send();
  }

  async #catchUp(connection: Connection): Promise<void> {
    const asked: Promise<unknown>[] = [];
    const ask = (command: string, params: readonly string[] = []): void => {
      asked.push(connection.request(command, params).catch(() => []));
    };
    // Guests are in no room unless they say so; accounts are in theirs.
    if (this.account === null) {
      const rooms = [...this.#byKey.values()].filter((conversation) => conversation.isRoom && conversation.membership === 'in');
      for (const room of rooms) ask('JOIN', [room.name]);
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
      // Rooms that one is in have been told by now: the server answers in order.
      this.#together(() => {
        this.#countsCame(counts);
        this.#forgetLeft();
      });
    }
    await Promise.all(asked);
    this.#together(() => this.#forgetLeft());
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
      const conversation = this.#ensure(name);
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

  #together(work: () => void): void {
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
    if (!isBatch(item)) return this.#lineCame(item);
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
    const conversation = this.#ensure(name);
    conversation.isListed = true;
    this.#closed.delete(conversation.key);
    const key = message.label !== null ? (this.#postOfLabel.get(message.label) ?? null) : null;
    const entry = conversation.messageCame(message, key);
    if (key !== null) void this.outbox.done(key);
    if (entry && !isOwn && this.link.kind === 'online') this.#notifications.messageCame(conversation, entry);
  }

  #lineCame(line: Line): void {
    const { isupport, people } = this;
    const who = nickOf(line.source);
    const isMe = people.isMe(who);
    const params = line.params;
    const [first = '', second = '', third = ''] = params;
    switch (line.command) {
      case 'JOIN': {
        const conversation = isMe ? this.#ensure(first) : this.#byKey.get(isupport.fold(first));
        if (!conversation) return;
        people.get(who).know({
          presence: 'here',
          account: params.length > 1 ? (second === '*' ? null : second) : undefined,
          realname: third || undefined,
          id: line.tags.get('parlor/sender-id') || undefined,
        });
        if (isMe) {
          conversation.joined();
          this.#rememberRooms();
          // Who is in a group, here or not, its name need not say.
          if (conversation.kind === 'group' && this.link.kind === 'online') this.request('GROUP').catch(() => undefined);
        }
        conversation.memberCame(who);
        if (!isMe) conversation.happened({ kind: 'joined', who }, line);
        return;
      }
      case 'PART': {
        const conversation = this.#byKey.get(isupport.fold(first));
        if (!conversation) return;
        conversation.memberLeft(who);
        if (isMe) {
          conversation.out();
          this.close(conversation);
          this.#rememberRooms();
        } else conversation.happened({ kind: 'left', who, reason: second || null }, line);
        return;
      }
      case 'KICK': {
        const conversation = this.#byKey.get(isupport.fold(first));
        if (!conversation) return;
        conversation.memberLeft(second);
        conversation.happened({ kind: 'kicked', who: second, by: who, reason: third || null }, line);
        if (people.isMe(second)) {
          conversation.out();
          this.#rememberRooms();
          const sentence = language.texts.state.notice.removed(conversation.title, who);
          conversation.joinRefusal = sentence;
          this.say(sentence);
          this.#failPosts(conversation, sentence);
        }
        return;
      }
      case 'QUIT':
        people.find(who)?.know({ presence: 'gone', awayMessage: null });
        if (isMe) return;
        for (const conversation of this.#byKey.values()) {
          if (!conversation.hasMember(who)) continue;
          conversation.memberLeft(who);
          conversation.happened({ kind: 'quit', who, reason: first || null }, line);
        }
        return;
      case 'NICK': {
        people.renamed(who, first);
        if (isMe) this.session.guestIs(first);
        for (const conversation of [...this.#byKey.values()]) {
          if (conversation.hasMember(who)) {
            conversation.memberRenamed(who, first);
            conversation.happened({ kind: 'renamed', from: who, to: first }, line);
          }
          if (conversation.kind === 'direct' && isupport.same(conversation.name, who) && !this.#byKey.has(isupport.fold(first))) {
            this.#renamed(conversation, first);
          }
        }
        return;
      }
      case 'RENAME': {
        const conversation = this.#byKey.get(isupport.fold(first));
        if (!conversation) return;
        this.#renamed(conversation, second);
        conversation.happened({ kind: 'room-renamed', from: first, to: second }, line);
        return;
      }
      case 'TOPIC': {
        const conversation = this.#byKey.get(isupport.fold(first));
        if (!conversation) return;
        conversation.topic = second;
        conversation.topicBy = who;
        conversation.happened({ kind: 'topic', by: who, topic: second }, line);
        this.touch(conversation);
        return;
      }
      case '331':
      case '332': {
        const conversation = this.#byKey.get(isupport.fold(second));
        if (conversation) conversation.topic = line.command === '332' ? third : '';
        return;
      }
      case '333': {
        const conversation = this.#byKey.get(isupport.fold(second));
        if (conversation) conversation.topicBy = nickOf(third);
        return;
      }
      case 'MODE': {
        const changes = modeChanges(isupport, params.slice(1));
        const conversation = this.#byKey.get(isupport.fold(first));
        if (conversation?.isRoom) {
          conversation.modesCame(changes, false);
          if (!(changes.length > 0 && who.includes('.'))) conversation.happened({ kind: 'modes', by: who, changes }, line);
        } else if (people.isMe(first)) {
          for (const { on, letter } of changes) if (letter === 'o') this.isOperator = on;
        }
        return;
      }
      case '324':
        this.#byKey.get(isupport.fold(second))?.modesCame(modeChanges(isupport, params.slice(2)), true);
        return;
      case '221':
        this.isOperator = second.includes('o');
        return;
      case '381':
        this.isOperator = true;
        return;
      case 'AWAY':
        people.get(who).know(first ? { presence: 'away', awayMessage: first } : { presence: 'here', awayMessage: null });
        return;
      case '301':
        people.get(second).know({ presence: 'away', awayMessage: third });
        return;
      case '305':
        this.#isAway = false;
        this.me.know({ presence: 'here', awayMessage: null });
        return;
      case '306':
        if (!this.#isAbsent) this.me.know({ presence: 'away' });
        return;
      case '730':
        for (const name of second.split(',')) people.get(nickOf(name)).know({ presence: 'here' });
        return;
      case '731':
        for (const name of second.split(',')) people.get(nickOf(name)).know({ presence: 'gone' });
        return;
      case 'ACCOUNT':
        people.get(who).know({ account: first === '*' ? null : first });
        if (isMe) this.account = first === '*' ? null : first;
        return;
      case 'SETNAME':
        people.get(who).know({ realname: first });
        return;
      case 'INVITE':
        if (people.isMe(first)) {
          this.say(language.texts.state.notice.invited(who, second), { room: second });
        } else this.#byKey.get(isupport.fold(second))?.happened({ kind: 'invited', who: first, by: who }, line);
        return;
      case '710':
        this.#byKey.get(isupport.fold(second))?.happened({ kind: 'knocked', who: nickOf(third) }, line);
        return;
      case 'TAGMSG':
      case 'EDIT':
      case 'REDACT':
      case 'PIN':
      case 'UNPIN': {
        const target = isupport.withoutStatus(first).target;
        const mine = isMe || (this.account !== null && accountOf(line) === this.account);
        const name = isupport.isRoom(target) || mine ? target : who;
        this.#byKey.get(isupport.fold(name))?.lineCame(line);
        return;
      }
      case 'MARKREAD': {
        const upTo = timeOf(second.replace(/^timestamp=/, ''));
        if (upTo !== null) this.#byKey.get(isupport.fold(first))?.readElsewhere(upTo);
        return;
      }
      case 'UNREAD':
        this.#ensure(first).unreadIs(Number.parseInt(second, 10), second.endsWith('+'), Number.parseInt(third, 10));
        return;
      case 'PINS': {
        const conversation = this.#byKey.get(isupport.fold(first));
        if (conversation) conversation.pinCount = Number(second) || 0;
        return;
      }
      case 'GROUP': {
        const conversation = this.#byKey.get(isupport.fold(first));
        if (conversation) conversation.groupPeople = second.split(' ').filter(Boolean);
        return;
      }
      case 'CHATHISTORY': {
        // CHATHISTORY TARGETS <name> <timestamp>
        const time = timeOf(third);
        if (first !== 'TARGETS' || time === null) return;
        const conversation = isupport.isRoom(second) ? this.#byKey.get(isupport.fold(second)) : this.#ensure(second);
        if (conversation) conversation.lastActive = Math.max(conversation.lastActive, time);
        return;
      }
      case 'METADATA':
        // METADATA <target> <key> <visibility> [:<value>]
        return this.#metadataCame(first, second, params[3] ?? null);
      case '761':
        return this.#metadataCame(second, third, params[4] ?? null);
      case '766':
        return this.#metadataCame(second, third, null);
      case 'NOTE':
        return this.#noteCame(line);
      case 'WALLOPS':
        this.say(first);
        return;
      case 'FAIL': {
        // What is answered to a label is for whoever asked.
        if (line.tags.has('label') || line.tags.has('batch')) return;
        const failure = failureOf([line]);
        // The cookie has ended: here, on another device, or by another password.
        if (failure?.code === 'LOGIN_ENDED') void this.session.check();
        else if (failure) void refused(failure).then(({ message }) => this.say(message, { tone: 'refusal' }));
        return;
      }
    }
  }

  #rememberRooms(): void {
    this.session.guestIsIn([...this.#byKey.values()].filter((room) => room.isRoom && room.membership === 'in').map((room) => room.name));
  }

  #metadataCame(target: string, key: string, value: string | null): void {
    const { people, isupport } = this;
    const isOn = value === '1';
    switch (key) {
      case 'soju.im/muted':
        this.#ensure(target).muted = isOn;
        return;
      case 'soju.im/pinned':
        this.#ensure(target).favourite = isOn;
        return;
      case 'soju.im/blocked':
        if (!isupport.isRoom(target)) people.get(target).know({ blocked: isOn });
        return;
    }
    if (isupport.isRoom(target)) return;
    const person = target === '*' ? this.me : people.get(target);
    if (key === 'display-name') person.know({ displayName: value || null });
    else if (key === 'pronouns') person.know({ pronouns: value || null });
    else if (key === 'status') person.know({ status: value || null });
  }

  #noteCame(line: Line): void {
    const [command, code, ...context] = line.params;
    if (command !== 'REPORTS') return;
    const room = context[0] ?? '*';
    if (code === 'OPEN') {
      const count = Number(context[1]) || 0;
      const conversation = this.#byKey.get(this.isupport.fold(room));
      if (conversation) conversation.openReports = count;
      else this.#operatorReports = count;
    } else if (code === 'REPORT' && !line.tags.has('batch') && !line.tags.has('label')) {
      // <number> <room> <msgid> <time> <said by> <reported by> :<reason>
      const place = context[1] ?? '*';
      const conversation = this.#byKey.get(this.isupport.fold(place));
      if (conversation) conversation.openReports += 1;
      else this.#operatorReports += 1;
      this.say(language.texts.state.notice.newReport(place === '*' ? '…' : place));
    }
  }

  #renamed(conversation: ConversationState, name: string): void {
    const before = conversation.key;
    this.#byKey.delete(before);
    conversation.renamed(name);
    this.#byKey.set(conversation.key, conversation);
    void this.storage.putConversations([], [before]);
    this.touch(conversation);
  }

  // Conversations

  #ensure(name: string): ConversationState {
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
    this.conversations = [...this.#byKey.values()].sort((one, other) => one.name.localeCompare(other.name));
  }

  find(name: string): ConversationState | null {
    void this.conversations;
    return this.#byKey.get(this.isupport.fold(name)) ?? null;
  }

  person(nick: string): Person {
    return this.people.get(nick);
  }

  open(name: string): ConversationState {
    const conversation = this.#ensure(name);
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

  async post(conversation: ConversationState, text: string, style: Post['style'], replyTo: string | null): Promise<void> {
    const budget = textBudget(this.isupport.nickLength, conversation.name, style);
    const limits = { bytes: this.#abilities.messageBytes, lines: this.#abilities.messageLines };
    const messages = style === 'action' ? pieces(text.replaceAll('\n', ' '), budget) : messagesWithin(text, budget, limits);
    conversation.isListed = true;
    for (const [index, message] of messages.entries()) {
      const post = await this.outbox.add(conversation.name, message, style, index === 0 ? replyTo : null);
      if (!post) throw new Refused(language.texts.state.refused.tooMany, 'TOO_MANY');
    }
    void this.#send();
  }

  retryPost(key: string): void {
    void this.outbox.again(key).then(() => this.#send());
  }

  discardPost(key: string): void {
    void this.outbox.discard(key);
  }

  #postsChanged(): void {
    this.link.unsent = this.outbox.unsent;
    const byConversation = new Map<string, Post[]>();
    for (const post of this.outbox.posts) {
      const key = this.isupport.fold(post.target);
      const posts = byConversation.get(key);
      if (posts) posts.push(post);
      else byConversation.set(key, [post]);
    }
    this.#together(() => {
      for (const [key, posts] of byConversation) if (!this.#byKey.has(key) && posts[0]) this.#ensure(posts[0].target);
      for (const conversation of this.#byKey.values()) {
        const posts = byConversation.get(conversation.key);
        if (posts || conversation.hasPosts) conversation.showPosts(posts ?? []);
      }
    });
  }

  /** Sends what may go, in order. */
  async #send(): Promise<void> {
    if (this.#sending) return;
    this.#sending = true;
    try {
      for (;;) {
        const connection = this.#connection;
        if (!connection?.isOpen || this.link.kind !== 'online') return;
        const keys = connection.has(keepsKeys);
        const post = await this.outbox.next(keys, (target) => {
          const conversation = this.#byKey.get(this.isupport.fold(target));
          return !this.isupport.isRoom(target) || !conversation || conversation.membership === 'out' || conversation.isConfirmed;
        });
        if (!post) return;
        if (this.#connection !== connection || !connection.isOpen) {
          await this.outbox.linkLost(true, '');
          return;
        }
        void this.#sendPost(connection, post, keys);
      }
    } finally {
      this.#sending = false;
    }
  }

  async #sendPost(connection: Connection, post: Post, keys: boolean): Promise<void> {
    const budget = textBudget(this.isupport.nickLength, post.target, post.style);
    const reference = `m${this.#nextReference++}`;
    let label = '';
    const answer = connection.ask((given) => {
      label = given;
      this.#postOfLabel.set(label, post.key);
      const tags = { label, [keepsKeys]: keys ? post.key : null, '+draft/reply': post.replyTo };
      return writeMessage(post.target, post.text, post.style, tags, reference, budget);
    }, false);
    try {
      await answer;
      await this.outbox.done(post.key);
    } catch (error) {
      await this.#postFailed(connection, post, error);
    } finally {
      this.#postOfLabel.delete(label);
      void this.#send();
    }
  }

  async #postFailed(connection: Connection, post: Post, error: unknown): Promise<void> {
    if (!(error instanceof Failure)) throw error;
    switch (error.code) {
      // What becomes of it is decided where the link's loss is (`#down`).
      case 'LINK_LOST':
      case 'NO_LINK':
        return;
      case 'TIMEOUT':
        connection.close();
        return;
      case 'NOT_KEPT':
        // It was posted, and its time is over.
        return this.outbox.done(post.key);
      case 'TRY_AGAIN':
        if (error.context[0] === keepsKeys) return this.outbox.done(post.key);
    }
    await this.outbox.fail(post.key, (await refused(error)).message);
  }

  #failPosts(conversation: ConversationState, sentence: string): void {
    for (const post of this.outbox.posts) {
      if (this.isupport.same(post.target, conversation.name) && post.failure === null) void this.outbox.fail(post.key, sentence);
    }
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

  command(conversation: ConversationState, line: string): Promise<void> {
    return run(this, conversation, line);
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
      if (conversation && error instanceof Refused) conversation.joinRefusal = error.message;
      throw error;
    }
    // It may have sent us on to another one (470).
    let entered = name;
    for (const line of linesOf(items)) {
      if (line.command === 'JOIN' && this.people.isMe(nickOf(line.source))) entered = line.params[0] ?? name;
    }
    if (!this.isupport.same(entered, name)) this.say(language.texts.state.notice.moved(name, entered));
    const joined = this.#ensure(entered);
    // Whoever is in it already is told nothing.
    if (!joined.isConfirmed) joined.joined();
    void this.#send();
    return joined;
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

  async listRooms(filter = ''): Promise<readonly ListedRoom[]> {
    const words = filter.trim().replace(/[*?,\s]+/g, '*');
    const items = await this.request('LIST', words ? [`*${words}*`] : [], { quiet: true });
    const rooms: ListedRoom[] = [];
    for (const line of linesOf(items)) {
      if (line.command !== '322') continue;
      const [, name = '', people = '0', topic = ''] = line.params;
      rooms.push({
        name,
        topic,
        people: Number(people) || 0,
        lastActive: timeOf(line.tags.get('parlor/activity')),
        joined: this.#byKey.get(this.isupport.fold(name))?.membership === 'in',
      });
    }
    return rooms.sort((one, other) => other.people - one.people || one.name.localeCompare(other.name));
  }

  async findPeople(words: string): Promise<readonly Person[]> {
    const mask = words.trim().replace(/[*?,\s]+/g, '*');
    if (!mask) return [];
    const items = await this.request('WHO', [`*${mask}*`, '%tnfar,8'], { quiet: true });
    const found = new Map<string, PersonState>();
    for (const line of linesOf(items)) {
      if (line.command !== '354' || line.params[1] !== '8') continue;
      const [, , nick = '', letters = '', account = '0', realname = ''] = line.params;
      const person = this.people.get(nick);
      person.know({ account: account === '0' ? null : account, realname, presence: letters.startsWith('G') ? 'away' : 'here' });
      found.set(person.key, person);
    }
    return [...found.values()];
  }

  async search(query: SearchQuery): Promise<readonly SearchHit[]> {
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
    const items = await this.request('SEARCH', [attributes.join(';')], { quiet: true });
    const hits: SearchHit[] = [];
    const look = (some: readonly Item[]): void => {
      for (const item of some) {
        const message = said(item, this.isupport, this.#outside.now());
        if (message) {
          const isOwn = this.people.isMe(message.nick) || (this.account !== null && message.account === this.account);
          const name = this.isupport.isRoom(message.target) || isOwn ? message.target : message.nick;
          const known = this.#byKey.get(this.isupport.fold(name));
          const conversation = known ?? new ConversationState(this, name);
          hits.push({ conversation: conversation.name, message: conversation.entryOf(message) });
        } else if (isBatch(item)) look(item.items);
      }
    };
    look(items);
    // The latest first, whatever the server says first.
    return hits.sort((one, other) => other.message.time - one.message.time);
  }

  async whoIs(nick: string): Promise<WhoIs> {
    // Twice the name: how long somebody has said nothing is told as well.
    const items = await this.request('WHOIS', [nick, nick], { quiet: true });
    const found: { -readonly [Name in keyof WhoIs]: WhoIs[Name] } = {
      nick,
      account: null,
      realname: null,
      away: null,
      here: false,
      bot: false,
      operator: false,
      secure: false,
      idleSeconds: null,
      signedOn: null,
      rooms: [],
      address: null,
    };
    for (const { command, params } of linesOf(items)) {
      switch (command) {
        case '311':
          found.nick = params[1] ?? nick;
          found.realname = params[5] ?? null;
          found.here = true;
          break;
        case '301':
          found.away = params[2] ?? '';
          break;
        case '313':
          found.operator = true;
          break;
        case '317':
          found.idleSeconds = Number(params[2]);
          found.signedOn = Number(params[3]) * 1_000 || null;
          break;
        case '319':
          found.rooms = [
            ...found.rooms,
            ...(params[2] ?? '')
              .split(' ')
              .filter(Boolean)
              .map((room) => {
                const name = room.replace(/^[^#]+/, '');
                return { name, rank: rankOfSign(this.isupport, room.charAt(0) === '#' ? '' : room.charAt(0)) };
              }),
          ];
          break;
        case '330':
          found.account = params[2] ?? null;
          break;
        case '335':
          found.bot = true;
          break;
        case '338':
          found.address = params[3] ? (params[3] ?? null) : null;
          break;
        case '671':
          found.secure = true;
          break;
      }
    }
    this.people.get(found.nick).know({ realname: found.realname, account: found.account, bot: found.bot });
    return found;
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
    this.#isAway = message !== null;
    this.me.know(message === null ? { presence: 'here', awayMessage: null } : { presence: 'away', awayMessage: message });
  }

  async changePassword(old: string, wanted: string): Promise<void> {
    let params = [old, wanted];
    if (/\s|^:/.test(old) || old === '') {
      // For an old password with spaces: a sign that neither of them has stands between them.
      const sign = [...'/|!,;~^'].find((sign) => !old.includes(sign) && !wanted.includes(sign)) ?? '/';
      params = [`${sign}${old}${sign}${wanted}${sign}`];
    }
    await this.request('PASSWORD', params, { quiet: true });
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
    const items = await this.request('ACCOUNT', ['EXPORT'], { quiet: true });
    for (const { command, params } of linesOf(items)) {
      if (command === 'NOTE' && params[0] === 'ACCOUNT' && params[1] === 'EXPORT' && params[2]) return params[2];
    }
    throw new Refused(language.texts.state.refused.serverError, 'NO_ANSWER');
  }

  async devices(): Promise<readonly Device[]> {
    const items = await this.request('DEVICES', [], { quiet: true });
    const devices: Device[] = [];
    for (const { command, params } of linesOf(items)) {
      if (command !== 'DEVICE') continue;
      const [id = '', which, state, transport = '', address = '', since, active, name] = params;
      devices.push({
        id,
        isThis: which === 'this',
        state: state === 'here' || state === 'absent' ? state : 'gone',
        transport,
        address,
        since: timeOf(since) ?? 0,
        lastActive: timeOf(active) ?? 0,
        name: name || null,
      });
    }
    return devices;
  }

  async endDevice(id: string): Promise<void> {
    await this.request('DEVICES', ['END', id], { quiet: true });
  }

  async alwaysOn(): Promise<{ wanted: 'on' | 'off' | 'default'; is: boolean }> {
    return persistenceOf(await this.request('PERSISTENCE', ['GET'], { quiet: true }));
  }

  async setAlwaysOn(wanted: 'on' | 'off' | 'default'): Promise<void> {
    await this.request('PERSISTENCE', ['SET', wanted.toUpperCase()], { quiet: true });
  }

  async reports(room?: string): Promise<readonly Report[]> {
    const items = await this.request('REPORTS', room ? [room] : [], { quiet: true });
    const reports = new Map<string, { -readonly [Name in keyof Report]: Report[Name] }>();
    for (const { command, params } of linesOf(items)) {
      if (command !== 'NOTE' || params[0] !== 'REPORTS') continue;
      const [, code, number = '', ...rest] = params;
      if (code === 'REPORT') {
        const [place = '*', messageId = '', at, saidBy = '', by = '', reason = ''] = rest;
        reports.set(number, {
          number,
          place: place === '*' ? 'direct' : place,
          messageId,
          at: timeOf(at) ?? 0,
          said: nickOf(saidBy),
          by: nickOf(by),
          reason,
          text: null,
        });
      } else if (code === 'TEXT') {
        const report = reports.get(number);
        if (report) report.text = report.text === null ? (rest[0] ?? '') : `${report.text}\n${rest[0] ?? ''}`;
      }
    }
    const found = [...reports.values()];
    for (const conversation of this.#byKey.values()) {
      if (room !== undefined && !this.isupport.same(room, conversation.name)) continue;
      conversation.openReports = found.filter((report) => this.isupport.same(report.place, conversation.name)).length;
    }
    if (room === undefined) this.#operatorReports = found.filter((report) => !this.#byKey.has(this.isupport.fold(report.place))).length;
    return found;
  }

  async closeReport(report: Report, how: 'resolve' | 'dismiss', note?: string): Promise<void> {
    await this.request('REPORTS', [how.toUpperCase(), report.number, ...(note ? [note] : [])], { quiet: true });
    const conversation = this.#byKey.get(this.isupport.fold(report.place));
    if (conversation) conversation.openReports = Math.max(0, conversation.openReports - 1);
    else this.#operatorReports = Math.max(0, this.#operatorReports - 1);
  }

  async audit(query: { by?: string; target?: string; room?: string; action?: string; since?: string; limit?: number } = {}): Promise<
    readonly AuditLine[]
  > {
    const filters = Object.entries(query)
      .filter(([, value]) => value !== undefined && value !== '')
      .map(([key, value]) => `${key}=${String(value).replace(/\s+/g, '?')}`);
    const items = await this.request('AUDIT', filters, { quiet: true });
    const lines: AuditLine[] = [];
    const orNull = (text: string | undefined): string | null => (text === undefined || text === '*' ? null : text);
    for (const { command, params } of linesOf(items)) {
      // NOTE AUDIT ENTRY <time> <action> <by> <account or *> <room or *> <target or *> :<detail>
      if (command !== 'NOTE' || params[1] !== 'ENTRY') continue;
      const [, , time, action = '', by = '', account, room, target, detail = ''] = params;
      lines.push({
        at: timeOf(time) ?? 0,
        action,
        by: nickOf(by),
        account: orNull(account),
        room: orNull(room),
        target: orNull(target),
        detail: detail === '-' ? '' : detail,
      });
    }
    return lines.reverse();
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

const noAbilities: ServerAbilities = {
  search: false,
  edit: false,
  delete: false,
  react: false,
  pins: false,
  reports: false,
  devices: false,
  groups: false,
  metadata: false,
  history: false,
  rename: false,
  messageBytes: 4_096,
  messageLines: 64,
  nickLength: 32,
  topicLength: 390,
};

function abilitiesOf(connection: Connection): ServerAbilities {
  const { isupport } = connection;
  const limits = multilineLimits(connection.capabilities.get('draft/multiline'));
  return {
    search: connection.has('soju.im/search'),
    edit: connection.has('draft/message-edit'),
    delete: connection.has('draft/message-redaction'),
    react: connection.has('message-tags'),
    pins: connection.has('parlor/pins'),
    reports: connection.has('parlor/reports'),
    devices: connection.has('parlor/devices') && connection.account !== null,
    groups: connection.has('parlor/groups') && connection.account !== null,
    metadata: connection.has('draft/metadata-2'),
    history: connection.has('draft/chathistory'),
    rename: connection.has('draft/channel-rename'),
    messageBytes: limits?.bytes ?? noAbilities.messageBytes,
    messageLines: limits?.lines ?? noAbilities.messageLines,
    nickLength: isupport.nickLength,
    topicLength: isupport.topicLength,
  };
}

function persistenceOf(items: readonly Item[]): { wanted: 'on' | 'off' | 'default'; is: boolean } {
  for (const { command, params } of linesOf(items)) {
    if (command !== 'PERSISTENCE') continue;
    const wanted = params[1] === 'ON' ? 'on' : params[1] === 'OFF' ? 'off' : 'default';
    return { wanted, is: params[2] === 'ON' };
  }
  return { wanted: 'default', is: false };
}

interface Policy {
  createScriptURL(url: string): unknown;
}

/** Trusted Types guard the addresses of scripts: this one alone is let through. */
async function registerWorker(): Promise<void> {
  if (!('serviceWorker' in navigator)) return;
  const address = '/sw.js';
  try {
    const { trustedTypes } = window as { trustedTypes?: { createPolicy(name: string, rules: object): Policy } };
    const policy = trustedTypes?.createPolicy('parlor-worker', {
      createScriptURL: (url: string) => {
        if (url !== address) throw new TypeError('only the page’s own worker');
        return url;
      },
    });
    await navigator.serviceWorker.register((policy?.createScriptURL(address) ?? address) as string);
  } catch {
    // Without: the page needs the network to open.
  }
}
