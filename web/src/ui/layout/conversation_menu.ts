import type { Chat, Conversation } from '../../state/types';
import type { Texts } from '../../texts/en';
import type { MenuItem } from '../parts/Menu.svelte';
import { copyText } from '../parts/clipboard';
import { pathOf } from '../route';
import type { View } from '../view.svelte';

/** What can be done with a conversation as a whole. */
export function conversationMenu(chat: Chat, view: View, conversation: Conversation, w: Texts['ui']): MenuItem[] {
  const attempt = (done: Promise<unknown>) => void done.catch((error: Error) => chat.say(error.message));
  const items: MenuItem[] = [];
  if (conversation.unread > 0 || conversation.mentions > 0) {
    items.push({ text: w.markRead, icon: 'check', run: () => conversation.markRead() });
  }
  if (chat.can.metadata && !chat.isGuest) {
    items.push(
      { text: w.favourite, icon: 'pin', checked: conversation.favourite, run: () => attempt(conversation.setFavourite(!conversation.favourite)) },
      { text: w.mute, icon: 'bellOff', checked: conversation.muted, run: () => attempt(conversation.setMuted(!conversation.muted)) },
    );
  }
  items.push({
    text: w.copyLink,
    icon: 'link',
    run: () => void copyText(new URL(pathOf(conversation.name), location.origin).href).then((copied) => chat.say(copied ? w.linkCopied : w.notCopied)),
  });
  const details = () => {
    view.go(conversation.name);
    view.panel = conversation.kind === 'direct' ? { kind: 'person', nick: conversation.name } : { kind: 'details' };
  };
  items.push({ text: conversation.kind === 'direct' ? w.profile : conversation.kind === 'group' ? w.groupDetails : w.roomSettings, icon: 'info', apart: true, run: details });
  if (conversation.kind !== 'direct' && conversation.rights.invite && conversation.membership === 'in') {
    items.push({ text: w.invitePeople, icon: 'people', run: () => (view.dialog = { kind: 'invite', conversation }) });
  }
  if (conversation.kind === 'direct') {
    items.push({ text: w.closeConversation, icon: 'close', apart: true, run: () => conversation.close() });
  } else if (conversation.membership === 'in') {
    items.push({
      text: conversation.kind === 'group' ? w.leaveGroup : w.leaveRoom,
      icon: 'leave',
      danger: true,
      apart: true,
      run: () => confirmLeave(view, conversation, w),
    });
  } else {
    items.push({ text: w.closeConversation, icon: 'close', apart: true, run: () => conversation.close() });
  }
  return items;
}

export function confirmLeave(view: View, conversation: Conversation, w: Texts['ui']): void {
  view.dialog = {
    kind: 'confirm',
    title: w.leaveTitle(conversation.title),
    text: conversation.kind === 'group' ? w.leaveGroupText : conversation.settings.inviteOnly ? w.leaveInviteOnlyText : w.leaveRoomText,
    action: w.leave,
    danger: true,
    run: () => conversation.leave(),
  };
}
