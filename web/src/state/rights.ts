// What one may do in a conversation. The server decides; this is what the page offers.

import { language } from '../texts/language.svelte';
import { grantable, reaches } from './modes';
import type { Conversation, Rank, Rights, RoomSettings } from './types';

interface Place {
  readonly kind: Conversation['kind'];
  readonly membership: Conversation['membership'];
  readonly settings: RoomSettings;
  readonly rank: Rank | null;
}

export function rightsIn({ kind, membership, settings, rank }: Place, hasAccount: boolean): Rights {
  const texts = language.texts.state.whyNot;
  const isIn = kind === 'direct' || membership === 'in';
  const isGroup = kind === 'group';
  const isRoom = kind === 'room';
  const at = (wanted: Rank): boolean => isIn && isRoom && reaches(rank, wanted);
  let whyNot: string | null = null;
  if (!isIn && membership !== 'joining') whyNot = texts.notMember;
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
