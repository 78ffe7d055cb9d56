// Who is at the page.

import { language } from '../texts/language.svelte';
import { readSession } from './http';
import { Refused, type EntryState, type Session, type SessionInfo } from './types';

/** Guests are guests of one tab. */
const guestKey = 'parlor.guest';
/** The server does not know a guest again: where she was, her tab does. */
const guestRoomsKey = 'parlor.guest.rooms';

/** As `post` of login.ts, which is loaded for it. */
const post: typeof import('./login').post = async (path, body) => {
  const login = await import('./login').catch(() => Promise.reject(new Refused(language.texts.state.refused.noLink, 'NO_LINK')));
  return login.post(path, body);
};

export interface SessionEvents {
  /** Somebody has come: the link may be opened. */
  came(): void;
  /** Nobody is here any more. */
  gone(): Promise<void>;
}

export class SessionState implements Session {
  state: EntryState = $state('loading');
  info: SessionInfo | null = $state.raw(null);
  sentence = $state<string | null>(null);
  guest: string | null = null;
  readonly #events: SessionEvents;

  constructor(events: SessionEvents) {
    this.#events = events;
  }

  /** `known`: somebody was logged in here before. `reading`: the server was asked already. */
  async start(known: boolean, reading: Promise<SessionInfo>): Promise<void> {
    this.guest = sessionStorage.getItem(guestKey);
    // What was kept is shown at once; the server says soon whether it is still so.
    if (known) {
      this.state = 'in';
      this.#events.came();
    }
    await this.check(reading);
  }

  /** Asks the server. False: it cannot be reached. */
  async check(reading: Promise<SessionInfo> = readSession()): Promise<boolean> {
    let info: SessionInfo;
    try {
      info = await reading;
    } catch {
      if (this.state === 'loading') this.state = 'unreachable';
      return false;
    }
    this.info = info;
    if (info.signedIn) {
      sessionStorage.removeItem(guestKey);
      this.guest = null;
      if (this.state !== 'in') {
        this.state = 'in';
        this.sentence = null;
        this.#events.came();
      }
    } else if (this.state === 'in') {
      const { banned } = info;
      await this.loggedOut(banned ? language.texts.state.link.notLetIn(banned) : language.texts.state.link.loggedOut);
    } else if (this.guest !== null && this.state !== 'guest') {
      this.state = 'guest';
      this.#events.came();
    } else if (this.state !== 'guest') {
      this.state = 'out';
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
    this.sentence = null;
    if (this.state === 'guest') await this.#events.gone();
    this.state = 'out';
    await this.check();
  }

  async enterAsGuest(nick: string): Promise<void> {
    sessionStorage.setItem(guestKey, nick);
    this.guest = nick;
    this.sentence = null;
    this.state = 'guest';
    this.#events.came();
  }

  /** The guest's name changed, or could not be had as it was. */
  guestIs(nick: string): void {
    if (this.state !== 'guest') return;
    this.guest = nick;
    sessionStorage.setItem(guestKey, nick);
  }

  get guestRooms(): readonly string[] {
    return (sessionStorage.getItem(guestRoomsKey) ?? '').split(' ').filter(Boolean);
  }

  guestIsIn(rooms: readonly string[]): void {
    if (this.state === 'guest') sessionStorage.setItem(guestRoomsKey, rooms.join(' '));
  }

  async logOut(): Promise<void> {
    if (this.state === 'in') await post('/logout', {});
    await this.loggedOut(null);
  }

  async loggedOut(sentence: string | null): Promise<void> {
    sessionStorage.removeItem(guestKey);
    sessionStorage.removeItem(guestRoomsKey);
    this.guest = null;
    await this.#events.gone();
    this.sentence = sentence;
    this.state = 'out';
  }
}
