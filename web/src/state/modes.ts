// A room's modes as settings with names, and the changes that bring one to the other.

import type { Isupport, ModeChange } from '../irc/isupport';
import type { Rank, RoomSettings, SettingsChange } from './types';

export const noSettings: RoomSettings = {
  moderated: false,
  announcements: false,
  inviteOnly: false,
  secret: false,
  unlisted: false,
  topicLocked: false,
  membersOnly: false,
  accountsOnly: false,
  accountsSpeak: false,
  kept: false,
  historySinceJoin: false,
  historyKept: null,
  noCtcp: false,
  heldForModerators: false,
  auditorium: false,
  slowMode: null,
  key: null,
  limit: null,
  forwardTo: null,
};

type Flag = { [Name in keyof RoomSettings]: RoomSettings[Name] extends boolean ? Name : never }[keyof RoomSettings];

export const flags: Readonly<Record<string, Flag>> = {
  m: 'moderated',
  A: 'announcements',
  i: 'inviteOnly',
  s: 'secret',
  p: 'unlisted',
  t: 'topicLocked',
  n: 'membersOnly',
  R: 'accountsOnly',
  M: 'accountsSpeak',
  P: 'kept',
  J: 'historySinceJoin',
  C: 'noCtcp',
  U: 'heldForModerators',
  u: 'auditorium',
};

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

/** All of them from their letters (324), or as one change makes them. */
export function withChanges(settings: RoomSettings, changes: readonly ModeChange[]): RoomSettings {
  const changed: { -readonly [Name in keyof RoomSettings]: RoomSettings[Name] } = { ...settings };
  for (const { on, letter, param } of changes) {
    const flag = flags[letter];
    if (flag) changed[flag] = on;
    else if (letter === 'k') changed.key = on ? (param && param !== '*' ? param : true) : null;
    else if (letter === 'l') changed.limit = on ? Number(param) || null : null;
    else if (letter === 'f') changed.forwardTo = on ? param : null;
    else if (letter === 'H') changed.historyKept = on ? param : null;
    else if (letter === 'W') changed.slowMode = on ? Number(param) || null : null;
  }
  return changed;
}

/** Parameters of MODE that make it so; each is one line, of at most so many changes. */
export function modeLines(now: RoomSettings, wanted: SettingsChange, atOnce: number): string[][] {
  const changes: { on: boolean; letter: string; param: string | null }[] = [];
  const set = (letter: string, value: string | null, takes: boolean): void => {
    changes.push({ on: value !== null, letter, param: value ?? (takes ? '*' : null) });
  };
  for (const [letter, name] of Object.entries(flags)) {
    const value = wanted[name];
    if (value !== undefined && value !== now[name]) changes.push({ on: value, letter, param: null });
  }
  if (wanted.key !== undefined && wanted.key !== now.key && wanted.key !== true) {
    // A key has to be taken away before there can be another one.
    if (now.key !== null) changes.push({ on: false, letter: 'k', param: typeof now.key === 'string' ? now.key : '*' });
    if (wanted.key !== null) set('k', wanted.key, true);
  }
  if (wanted.limit !== undefined && wanted.limit !== now.limit) set('l', wanted.limit === null ? null : String(wanted.limit), false);
  if (wanted.forwardTo !== undefined && wanted.forwardTo !== now.forwardTo) set('f', wanted.forwardTo, false);
  if (wanted.historyKept !== undefined && wanted.historyKept !== now.historyKept) set('H', wanted.historyKept, false);
  if (wanted.slowMode !== undefined && wanted.slowMode !== now.slowMode) set('W', wanted.slowMode === null ? null : String(wanted.slowMode), false);
  const lines: string[][] = [];
  for (let at = 0; at < changes.length; at += atOnce) {
    const some = changes.slice(at, at + atOnce);
    const letters = some.map(({ on, letter }) => `${on ? '+' : '-'}${letter}`).join('');
    lines.push([letters, ...some.flatMap(({ param }) => (param === null ? [] : [param]))]);
  }
  return lines;
}
