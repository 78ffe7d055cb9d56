// Who is in a room, and with which rank.

import { alphabetically } from '../../format/alphabet';
import { linesOf, type Item } from '../../irc/batches';
import { height, rankOfSign } from './ranks';
import { idOf } from './said';
import type { Member, Rank } from '../types';
import type { World } from '../world';

export class Members {
  list: readonly Member[] = $state.raw([]);
  /** Accounts that belong to it and are not here. */
  absent: readonly Member[] = $state.raw([]);
  ownRank: Rank | null = $state(null);
  readonly #world: World;
  readonly #changed: () => void;
  #byKey = new Map<string, Member>();
  #isDirty = false;

  /** `changed`: what is here is to be shown, by `commit`. */
  constructor(world: World, changed: () => void) {
    this.#world = world;
    this.#changed = changed;
  }

  has(nick: string): boolean {
    return this.#byKey.has(this.#world.isupport.fold(nick));
  }

  rankOf(nick: string): Rank | null {
    return this.#byKey.get(this.#world.isupport.fold(nick))?.rank ?? null;
  }

  /** The answer to WHO with fields (WHOX): `354 <me> 7 <nick> <flags> <account> :<realname>`. */
  are(items: readonly Item[]): void {
    const members = new Map<string, Member>();
    for (const line of linesOf(items)) {
      if (line.command !== '354' || line.params[1] !== '7') continue;
      const [, , nick = '', letters = '', account = '0', realname = ''] = line.params;
      const person = this.#world.people.called(nick, idOf(line), {
        account: account === '0' ? null : account,
        realname: realname || null,
        presence: letters.startsWith('G') ? 'away' : 'here',
        bot: letters.includes('B'),
      });
      members.set(person.key, { person, rank: this.#highest(letters) });
    }
    this.#byKey = members;
    this.ownRank = members.get(this.#world.people.me.key)?.rank ?? this.ownRank;
    this.#touch();
  }

  #highest(letters: string): Rank | null {
    const ranks = [...letters].map((letter) => rankOfSign(this.#world.isupport, letter)).filter((rank) => rank !== null);
    return ranks.sort((one, other) => height(one) - height(other))[0] ?? null;
  }

  came(nick: string): void {
    const person = this.#world.people.get(nick);
    if (this.#byKey.has(person.key)) return;
    this.#byKey.set(person.key, { person, rank: this.absent.find((member) => member.person === person)?.rank ?? null });
    this.#touch();
  }

  /** `stays`: she has gone from the server; an account belongs to the room all the same. */
  left(nick: string, stays: boolean): void {
    const key = this.#world.isupport.fold(nick);
    const member = this.#byKey.get(key);
    if (!stays) this.areAbsent(this.absent.filter(({ person }) => person.key !== key));
    else if (member?.person.account) this.areAbsent([...this.absent, member]);
    if (this.#byKey.delete(key)) this.#touch();
  }

  areAbsent(members: readonly Member[]): void {
    this.absent = members;
    this.#touch();
  }

  renamed(from: string, to: string): void {
    const before = this.#byKey.get(this.#world.isupport.fold(from));
    if (!before) return;
    this.#byKey.delete(this.#world.isupport.fold(from));
    const person = this.#world.people.get(to);
    this.#byKey.set(person.key, { person, rank: before.rank });
    this.#touch();
  }

  /** A rank was given or taken. False: which one is below the one that was taken is not known. */
  ranked(nick: string, rank: Rank, on: boolean): boolean {
    const isMe = this.#world.people.isMe(nick);
    const key = this.#world.isupport.fold(nick);
    const member = this.#byKey.get(key);
    const before = member?.rank ?? (isMe ? this.ownRank : null);
    // Of several ranks the highest shows.
    const next = on ? (height(rank) < height(before) ? rank : before) : before === rank ? null : before;
    if (member) {
      this.#byKey.set(key, { ...member, rank: next });
      this.#touch();
    }
    if (isMe) this.ownRank = next;
    return on || before !== rank;
  }

  clear(): void {
    this.ownRank = null;
    this.#byKey.clear();
    this.areAbsent([]);
  }

  commit(): void {
    if (!this.#isDirty) return;
    this.#isDirty = false;
    this.list = [...this.#byKey.values()].sort(byRankAndName);
    // Who has come since is among those who are here.
    const gone = this.absent.filter(({ person }, at, all) => !this.#byKey.has(person.key) && all.findLastIndex((other) => other.person === person) === at);
    if (gone.length < this.absent.length) this.absent = gone;
  }

  #touch(): void {
    this.#isDirty = true;
    this.#changed();
  }
}

function byRankAndName(one: Member, other: Member): number {
  return height(one.rank) - height(other.rank) || alphabetically(one.person.nick, other.person.nick);
}
