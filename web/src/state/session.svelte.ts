// Who is at the page.

import { language } from '../texts/language.svelte';
import { isLeaving, leaves, readSession } from './http';
import { ownerOf } from './storage';
import { randomId, type Tabs } from './tabs';
import { Refused, type EntryState, type Session, type SessionInfo } from './types';

/** Whose this tab is, and the name: what it shows is hers, and it must not become somebody else's without a word. */
const hereKey = 'parlor.here';
/** Guests are guests of one tab: whose comes by the same name again is the same one. */
const guestKey = 'parlor.guest';
/** The server does not know a guest again: where she was, her tab does. */
const guestRoomsKey = 'parlor.guest.rooms';

const leaveAgainAfter = 10_000;

/** As `post` of login.ts, which is loaded for it. */
const post: typeof import('./login').post = async (path, body) => {
  const login = await import('./login').catch(() => Promise.reject(new Refused(language.texts.state.refused.noLink, 'NO_LINK')));
  return login.post(path, body);
};

export interface SessionEvents {
  /** Somebody has come: the link may be opened. */
  came(): void;
  /** Nobody is here any more, `forGood` or for now. Gives how many messages of hers wait for her. */
  gone(owner: string | null, forGood: boolean): Promise<number>;
  /** The browser is somebody else's by now, and so this tab has to be: it begins anew. */
  replaced(info: SessionInfo): Promise<void>;
  /** It has begun anew. */
  became(before: string, now: string): void;
}

export class SessionState implements Session {
  state: EntryState = $state('loading');
  info: SessionInfo | null = $state.raw(null);
  sentence = $state<string | null>(null);
  wanted: string | null = null;
  guest: string | null = null;
  /** The server has said who is here; else it is as it was the last time. */
  isSure = false;
  readonly #tabs: Tabs;
  readonly #events: SessionEvents;

  constructor(tabs: Tabs, events: SessionEvents) {
    this.#tabs = tabs;
    this.#events = events;
    const [owner, name] = this.#here;
    if (!owner?.startsWith('guest:') || name === undefined) return;
    tabs.owner = owner;
    this.guest = name;
  }

  /** `known`: who was logged in here before. `reading`: the server was asked already. */
  async start(known: SessionInfo | null, reading: Promise<SessionInfo>): Promise<void> {
    // What was kept is shown at once; the server says soon whether it is still so.
    if (known) {
      this.info = known;
      this.#isIn(known);
    }
    await this.check(reading);
  }

