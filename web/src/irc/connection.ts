// One link to the server: the WebSocket, answers to what was asked (labeled-response), and whether the other end is still
// there. A new link is a new `Connection`.

import { Batches, isBatch, linesOf, type Item } from './batches';
import { Failure, failureOf } from './failure';
import { Isupport } from './isupport';
import { nickOf, parse, timeOf, write, type Line } from './line';
import { Negotiation } from './negotiation';

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
  nick: string;
  account: string | null = null;
  /** 001 has come. */
  ready = false;
  roundTrip: number | null = null;
  /** By how much the server's clock is ahead of this one (server-time); people's clocks may be years off. */
  ahead = 0;

  readonly #negotiation: Negotiation;
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
  #welcomed = false;
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
    this.#negotiation = new Negotiation(this, options.realname);
    this.#socket.onopen = () => this.#negotiation.begin();
    this.#socket.onmessage = (event) => this.#received(event.data);
    this.#socket.onclose = () => this.#ended();
    this.#timer = setInterval(() => this.#watch(), 1_000);
  }

  /** What was granted, with the server's values. */
  get capabilities(): ReadonlyMap<string, string> {
    return this.#negotiation.granted;
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
        if (!this.#negotiation.take(line)) this.#giveUp();
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
        this.ahead = (timeOf(line.tags.get('time')) ?? this.#readySince) - this.#readySince;
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
}
