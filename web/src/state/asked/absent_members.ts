// Who is a member of a room and not here: MEMBERS #tea @bob <id> :Bob B., as the server lists it.

import { linesOf } from '../../irc/batches';
import type { Members } from '../conversation/members.svelte';
import { rankOfSign } from '../conversation/ranks';
import type { People, PersonState } from '../people.svelte';
import type { World } from '../world';

export async function readAbsent(world: World, room: string, members: Members): Promise<void> {
  const items = await world.request('MEMBERS', [room], { quiet: true });
  const listed = [...linesOf(items)].flatMap(({ command, params: [, shown = '', id = '', displayName = null] }) => {
    if (command !== 'MEMBERS') return [];
    // Of several ranks the highest comes first.
    const signs = [...shown].findIndex((sign) => rankOfSign(world.isupport, sign) === null);
    return [{ person: absent(world.people, shown.slice(signs), id, displayName), rank: signs > 0 ? rankOfSign(world.isupport, shown.charAt(0)) : null }];
  });
  members.areAbsent(listed);
}

/** Someone who is here may have an account's name all the same, where a guest came first. */
function absent(people: People, account: string, id: string, displayName: string | null): PersonState {
  const { presence, id: held } = people.get(account);
  const isHere = held !== id && (presence === 'here' || presence === 'away');
  return isHere ? people.author(account, account, id, 0) : people.called(account, id, { account, presence: 'gone', displayName });
}
