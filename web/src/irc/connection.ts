// One link to the server: the WebSocket, the negotiation (IRCv3 capability-negotiation 302), answers to what was asked
// (labeled-response), and whether the other end is still there. A new link is a new `Connection`.

import { Batches, isBatch, linesOf, type Item } from './batches';
import { Isupport } from './isupport';
import { nickOf, parse, write, type Line } from './line';

/** Asked for where the server has them. `sasl` is not: the cookie says who one is. */
const wanted = [
  'account-notify',
  'account-tag',
  'away-notify',
  'batch',
  'cap-notify',
  'chghost',
  'echo-message',
  'extended-join',
  'extended-monitor',
  'invite-notify',
  'labeled-response',
  'message-tags',
  'multi-prefix',
  'no-implicit-names',
  'server-time',
  'setname',
  'standard-replies',
  'draft/channel-rename',
  'draft/chathistory',
  'draft/event-playback',
  'draft/extended-isupport',
  'draft/message-edit',
  'draft/message-redaction',
  'draft/metadata-2',
  'draft/multiline',
  'draft/persistence',
  'draft/read-marker',
  'draft/relaymsg',
  'soju.im/search',
  'parlor/unread',
  'parlor/pins',
  'parlor/reports',
  'parlor/devices',
  'parlor/connection',
  'parlor/activity',
  'parlor/groups',
  'parlor/identity',
  'parlor/once',
];

/** What people say of themselves, and the marks on one's own conversations. */
const subscriptions = [
  'display-name',
  'pronouns',
  'status',
  'soju.im/muted',
  'soju.im/pinned',
  'soju.im/blocked',
];

/** The server refused a capability that ours has (an older page, a newer server): from then on it is asked what there is first. */
let serverIsOther = false;

/** From the opening of the socket to the welcome. */
const welcomeWithin = 20_000;
const pingAfter = 30_000;
const pongWithin = 15_000;
/** The same when the machine woke, or the network changed: it is wanted to be known soon. */
const pongSoon = 5_000;
const answerWithin = 30_000;

/** The part of WebSocket that is used. */
export interface Socket {
  /** 1: open. It may be closed already, and not have said so yet. */
  readonly readyState: number;
  send(text: string): void;
  close(): void;
  onopen: (() => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: (() => void) | null;
}

/** Something asked for was not done. */
export class Failure extends Error {
  constructor(
    /** A numeric, a FAIL code, or `LINK_LOST`, `TIMEOUT`, `NO_LINK`. */
    readonly code: string,
    /** The command of a FAIL; empty for numerics. */
    readonly command: string,
    /** What stands behind: of a numeric without one's own nick. The last is the server's text. */
    readonly context: readonly string[],
  ) {
    super(context.at(-1) ?? code);
    this.name = 'Failure';
  }
}

export interface Events {
  /** The server let us in. */
  welcome(): void;
  item(item: Item): void;
  /** Once. `sentence`: the server's own reason, if it gave one. */
  down(sentence: string | null): void;
  /** What to be called when this name cannot be had; null: give up, and `refused` is told. */
  otherNick(attempt: number): string | null;
  /** The server lets us not in. */
  refused(failure: Failure): void;
}

export interface Options {
  socket: Socket;
  nick: string;
  realname: string;
  events: Events;
  /** Calls back soon, or at once: several lines that come together are dealt with together. */
  schedule: (run: () => void) => void;
  /** Calls back when what is being done now is done, with all that follows of it. */
  later: (run: () => void) => void;
  now?: () => number;
}

interface Question {
  resolve: (items: Item[]) => void;
  reject: (failure: Failure) => void;
  quiet: boolean;
  until: number;
}

export interface RequestOptions {
  tags?: Readonly<Record<string, string | null | undefined>>;
  /** The answer is for who asked alone, not told as events. */
  quiet?: boolean;
}

export class Connection {
  readonly isupport = new Isupport();
  /** What was granted, with the server's values. */
  readonly capabilities = new Map<string, string>();
  nick: string;
  account: string | null = null;
  /** 001 has come. */
  ready = false;
  roundTrip: number | null = null;

