import type { Conversation, Person, Rank } from '../../state/types';

/** What somebody is in a room, whether she is here or not. */
export function rankOf(person: Person, { members, absentMembers }: Pick<Conversation, 'members' | 'absentMembers'>): Rank | null {
  return (members.find((member) => member.person.key === person.key) ?? absentMembers.find((member) => member.person === person))?.rank ?? null;
}
