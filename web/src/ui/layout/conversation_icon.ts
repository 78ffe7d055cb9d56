import type { Conversation } from '../../state/types';
import type { IconName } from '../parts/icons';

/** What kind of room it is, at a glance. */
export function iconOf(conversation: Conversation): IconName {
  if (conversation.kind === 'group') return 'people';
  if (conversation.kind === 'direct') return 'person';
  if (conversation.settings.announcements) return 'megaphone';
  if (conversation.settings.inviteOnly || conversation.settings.secret || conversation.settings.key) return 'lock';
  return 'hash';
}
