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
  isFormer: boolean;
}

/** What is told of whoever has a name now, which need not be who had it before. */
const told = ['displayName', 'pronouns', 'status', 'realname', 'presence', 'awayMessage', 'blocked'] as const;
const untold = { displayName: null, pronouns: null, status: null, realname: null, blocked: false };

/** No nick is like that: it is what a conversation is called with somebody who is gone, where others had her name since. */
export function isOfOneGone(name: string): boolean {
  return /[^/]\/\d+$/.test(name);
}

export class PersonState implements Person {
  readonly #people: People;
  /** Only history has said that she is called so. */
  isGuess = false;
  /** When what history says of her was so. */
  asOf = 0;
  /** Now, and before: what she said is found under each (`asked/search.ts`). */
  readonly names = new Set<string>();
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
    isFormer: false,
  });

  constructor(people: People, nick: string) {
    this.#people = people;
    this.#info.nick = nick;
  }

  /** Only what is different makes work. */
  know(known: Partial<Info>): void {
    const info = this.#info;
    for (const name of [info.nick, known.nick, known.account]) if (name) this.names.add(name);
    const news = (Object.keys(known) as (keyof Info)[]).some((name) => known[name] !== undefined && known[name] !== info[name]);
    if (!news) return;
    const given = Object.fromEntries(Object.entries(known).filter(([, value]) => value !== undefined));
    this.#info = { ...info, ...given };
    if (this.#info.displayName !== info.displayName) this.#people.shown(this, info.displayName);
  }

  get key(): string {
    return this.#info.isFormer ? ` ${this.#info.id ?? this.#info.nick}` : this.#people.fold(this.#info.nick);
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
    return !this.#info.isFormer && this.#people.isMe(this.#info.nick);
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
  get isFormer(): boolean {
    return this.#info.isFormer;
  }
  /** An account keeps its picture under another name, and whoever takes the name has one of her own. A guest's id ends with her connection: hers goes by the name. */
  get seed(): string {
    const { account, id, nick } = this.#info;
    return account === null ? this.#people.fold(nick) : (id ?? account.toLowerCase());
  }

  get told(): Partial<Info> {
    return Object.fromEntries(told.map((name) => [name, this.#info[name]]));
  }
}

export class People {
  /** Those who are called so now, as far as is known. */
  readonly #byKey = new Map<string, PersonState>();
  /** Names change, ids do not: whoever said something is found by hers. */
  readonly #byId = new Map<string, PersonState>();
  /** By the name that they are shown under, where they chose one. */
  readonly #shown = new Map<string, Set<PersonState>>();
  #me = $state('');
  fold: (name: string) => string;
  /** Someone turns out to be called otherwise than before. */
  moved: (from: string, to: string) => void = () => undefined;
  /** Whoever is called so now is the one of this id. */
  found: (nick: string, id: string) => void = () => undefined;

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
      if (isOfOneGone(nick)) person.know({ nick: nick.replace(/\/\d+$/, ''), isFormer: true, presence: 'gone' });
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

  /**
   * Who said it: an account is itself whatever it was called then, and a guest is nobody else who has her name since. `account`: as of
   * then, at `time`.
   */
  author(nick: string, account: string | null, id: string | null, time: number): PersonState {
    if (id === null) {
      const person = this.get(nick);
      person.know({ account: account ?? undefined });
      return person;
    }
    // Until it is seen to be called otherwise, an account is called as it is.
    const name = account ?? nick;
    const known = this.#byId.get(id);
    if (known) {
      known.names.add(name);
      if (time > known.asOf) this.#wasCalled(known, name, account, time);
      return known;
    }
    const holder = this.get(name);
    const isFree = this.#isFree(holder, account);
    const person = isFree ? holder : new PersonState(this, name);
    person.isGuess = isFree;
    person.know({ id, account: account ?? undefined, isFormer: !isFree, presence: isFree ? undefined : 'gone' });
    this.#byId.set(id, person);
    this.#wasCalled(person, name, account, time);
    return person;
  }

  /** Nobody is known yet who is called so, or the one of this account. */
  #isFree({ id, account: held }: PersonState, account: string | null): boolean {
    return id === null && (held === null || (account !== null && this.fold(held) === this.fold(account)));
  }

  /** The last whom history knows under a name has it, as long as nobody else is seen to. */
  #wasCalled(person: PersonState, name: string, account: string | null, time: number): void {
    person.asOf = time;
    if (!person.isGuess && !person.isFormer) return;
    const holder = this.#byKey.get(this.fold(name));
    if (holder === person) return;
    if (!holder || this.#isFree(holder, account) || (holder.isGuess && holder.asOf < time)) {
      person.isGuess = true;
      this.#is(person, name, { account: account ?? undefined, ...(holder?.id === null && holder.told) }, holder?.id === null);
    } else {
      if (this.#byKey.get(person.key) === person) this.#byKey.delete(person.key);
      person.isGuess = false;
      person.know({ nick: name, account: account ?? undefined, isFormer: true, presence: 'gone' });
    }
  }

  /** Whoever is called so now is the one of this id. */
  called(nick: string, id: string | null | undefined, known: Partial<Info> = {}): PersonState {
    let person = this.get(nick);
    if (id && person.id !== id) {
      const holder = person;
      person = this.#byId.get(id) ?? (holder.id === null ? holder : new PersonState(this, nick));
      const isHers = holder.id === null || holder.isGuess;
      this.#is(person, nick, { id, ...(isHers && holder !== person ? holder.told : {}) }, isHers);
      this.#byId.set(id, person);
    }
    person.isGuess = false;
    person.know(known);
    return person;
  }

  /** Someone who is gone, by what the conversation with her is called: whatever is told of her name is of others. */
  gone(name: string, id: string): void {
    const person = this.#byId.get(id) ?? this.get(name);
    const { nick } = person;
    const key = this.fold(nick);
    if (this.#byKey.get(key) === person) {
      this.#byKey.delete(key);
      this.moved(nick, name);
    }
    this.#byKey.set(this.fold(name), person);
    this.#byId.set(id, person);
    if (person.isGuess) person.know(untold);
    person.isGuess = false;
    person.asOf = Infinity;
    person.know({ nick: name.replace(/\/\d+$/, ''), id, isFormer: true, presence: 'gone', awayMessage: null });
  }

  /** She is called so from now on, and nobody else. `isHers`: so is what was told of whoever has the name. */
  #is(person: PersonState, nick: string, known: Partial<Info> = {}, isHers = false): void {
    const { nick: from, isFormer } = person;
    const [before, key] = [this.fold(from), this.fold(nick)];
    if (this.#byKey.get(before) === person) this.#byKey.delete(before);
    const id = known.id ?? person.id;
    if (id) this.found(nick, id);
    const holder = this.#byKey.get(key);
    this.#byKey.set(key, person);
    if (holder && holder !== person) {
      const shown = this.#look(holder.displayName);
      this.#shown.get(shown)?.delete(holder);
      if (isHers) holder.know(untold);
      holder.know({ isFormer: true, presence: 'gone', awayMessage: null, hasNamesake: false });
      this.#compare(shown);
    }
    person.know({ ...known, nick, isFormer: false });
    this.#compare(this.#look(person.displayName));
    if (!isFormer && before !== key) this.moved(from, nick);
  }

  renamed(from: string, to: string): void {
    const isMe = this.isMe(from);
    this.#is(this.get(from), to);
    if (isMe) this.#me = to;
  }

  /** The link is gone: who is here is not known any more. */
  linkLost(): void {
    for (const person of this.#byKey.values()) person.know({ presence: 'unknown', awayMessage: null });
  }

  /** The server compares names in another way than was thought. */
  refold(fold: (name: string) => string): void {
    this.fold = fold;
    const people = [...this.#byKey];
    this.#byKey.clear();
    for (const [before, person] of people) {
      const key = person.isFormer ? before : person.key;
      if (!this.#byKey.has(key)) this.#byKey.set(key, person);
    }
  }

  clear(): void {
    this.#byKey.clear();
    this.#byId.clear();
    this.#shown.clear();
    this.#me = '';
  }
}
