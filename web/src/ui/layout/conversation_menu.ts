import { reaches } from '../../state/conversation/ranks';
import type { Chat, Conversation, Rank } from '../../state/types';
import type { Texts } from '../../texts/en';
import { more } from '../../texts/more.svelte';
import { soon } from '../../texts/soon.svelte';
import type { MenuItem } from '../parts/Menu.svelte';
import { copyText } from '../parts/clipboard';
import { pathOf } from '../route';
import type { View } from '../view.svelte';

/** What can be done with a conversation as a whole. */
export function conversationMenu(chat: Chat, view: View, conversation: Conversation, w: Texts['ui']): MenuItem[] {
  const attempt = (done: Promise<unknown>) => void done.catch((error: Error) => chat.say(error.message));
  const m = more.texts;
  const items: MenuItem[] = [];
  if (conversation.unread > 0 || conversation.mentions > 0) {
    items.push({ text: soon.texts.markRead, icon: 'check', run: () => conversation.markRead() });
  }
  if (chat.can.metadata && !chat.isGuest) {
    items.push(
      { text: m.favourite, icon: 'star', checked: conversation.favourite, run: () => attempt(conversation.setFavourite(!conversation.favourite)) },
      { text: m.mute, icon: 'bellOff', checked: conversation.muted, run: () => attempt(conversation.setMuted(!conversation.muted)) },
    );
  }
  items.push({
    text: m.copyLink,
    icon: 'link',
    run: () => void copyText(new URL(pathOf(conversation.name), location.origin).href).then((copied) => chat.say(copied ? m.linkCopied : w.notCopied)),
  });
  const details = () => {
    view.go(conversation.name);
    view.panel = conversation.kind === 'direct' ? { kind: 'person', nick: conversation.name } : { kind: 'details' };
  };
  items.push({ text: conversation.kind === 'direct' ? m.profile : conversation.kind === 'group' ? m.groupDetails : m.roomSettings, icon: 'info', apart: true, run: details });
  if (conversation.kind !== 'direct' && conversation.rights.invite && conversation.membership === 'in') {
    items.push({ text: w.invitePeople, icon: 'people', run: () => (view.dialog = { kind: 'invite', conversation }) });
  }
  if (conversation.kind === 'direct') {
    items.push({ text: m.closeConversation, icon: 'close', apart: true, run: () => conversation.close() });
  } else if (conversation.membership === 'in') {
    items.push({
      text: conversation.kind === 'group' ? m.leaveGroup : m.leaveRoom,
      icon: 'leave',
      danger: true,
      apart: true,
      run: () => confirmLeave(view, conversation),
    });
  } else {
    items.push({ text: m.closeConversation, icon: 'close', apart: true, run: () => conversation.close() });
  }
  return items;
}

export function confirmLeave(view: View, conversation: Conversation): void {
  const m = more.texts;
  const runs = ({ rank }: { rank: Rank | null }): boolean => reaches(rank, 'operator');
  // Who else is in a room is known when it is opened.
  if (conversation.kind === 'room' && runs(conversation)) view.go(conversation.name);
  // Whom it is left to: nobody but her may run it, and others stay.
  const isLeftAlone = (): boolean => {
    const others = [...conversation.members, ...conversation.absentMembers].filter(({ person }) => !person.isMe);
    return conversation.kind === 'room' && runs(conversation) && others.length > 0 && !others.some(runs);
  };
  view.dialog = {
    kind: 'confirm',
    title: m.leaveTitle(conversation.title),
    get text() {
      if (isLeftAlone()) return m.leaveUnrunText;
      return conversation.kind === 'group' ? m.leaveGroupText : conversation.settings.inviteOnly ? m.leaveInviteOnlyText : m.leaveRoomText;
    },
    get instead() {
      return isLeftAlone() ? { text: m.giveRoleFirst, run: () => (view.panel = { kind: 'members' }) } : undefined;
    },
    action: m.leave,
    danger: true,
    run: () => conversation.leave(),
  };
}