  readonly #offered = new Map<string, string>();
  readonly #requested = new Set<string>();
  readonly #batches = new Batches();
  readonly #questions = new Map<string, Question>();
  readonly #socket: Socket;
  readonly #options: Options;
  readonly #now: () => number;
  #incoming: string[] = [];
  #scheduled = false;
  /** Something else has to be done before what comes is told. */
  #waits = false;
  #answered = 0;
  #down = false;
  #introduced = false;
  #nicksTried = 0;
  #nextLabel = 1;
  #lastHeard: number;
  #readySince = 0;
  #ping: { token: string; sentAt: number; patience: number } | null = null;
  #farewell: string | null = null;
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #openedAt: number;

  constructor(options: Options) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#socket = options.socket;
    this.nick = options.nick;
    this.#openedAt = this.#now();
    this.#lastHeard = this.#openedAt;
    this.#socket.onopen = () => this.#opened();
    this.#socket.onmessage = (event) => this.#received(event.data);
    this.#socket.onclose = () => this.#ended();
    this.#timer = setInterval(() => this.#watch(), 1_000);
  }

  has(capability: string): boolean {
    return this.capabilities.has(capability);
  }

  get isOpen(): boolean {
    return this.ready && !this.#down;
  }

  /** How long the link was of use. */
  get lived(): number {
    return this.ready ? this.#now() - this.#readySince : 0;
  }

  isMe(nick: string): boolean {
    return this.isupport.same(nick, this.nick);
  }

  send(command: string, params: readonly string[] = [], tags?: RequestOptions['tags']): void {
    this.sendRaw(write(command, params, tags));
  }

