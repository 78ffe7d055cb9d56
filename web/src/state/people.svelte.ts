// The people that are known here, one object each for as long as the page lives.

import type { Person } from './types';

interface Info {
  nick: string;
  account: string | null;
  id: string | null;
  displayName: string | null;
  pronouns: string | null;
  status: string | null;
  realname: string | null;
  bot: boolean;
  presence: Person['presence'];
  awayMessage: string | null;
  blocked: boolean;
  hasNamesake: boolean;
}

export class PersonState implements Person {
  readonly #people: People;
  #info: Info = $state.raw({
    nick: '',
    account: null,
    id: null,
    displayName: null,
    pronouns: null,
    status: null,
    realname: null,
    bot: false,
    presence: 'unknown',
    awayMessage: null,
    blocked: false,
    hasNamesake: false,
  });

  constructor(people: People, nick: string) {
    this.#people = people;
    this.#info.nick = nick;
  }

  /** Only what is different makes work. */
  know(known: Partial<Info>): void {
    const info = this.#info;
    const news = (Object.keys(known) as (keyof Info)[]).some((name) => known[name] !== undefined && known[name] !== info[name]);
    if (!news) return;
    const given = Object.fromEntries(Object.entries(known).filter(([, value]) => value !== undefined));
    this.#info = { ...info, ...given };
    if (this.#info.displayName !== info.displayName) this.#people.shown(this, info.displayName);
  }

  get key(): string {
    return this.#people.fold(this.#info.nick);
  }
  get nick(): string {
    return this.#info.nick;
  }
  get account(): string | null {
    return this.#info.account;
  }
  get id(): string | null {
    return this.#info.id;
  }
  get displayName(): string {
    return this.#info.displayName ?? this.#info.nick;
  }
  get pronouns(): string | null {
    return this.#info.pronouns;
  }
  get status(): string | null {
    return this.#info.status;
  }
  get realname(): string | null {
    return this.#info.realname;
  }
  get isMe(): boolean {
    return this.#people.isMe(this.#info.nick);
  }
  get bot(): boolean {
    return this.#info.bot;
  }
  get presence(): Person['presence'] {
    return this.#info.presence;
  }
  get awayMessage(): string | null {
    return this.#info.awayMessage;
  }
  get blocked(): boolean {
    return this.#info.blocked;
  }
  get hasNamesake(): boolean {
    return this.#info.hasNamesake;
  }
  get seed(): string {
    return this.#info.account?.toLowerCase() ?? this.key;
  }

  /** What goes with the person when she takes another name. */
  get belongings(): Partial<Info> {
    const { account, id, displayName, pronouns, status, realname, bot, presence, awayMessage } = this.#info;
    return { account, id, displayName, pronouns, status, realname, bot, presence, awayMessage };
  }
}

export class People {
  readonly #byKey = new Map<string, PersonState>();
  /** By the name that they are shown under, where they chose one. */
  readonly #shown = new Map<string, Set<PersonState>>();
  #me = $state('');
  fold: (name: string) => string;

  constructor(fold: (name: string) => string) {
    this.fold = fold;
  }

  get me(): PersonState {
    return this.get(this.#me);
  }

  set me(nick: string) {
    this.#me = nick;
  }

  isMe(nick: string): boolean {
    return this.#me !== '' && this.fold(nick) === this.fold(this.#me);
  }

  get(nick: string): PersonState {
    const key = this.fold(nick);
    let person = this.#byKey.get(key);
    if (!person) {
      person = new PersonState(this, nick);
      this.#byKey.set(key, person);
      this.#compare(key);
    }
    return person;
  }

  /** Someone is shown under another name than before. */
  shown(person: PersonState, before: string | null): void {
    for (const name of [before, person.displayName]) {
      if (name === null) continue;
      const key = this.#look(name);
      const all = this.#shown.get(key) ?? new Set();
      this.#shown.set(key, all);
      if (name === before) all.delete(person);
      else all.add(person);
      this.#compare(key);
    }
  }

  #look(name: string): string {
    return this.fold(name.replace(/\p{DI}/gu, ''));
  }

  #compare(key: string): void {
    const all = this.#shown.get(key);
    const called = this.#byKey.get(key);
    all?.forEach((person) => person.know({ hasNamesake: all.size > 1 || (called !== undefined && called !== person) }));
  }

  find(nick: string): PersonState | null {
    return this.#byKey.get(this.fold(nick)) ?? null;
  }

  all(): Iterable<PersonState> {
    return this.#byKey.values();
  }

  renamed(from: string, to: string): PersonState {
    const before = this.get(from);
    const person = this.get(to);
    person.know({ nick: to, ...before.belongings });
    if (this.fold(from) !== this.fold(to)) {
      // Both are the same person.
      const key = this.#look(person.displayName);
      this.#shown.get(key)?.delete(before);
      before.know({ presence: 'gone', awayMessage: null, hasNamesake: false });
      this.#compare(key);
    }
    if (this.isMe(from)) this.#me = to;
    return person;
  }

  /** The link is gone: who is here is not known any more. */
  linkLost(): void {
    for (const person of this.#byKey.values()) person.know({ presence: 'unknown', awayMessage: null });
  }

  /** The server compares names in another way than was thought. */
  refold(fold: (name: string) => string): void {
    this.fold = fold;
    const people = [...this.#byKey.values()];
    this.#byKey.clear();
    for (const person of people) if (!this.#byKey.has(person.key)) this.#byKey.set(person.key, person);
  }

  clear(): void {
    this.#byKey.clear();
    this.#shown.clear();
    this.#me = '';
  }
}
