// Who is a member of a room and not here: MEMBERS #tea @bob <id> :Bob B., as the server lists it.

import { linesOf } from '../../irc/batches';
import type { Members } from '../conversation/members.svelte';
import { rankOfSign } from '../conversation/ranks';
import type { World } from '../world';

export async function readAbsent(world: World, room: string, members: Members): Promise<void> {
  const items = await world.request('MEMBERS', [room], { quiet: true });
  const absent = [...linesOf(items)].flatMap(({ command, params: [, shown = '', id = '', displayName = null] }) => {
    if (command !== 'MEMBERS') return [];
    // Of several ranks the highest comes first.
    const signs = [...shown].findIndex((sign) => rankOfSign(world.isupport, sign) === null);
    return [{ person: world.people.absent(shown.slice(signs), id, displayName), rank: signs > 0 ? rankOfSign(world.isupport, shown.charAt(0)) : null }];
  });
  members.areAbsent(absent);
}