  sendRaw(line: string): void {
    // What is said to a link that is gone is dealt with when it has said that it is.
    if (!this.#down && this.#socket.readyState === 1) this.#socket.send(line);
  }

  /** Asks, and gives what the server answers. Rejected with a `Failure` when that is a refusal. */
  request(command: string, params: readonly string[] = [], options: RequestOptions = {}): Promise<Item[]> {
    return this.ask((label) => [write(command, params, { ...options.tags, label })], options.quiet ?? false);
  }

  /** The same with lines of one's own; the label belongs on the first. */
  ask(lines: (label: string) => string[], quiet: boolean): Promise<Item[]> {
    if (!this.isOpen) return Promise.reject(new Failure('NO_LINK', '', []));
    const label = `q${this.#nextLabel++}`;
    const answer = new Promise<Item[]>((resolve, reject) => {
      this.#questions.set(label, { resolve, reject, quiet, until: this.#now() + answerWithin });
    });
    for (const line of lines(label)) this.sendRaw(line);
    return answer;
  }

  /** The machine woke, or the network changed: finds out soon whether the link is still one. */
  check(): void {
    if (this.isOpen) this.#sendPing(pongSoon);
  }

  /** Deals with what has come, without waiting for a frame: in a tab that is hidden none comes. */
  flush(): void {
    if (this.#waits) return;
    this.#scheduled = false;
    this.#takeSome();
  }

  /** Up to where somebody else has to do something first. */
  #takeSome(): void {
    const lines = this.#incoming;
    this.#incoming = [];
    for (const [index, line] of lines.entries()) {
      if (this.#down) return;
      const [wasReady, answered] = [this.ready, this.#answered];
      this.#take(line);
      if (this.ready === wasReady && this.#answered === answered) continue;
      this.#incoming = [...lines.slice(index + 1), ...this.#incoming];
      // The greeting is for whoever listens, when they have the time. And who asked something has dealt with the answer before
      // what came behind it is told: a count that is answered is older than the message that follows.
      if (this.#incoming.length === 0) return;
      this.#waits = true;
      this.#continue(this.ready === wasReady ? this.#options.later : this.#options.schedule);
      return;
    }
  }

  #continue(when: (run: () => void) => void): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    when(() => {
      this.#scheduled = this.#waits = false;
      this.#takeSome();
    });
  }

  close(): void {
    if (this.#down) return;
    if (this.ready) this.sendRaw('QUIT');
    this.#socket.close();
    this.#ended();
  }

  /** Everything at once: the server answers in order, and what is wanted our own has. */
  #opened(): void {
    this.sendRaw('CAP LS 302');
    if (serverIsOther) return;
    this.#request(wanted);
    this.#introduce(true);
  }

  #received(data: unknown): void {
    if (this.#down || typeof data !== 'string') return;
    this.#lastHeard = this.#now();
    for (const line of data.split('\n')) {
      const clean = line.replace(/\r$/, '');
      if (clean) this.#incoming.push(clean);
    }
    if (this.ready) this.#continue(this.#options.schedule);
    else this.#takeSome();
  }

  #ended(): void {
    if (this.#down) return;
    // The last words may say why.
    while (this.#incoming.length > 0 && !this.#down) this.#takeSome();
    if (this.#down) return;
    this.#down = true;
    clearInterval(this.#timer);
    this.#socket.onopen = this.#socket.onmessage = this.#socket.onclose = null;
    const questions = [...this.#questions.values()];
    this.#questions.clear();
    this.#options.events.down(this.#farewell);
    for (const question of questions) question.reject(new Failure('LINK_LOST', '', []));
  }

  #watch(): void {
    const now = this.#now();
    if (!this.ready && now - this.#openedAt > welcomeWithin) return this.#giveUp();
    for (const [label, question] of this.#questions) {
      if (now < question.until) break;
      this.#questions.delete(label);
      question.reject(new Failure('TIMEOUT', '', []));
    }
    if (!this.ready) return;
    if (this.#ping) {
      if (now - Math.max(this.#ping.sentAt, this.#lastHeard) > this.#ping.patience) this.#giveUp();
    } else if (now - this.#lastHeard > pingAfter) {
      this.#sendPing(pongWithin);
    }
  }

  #giveUp(): void {
    this.#socket.close();
    this.#ended();
  }

  #sendPing(patience: number): void {
    const token = `p${this.#nextLabel++}`;
    this.#ping = { token, sentAt: this.#now(), patience };
    this.send('PING', [token]);
  }

  #take(text: string): void {
    const line = parse(text);
    if (!line) return;
    switch (line.command) {
      case 'PING':
        this.send('PONG', [line.params.at(-1) ?? '']);
        return;
      case 'PONG':
        if (this.#ping && line.params.at(-1) === this.#ping.token) {
          this.roundTrip = this.#now() - this.#ping.sentAt;
          this.#ping = null;
        }
        return;
      case 'CAP':
        this.#cap(line);
        return;
      case 'ERROR':
        this.#farewell = line.params[0] ?? null;
        return;
    }
    let item: Item | null;
    try {
      item = this.#batches.take(line);
    } catch {
      return this.#giveUp();
    }
    if (item) this.#deliver(item);
  }

  #deliver(item: Item): void {
    const events = this.#options.events;
    if (!isBatch(item)) this.#look(item);
    else for (const line of linesOf(item.items)) this.#look(line);
    const label = isBatch(item) ? item.opening.tags.get('label') : item.tags.get('label');
    const question = label !== undefined ? this.#questions.get(label) : undefined;
    const items = isBatch(item) && item.type === 'labeled-response' ? item.items : [item];
    if (!question?.quiet) for (const part of items) events.item(part);
    if (label === undefined || !question) return;
    this.#questions.delete(label);
    this.#answered += 1;
    const failure = failureOf(items);
    if (failure) question.reject(failure);
    else question.resolve(items.filter((part) => isBatch(part) || part.command !== 'ACK'));
  }

  /** What the link itself has to know. */
  #look(line: Line): void {
    const events = this.#options.events;
    switch (line.command) {
      case '001':
        this.nick = line.params[0] ?? this.nick;
        if (this.ready) return;
        this.ready = true;
        this.#readySince = this.#now();
        this.#sendPing(pongWithin);
        return;
      case '005':
        this.isupport.take(line.params);
        return;
      case '376':
      case '422':
        // The end of the greeting: by now ISUPPORT is known.
        if (this.ready && !this.#welcomed) {
          this.#welcomed = true;
          events.welcome();
        }
        return;
      case '900':
        this.account = line.params[2] ?? null;
        return;
      case '901':
        this.account = null;
        return;
      case 'NICK':
        if (this.isMe(nickOf(line.source))) this.nick = line.params[0] ?? this.nick;
        return;
      case 'ACCOUNT':
        if (this.isMe(nickOf(line.source))) this.account = line.params[0] === '*' ? null : (line.params[0] ?? null);
        return;
    }
    if (this.ready) return;
    const failure = failureOf([line]);
    if (!failure) return;
    const nickTaken = ['432', '433', '436', '437', 'NICKNAME_IN_USE', 'NICKNAME_RESERVED'].includes(failure.code);
    const other = nickTaken ? events.otherNick(++this.#nicksTried) : null;
    if (other) {
      this.nick = other;
      this.send('NICK', [other]);
    } else {
      events.refused(failure);
      this.#giveUp();
    }
  }

  #welcomed = false;

  #cap(line: Line): void {
    const subcommand = (line.params[1] ?? '').toUpperCase();
    const list = (line.params.at(-1) ?? '').split(' ').filter(Boolean);
    switch (subcommand) {
      case 'LS':
      case 'NEW': {
        for (const entry of list) {
          const [name = '', value = ''] = entry.split(/=(.*)/s);
          this.#offered.set(name, value);
          if (this.capabilities.has(name)) this.capabilities.set(name, value);
        }
        const moreFollow = line.params[2] === '*' && line.params.length > 3;
        if (subcommand === 'LS' && moreFollow) return;
        this.#requestCapabilities();
        if (subcommand === 'LS') this.#introduce(this.#offered.has('draft/metadata-2'));
        return;
      }
      case 'ACK':
        for (const entry of list) {
          const name = entry.replace(/^-/, '');
          this.#requested.delete(name);
          if (entry.startsWith('-')) this.capabilities.delete(name);
          else this.capabilities.set(name, this.#offered.get(name) ?? '');
        }
        return;
      case 'NAK':
        if (!this.ready && !serverIsOther) {
          serverIsOther = true;
          return this.#giveUp();
        }
        // A request is granted or refused as a whole; one by one only the culprit is missed.
        if (list.length > 1) for (const name of list) this.send('CAP', ['REQ', name]);
        else for (const name of list) this.#requested.delete(name);
        return;
      case 'DEL':
        for (const name of list) {
          this.#offered.delete(name);
          this.capabilities.delete(name);
        }
        return;
    }
  }

  #requestCapabilities(): void {
    this.#request(wanted.filter((name) => this.#offered.has(name) && !this.capabilities.has(name) && !this.#requested.has(name)));
  }

  #request(names: readonly string[]): void {
    // A line has room for 510 bytes.
    let request: string[] = [];
    const say = (): void => {
      if (request.length > 0) this.sendRaw(`CAP REQ :${request.join(' ')}`);
      request = [];
    };
    for (const name of names) {
      this.#requested.add(name);
      if (request.join(' ').length + name.length > 400) say();
      request.push(name);
    }
    say();
  }

  /** All at once: nobody has to wait for the answers to the requests. */
  #introduce(hasMetadata: boolean): void {
    if (this.#introduced) return;
    this.#introduced = true;
    const user = this.nick.replace(/[^A-Za-z0-9]/g, '').slice(0, 10) || 'user';
    this.send('NICK', [this.nick]);
    this.sendRaw(`USER ${user} 0 * :${this.#options.realname.replace(/[\r\n\0]/g, ' ')}`);
    // Before the welcome, so that one's own marks (muted, favourite, blocked) come with it.
    if (hasMetadata) this.send('METADATA', ['*', 'SUB', ...subscriptions]);
    this.send('CAP', ['END']);
  }
}

/** Numerics that refuse, besides 400 to 599. */
const refusing = new Set(['696', '712', '713', '714', '716', '723', '734', '742', '902', '904', '905', '906', '907']);
/** Numerics from 400 to 599 that do not. */
const harmless = new Set(['422', '470']);

export function failureOf(items: readonly Item[]): Failure | null {
  for (const line of linesOf(items)) {
    if (line.command === 'FAIL') {
      const [command = '', code = '', ...context] = line.params;
      return new Failure(code, command, context);
    }
    const refuses = /^[45]\d\d$/.test(line.command) ? !harmless.has(line.command) : refusing.has(line.command);
    if (refuses) return new Failure(line.command, '', line.params.slice(1));
  }
  return null;
}
