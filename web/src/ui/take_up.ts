// Going into a room by an invite link: few visits begin so.

import { Refused, type Chat } from '../state/types';
import { more } from '../texts/more.svelte';
import type { View } from './view.svelte';

/** The numeric of a password that is not the room's, and of a link that is not. */
const linkIsOfNoUse = '475';
let taken: object | null = null;

export async function takeUp(chat: Chat, view: View, invitation: { room: string; token: string }): Promise<void> {
  if (taken === invitation) return;
  taken = invitation;
  try {
    // A key of a room that is not there yet would make the room.
    if (!/^inv-[a-z2-9]{26}$/.test(invitation.token)) throw new Refused(more.texts.linkOfNoUse, linkIsOfNoUse);
    const conversation = await chat.joinRoom(invitation.room, invitation.token);
    view.invitation = null;
    view.go(conversation.name);
  } catch (error) {
    view.invitation = null;
    history.replaceState(null, '', '/');
    const isOfNoUse = error instanceof Refused && [linkIsOfNoUse, '473'].includes(error.code);
    chat.say(isOfNoUse ? more.texts.linkOfNoUse : (error as Error).message);
  }
}
