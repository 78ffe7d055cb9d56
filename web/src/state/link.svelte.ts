// The link to the server: opened for whoever is here, opened again when it is lost, and what is said of it.

import { Backoff } from '../irc/backoff';
import type { Item } from '../irc/batches';
import { Connection, type RequestOptions } from '../irc/connection';
import { Failure } from '../irc/failure';
import { language } from '../texts/language.svelte';
import type { Outside } from './outside';
import { refused } from './refusals';
import type { SessionState } from './session.svelte';
import type { Link, LinkKind } from './types';

const mostNickTries = 8;

/** Whoever has the link. */
interface Owner {
  readonly session: SessionState;
  /** As whom one comes; null: the server says who one is. */
  readonly ownName: string | null;
  /** As a guest one was here before, and may have to be called otherwise now. */
  readonly wasHere: boolean;
  /** The server has let us in. */
  welcome(connection: Connection): void;
  item(item: Item): void;
  /** It is no more; `wasWelcome`: it was let in. */
  lost(connection: Connection, wasWelcome: boolean): void;
}

export class LinkState implements Link {
  kind: LinkKind = $state('offline');
  retryAt = $state<number | null>(null);
  sentence = $state<string | null>(null);
  unsent = $state(0);
  notSent = $state(0);
  roundTrip = $state<number | null>(null);
  readonly #outside: Outside;
  readonly #owner: Owner;
  readonly #backoff = new Backoff();
  #connection: Connection | null = null;
  #retry: ReturnType<typeof setTimeout> | undefined;
  /** Told when it is known whether there is a link. */
  readonly #waiting: (() => void)[] = [];
  /** What comes over it is taken in when this is done. */
  #heldUntil: Promise<unknown> | null = null;

  constructor(outside: Outside, owner: Owner) {
    this.#outside = outside;
    this.#owner = owner;
  }

  /** While it can be used. */
  get connection(): Connection | null {
    return this.#connection?.isOpen ? this.#connection : null;
  }

  isOver(connection: Connection): boolean {
    return this.#connection === connection;
  }

  has(capability: string): boolean {
    return this.#connection?.has(capability) ?? false;
  }

  get #isWanted(): boolean {
    const { state } = this.#owner.session;
    return state === 'in' || state === 'guest';
  }

  // Opening

  reconnect(): void {
    if (!this.#isWanted) return;
    if (this.connection) return this.connection.check();
    this.#backoff.reset();
    // An attempt from before may hang for long.
    const hanging = this.#connection;
    this.#connection = null;
    hanging?.close();
    this.connect();
  }

  connect(): void {
    clearTimeout(this.#retry);
    if (this.#connection || !this.#isWanted) return;
    this.kind = 'connecting';
    this.retryAt = null;
    const name = this.#owner.ownName;
    if (name) return this.open(name);
    // The server says who one is, when it is reached.
    const { session } = this.#owner;
    void session.check().then((reached) => {
      if (reached && session.info?.username) this.connect();
      else if (!reached) this.#offline(language.texts.state.link.unreachable);
    });
  }

  /** Before it is known whether one is still let in: that the link says, too. */
  open(nick: string): void {
    if (this.#connection) return;
    this.kind = 'connecting';
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
          this.#owner.welcome(connection);
        },
        item: (item) => {
          if (this.isOver(connection)) this.#owner.item(item);
        },
        down: (sentence) => this.#down(connection, isWelcome, sentence),
        otherNick: (attempt) => {
          // Whoever is here as a guest for the first time is asked for another name.
          if (!this.#owner.wasHere || attempt > mostNickTries) return null;
          return attempt === 1 ? `${nick}_` : `${nick}${attempt}`;
        },
        refused: (failure) => void this.#notLetIn(failure),
      },
    });
    this.#connection = connection;
  }

  /** What comes over it is taken in when this is done. */
  hold(until: Promise<unknown>): void {
    this.#heldUntil = until.then(() => (this.#heldUntil = null));
  }

  #schedule(run: () => void): void {
    if (this.#heldUntil) void this.#heldUntil.then(run);
    // Until the room can be read nothing is waited for; from then on all that comes within a frame is shown with it.
    else if (this.kind === 'online') this.#outside.schedule(run);
    else this.#outside.later(run);
  }

  async #notLetIn(failure: Failure): Promise<void> {
    const { session } = this.#owner;
    const { message } = await refused(failure);
    // The cookie may be no good any more; or there is one by now, and it is not the guest who is not let in.
    const wasGuest = session.state === 'guest';
    await session.check();
    if (wasGuest) {
      if (session.guest !== null) await session.loggedOut(message, false, session.guest);
      return;
    }
    this.sentence = language.texts.state.link.notLetIn(message);
  }

  // How it stands

  catchesUp(): void {
    this.kind = 'catching-up';
    this.sentence = null;
    this.#settle();
  }

  isReady(connection: Connection): void {
    this.kind = 'online';
    this.roundTrip = connection.roundTrip;
  }

  #down(connection: Connection, wasWelcome: boolean, sentence: string | null): void {
    if (!this.isOver(connection)) return;
    this.#connection = null;
    this.#backoff.linkLived(connection.lived);
    const texts = language.texts.state.link;
    const why = sentence !== null ? texts.closed(sentence) : !navigator.onLine ? texts.noNetwork : wasWelcome ? texts.lost : texts.unreachable;
    this.#offline(why);
    this.#owner.lost(connection, wasWelcome);
  }

  #offline(sentence: string): void {
    this.kind = 'offline';
    this.sentence = sentence;
    this.roundTrip = null;
    this.#settle();
    if (!this.#isWanted) return;
    const wait = this.#backoff.next(this.#outside.random());
    this.retryAt = this.#outside.now() + wait;
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.connect(), wait);
  }

  /** It is somebody else's: nothing is taken from it, or said on it. */
  refuse(): void {
    const connection = this.#connection;
    this.#connection = null;
    connection?.close();
    this.#offline(language.texts.state.link.lost);
  }

  /** Nobody is here any more. */
  end(): void {
    clearTimeout(this.#retry);
    const connection = this.#connection;
    this.#connection = null;
    connection?.close();
    this.kind = 'offline';
    this.retryAt = null;
    this.sentence = null;
    this.#settle();
    this.#backoff.reset();
  }

  /** The browser says that there is no network: whether the link still stands. */
  check(): void {
    this.#connection?.check();
  }

  /** Somebody looks who did not: the machine may have slept. */
  looked(): void {
    if (this.connection) this.connection.check();
    else if (this.kind === 'offline') this.reconnect();
  }

  /** Deals with what has come; where nobody looks no frame does. */
  flush(): void {
    this.#connection?.flush();
  }

  // Asking

  async request(command: string, params: readonly string[] = [], options: RequestOptions = {}): Promise<Item[]> {
    try {
      // Who has just come need not know that the link is a moment later than the page.
      if (this.kind === 'connecting') await new Promise<void>((resolve) => this.#waiting.push(resolve));
      if (!this.#connection) throw new Failure('NO_LINK', '', []);
      return await this.#connection.request(command, params, options);
    } catch (error) {
      throw error instanceof Failure ? await refused(error) : error;
    }
  }

  #settle(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}
