// What is unread of one conversation, as the server counts it.

import type { ConversationState } from '../conversation/conversation.svelte';
import { countsOf } from '../conversation/unread.svelte';
import type { World } from '../world';

/** Without a link nothing comes of it: behind the next one all are counted. */
export async function recount(world: World, conversation: ConversationState): Promise<void> {
  const counts = await world.request('UNREAD', [], { quiet: true }).catch(() => null);
  if (!counts || !world.has('parlor/unread')) return;
  const { rows, asOf } = countsOf(counts);
  const own = rows.find(({ name }) => world.known(name) === conversation);
  conversation.unreadIs(own?.messages ?? 0, own?.isMore ?? false, own?.mentions ?? 0, asOf);
}