  get #here(): string[] {
    return JSON.parse(sessionStorage.getItem(hereKey) ?? '[]') as string[];
  }

  #isHere(owner: string, name: string): void {
    const [before, called] = this.#here;
    sessionStorage.setItem(hereKey, JSON.stringify([owner, name]));
    this.#tabs.owner = owner;
    if (called !== undefined && before !== owner) this.#events.became(called, name);
  }

  #isIn(info: SessionInfo): void {
    this.#isHere(ownerOf(info), info.username ?? '');
    if (this.state === 'in') return;
    this.state = 'in';
    this.sentence = null;
    this.#events.came();
  }

  /** Asks the server. False: it cannot be reached. `why`: why nobody is here any more, if it is so. */
  async check(reading?: Promise<SessionInfo>, why?: string | null): Promise<boolean> {
    // In another tab, without a link.
    if (isLeaving() && this.state === 'in') await this.loggedOut(null);
    let info: SessionInfo;
    try {
      info = await (reading ?? readSession());
    } catch {
      if (this.state === 'loading') this.state = 'unreachable';
      return false;
    }
    this.info = info;
    this.isSure = true;
    const { owner } = this.#tabs;
    if (info.signedIn) {
      if (owner === null || owner === ownerOf(info)) this.#isIn(info);
      else await this.#replacedBy(info);
    } else if (this.state === 'in') {
      const { banned } = info;
      await this.loggedOut(why ?? (banned ? language.texts.state.link.notLetIn(banned) : language.texts.state.link.loggedOut), !!why);
    } else if (this.guest !== null && this.state !== 'guest') {
      this.state = 'guest';
      this.#events.came();
    } else if (this.state !== 'guest') {
      this.state = 'out';
      // It had been noticed here before.
      if (why && this.sentence) this.sentence = why;
    }
    return true;
  }

  async retry(): Promise<void> {
    await this.check();
  }

  async logIn(username: string, password: string): Promise<void> {
    await post('/login', { username, password });
    await this.#loggedIn();
  }

  async register(username: string, password: string, more: { invite?: string; email?: string } = {}): Promise<void> {
    await post('/register', { username, password, ...more });
    await this.#loggedIn();
  }

  async #loggedIn(): Promise<void> {
    if (this.state === 'guest') await this.loggedOut(null, false);
    await this.check();
    // Those that wait at the entry go in, and those of somebody else begin anew.
    this.#tabs.tell({ kind: 'session' });
  }

  /** What this tab shows is not of who is logged in. */
  async #replacedBy(info: SessionInfo): Promise<void> {
    this.state = 'loading';
    this.guest = null;
    sessionStorage.setItem(hereKey, JSON.stringify(['', this.#here[1]]));
    sessionStorage.removeItem(guestRoomsKey);
    await this.#events.replaced(info);
  }

  async enterAsGuest(nick: string): Promise<void> {
    const before = sessionStorage.getItem(guestKey);
    const owner = before?.endsWith(`:${nick}`) ? before : `guest:${randomId()}:${nick}`;
    sessionStorage.setItem(guestKey, owner);
    this.#isHere(owner, nick);
    this.guest = nick;
    this.sentence = null;
    this.state = 'guest';
    this.#events.came();
  }

  /** The guest's name changed, or could not be had as it was. */
  guestIs(nick: string): void {
    if (this.state !== 'guest') return;
    this.guest = nick;
    this.#isHere(this.#tabs.owner ?? '', nick);
  }

  /** Their names, each with the invite link that she came by, if she did. */
  get guestRooms(): readonly (readonly string[])[] {
    return (sessionStorage.getItem(guestRoomsKey)?.split(' ') ?? []).map((room) => room.split(',')).filter(([name]) => name);
  }

  guestIsIn(rooms: readonly (readonly string[])[]): void {
    if (this.state === 'guest') sessionStorage.setItem(guestRoomsKey, rooms.join(' '));
  }

  /** Without a link all that is here is gone at once, and the server is told as soon as it can be reached. */
  async logOut(): Promise<void> {
    let sentence: string | null = null;
    if (this.state === 'in') {
      try {
        await post('/logout', {});
      } catch (error) {
        if (!(error instanceof Refused) || error.code !== 'NO_LINK') throw error;
        leaves();
        sentence = language.texts.state.link.loggedOutHere;
        const again = setInterval(() => void readSession().then(() => clearInterval(again), () => undefined), leaveAgainAfter);
      }
    }
    await this.loggedOut(null);
    this.sentence = sentence;
  }

  /** `sentence`: why, where it was not her own doing; then what she could not send waits for her. `wanted`: as whom a guest is not let in. */
  async loggedOut(sentence: string | null, forGood = sentence === null, wanted: string | null = null): Promise<void> {
    const { owner } = this.#tabs;
    this.#tabs.owner = null;
    sessionStorage.removeItem(hereKey);
    sessionStorage.removeItem(guestRoomsKey);
    if (forGood && this.guest !== null) sessionStorage.removeItem(guestKey);
    this.guest = null;
    const waiting = await this.#events.gone(owner, forGood);
    // It may have been said by whoever noticed it first; but who did it knows why.
    if (owner !== null || forGood) this.sentence = sentence && waiting > 0 && !forGood ? `${sentence} ${language.texts.state.link.waiting}` : sentence;
    this.wanted = wanted;
    this.state = 'out';
    this.#tabs.tell({ kind: 'session', sentence: forGood ? sentence : null });
  }
}
