// The ranks of a room's members, highest first.

import type { Isupport } from '../../irc/isupport';
import type { Rank } from '../types';

const ranks: Readonly<Record<string, Rank>> = { q: 'owner', a: 'admin', o: 'operator', h: 'half-operator', v: 'voice' };
const order: readonly Rank[] = ['owner', 'admin', 'operator', 'half-operator', 'voice'];

export function rankOfLetter(letter: string): Rank | null {
  return ranks[letter] ?? null;
}

export function letterOfRank(rank: Rank): string {
  return Object.keys(ranks).find((letter) => ranks[letter] === rank) ?? 'v';
}

/** By its sign, such as `@`. */
export function rankOfSign(isupport: Isupport, sign: string): Rank | null {
  const at = isupport.rankSigns.indexOf(sign);
  return at < 0 || !sign ? null : rankOfLetter(isupport.rankLetters.charAt(at));
}

/** 0 is the highest; those without one come last. */
export function height(rank: Rank | null): number {
  return rank === null ? order.length : order.indexOf(rank);
}

/** Whether a rank is at least another one. */
export function reaches(rank: Rank | null, wanted: Rank): boolean {
  return height(rank) <= height(wanted);
}

/** Ranks that someone of this rank may give and take: those below one's own; owners all. */
export function grantable(rank: Rank | null): Rank[] {
  if (rank === 'owner') return [...order];
  if (rank === null || !reaches(rank, 'half-operator')) return [];
  if (rank === 'half-operator') return ['voice'];
  return order.slice(height(rank) + (rank === 'operator' ? 0 : 1));
}
