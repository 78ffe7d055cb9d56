// What one may do in a conversation, and with a message there. The server decides; this is what the page offers.

import { language } from '../../texts/language.svelte';
import { grantable, reaches } from './ranks';
import type { Conversation, MessageEntry, Rank, Rights, RoomSettings } from '../types';
import type { World } from '../world';

/** The server's own windows (EDIT_WINDOW_MS, REDACTION_WINDOW_MS). */
const editWithin = 24 * 3_600_000;

interface Place {
  readonly isWithNobody: 'gone' | 'nobody' | null;
  readonly kind: Conversation['kind'];
  readonly membership: Conversation['membership'];
  readonly settings: RoomSettings;
  readonly rank: Rank | null;
}

export function rightsIn({ isWithNobody, kind, membership, settings, rank }: Place, hasAccount: boolean): Rights {
  const texts = language.texts.state.whyNot;
  const isIn = kind === 'direct' || membership === 'in';
  const isGroup = kind === 'group';
  const isRoom = kind === 'room';
  const at = (wanted: Rank): boolean => isIn && isRoom && reaches(rank, wanted);
  let whyNot: string | null = null;
  if (!isIn && membership !== 'joining') whyNot = texts.notMember;
  else if (isWithNobody) whyNot = texts[isWithNobody];
  else if (isRoom && settings.announcements && !reaches(rank, 'half-operator')) whyNot = texts.announcements;
  else if (isRoom && settings.moderated && rank === null) whyNot = texts.moderated;
  else if (isRoom && settings.accountsSpeak && rank === null && !hasAccount) whyNot = texts.accountsOnly;
  return {
    speak: whyNot === null,
    whyNot,
    topic: isIn && kind !== 'direct' && (isGroup || !settings.topicLocked || at('half-operator')),
    invite: isIn && kind !== 'direct' && (isGroup || !settings.inviteOnly || at('half-operator')),
    inviteLinks: at('operator'),
    pin: isIn && (!isRoom || at('half-operator')),
    moderate: at('half-operator'),
    kick: at('half-operator'),
    ban: at('half-operator'),
    settings: at('operator'),
    rename: isIn && (isGroup || (settings.kept ? at('owner') : at('operator'))),
    ranks: isIn && isRoom ? grantable(rank) : [],
  };
}

export function mayEdit(world: World, message: MessageEntry): boolean {
  return message.own && message.id !== null && !message.deleted && world.has('draft/message-edit') && world.now() - message.time < editWithin;
}

/** `moderate`: one may delete what others said. */
export function mayDelete(world: World, message: MessageEntry, moderate: boolean): boolean {
  if (message.deleted) return false;
  // The server does not have it.
  if (message.id === null) return true;
  if (!world.has('draft/message-redaction')) return false;
  return (message.own && world.now() - message.time < editWithin) || moderate;
}
