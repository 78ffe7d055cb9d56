import { expect, test } from 'vitest';
import type { Member, Person } from '../../state/types';
import { rankOf } from './rank';

const person = (key: string): Person => ({ key }) as Person;
const [alice, bob, eve, namesake] = [person('alice'), person('bob'), person('eve'), person('bob')];
const room: { members: Member[]; absentMembers: Member[] } = {
  members: [{ person: alice, rank: 'owner' }],
  absentMembers: [{ person: bob, rank: 'operator' }],
};

test.each([
  ['who is here', alice, 'owner'],
  ['who is not', bob, 'operator'],
  ['who has a name that somebody had who is not here', namesake, null],
  ['who is no member', eve, null],
] as const)('what %s is in a room', (_, person, rank) => expect(rankOf(person, room)).toBe(rank));
