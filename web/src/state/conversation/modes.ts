// A room's modes as settings with names.

import type { ModeChange } from '../../irc/isupport';
import type { RoomSettings } from '../types';

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

/** Whom a mask means that stands for one account, or for one name wherever it comes from; any other mask is told as it is. */
export function whomOf(mask: string, called: (nick: string) => string): string {
  const plain = mask.replace(/^~?m:/, '');
  const name = /^~?a:([^*?]+)$/.exec(plain)?.[1] ?? /^([^!*?@:]+)!\*@\*$/.exec(plain)?.[1];
  return name === undefined ? plain : called(name);
}
