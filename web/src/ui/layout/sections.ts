import { alphabetically } from '../../format/alphabet';
import type { Conversation } from '../../state/types';

export type SectionName = 'favourites' | 'rooms' | 'groups' | 'people';

export interface Section {
  readonly name: SectionName;
  readonly conversations: readonly Conversation[];
}

/** The list, in the order in which it is shown and in which Alt-Up and Alt-Down walk. */
export function sections(all: readonly Conversation[]): readonly Section[] {
  const byTitle = (a: Conversation, b: Conversation) => Number(a.muted) - Number(b.muted) || alphabetically(a.title, b.title);
  const byActivity = (a: Conversation, b: Conversation) => Number(a.muted) - Number(b.muted) || b.lastActive - a.lastActive || byTitle(a, b);
  const rest = all.filter((conversation) => !conversation.favourite);
  const of = (kind: Conversation['kind']) => rest.filter((conversation) => conversation.kind === kind);
  const every: Section[] = [
    { name: 'favourites', conversations: all.filter((conversation) => conversation.favourite).sort(byTitle) },
    { name: 'rooms', conversations: of('room').sort(byTitle) },
    { name: 'groups', conversations: of('group').sort(byActivity) },
    { name: 'people', conversations: of('direct').sort(byActivity) },
  ];
  return every.filter((section) => section.conversations.length > 0);
}
