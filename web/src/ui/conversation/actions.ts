// What can be done with a message, by pointer, by menu and by key: one list, so that they never differ.
import type { Chat, Conversation, MessageEntry } from '../../state/types';
import type { Texts } from '../../texts/en';
import type { MenuItem } from '../parts/Menu.svelte';
import { copyText } from '../parts/clipboard';
import { more } from '../../texts/more.svelte';
import { linkTo } from '../../state/permalink';
import type { View } from '../view.svelte';

export interface Action extends MenuItem {
  readonly name: 'reply' | 'react' | 'thread' | 'edit' | 'copy' | 'link' | 'pin' | 'reactions' | 'earlier' | 'wire' | 'report' | 'delete' | 'retry' | 'discard';
  /** The key that does it while the message has the focus. */
  readonly key?: string;
  /** In the row of icons over the message. */
  readonly quick?: boolean;
}

export interface Context {
  readonly chat: Chat;
  readonly view: View;
  readonly conversation: Conversation;
  readonly w: Texts['ui'];
  /** Opens the picker beside the message. */
  readonly pick: (message: MessageEntry) => void;
  /** Answers go into the thread that is shown, not into the room's composer. */
  readonly inThread?: boolean;
}

export function actionsOf(message: MessageEntry, { chat, view, conversation, w, pick, inThread }: Context): Action[] {
  const m = more.texts;
  const attempt = (done: Promise<unknown>) => void done.catch((error: Error) => chat.say(error.message));
  if (message.status !== 'sent') {
    if (message.status === 'pending') return [];
    return [
      { name: 'retry', text: w.sendAgain, icon: 'retry', key: 'Enter', quick: true, run: () => conversation.retry(message) },
      { name: 'copy', text: m.copyText, icon: 'copy', key: 'c', run: () => copy(chat, message.text, w.copied, w.notCopied) },
      { name: 'discard', text: w.discard, icon: 'trash', key: 'Delete', danger: true, quick: true, run: () => conversation.discard(message) },
    ];
  }
  const actions: Action[] = [];
  const there = !message.deleted && message.id !== null;
  if (there && chat.can.react && conversation.rights.speak) {
    actions.push({ name: 'react', text: w.addReaction, icon: 'react', key: 'a', quick: true, run: () => pick(message) });
  }
  if (there && conversation.rights.speak && !inThread) {
    actions.push({
      name: 'reply',
      text: m.reply,
      icon: 'reply',
      key: 'r',
      quick: true,
      run: () => {
        view.editing = null;
        conversation.replyingTo = message;
        view.focusComposer();
      },
    });
  }
  if (message.id !== null && !inThread) {
    actions.push({
      name: 'thread',
      text: m.openThread,
      icon: 'thread',
      key: 't',
      quick: true,
      run: () => view.openThread(conversation.threadRoot(message)),
    });
  }
  if (there && conversation.mayEdit(message)) {
    actions.push({
      name: 'edit',
      text: m.edit,
      icon: 'edit',
      key: 'e',
      run: () => {
        conversation.replyingTo = null;
        view.editing = message;
        view.focusComposer();
      },
    });
  }
  if (there) {
    actions.push({ name: 'copy', text: m.copyText, icon: 'copy', key: 'c', apart: true, run: () => copy(chat, message.text, w.copied, w.notCopied) });
  }
  const { id } = message;
  if (id !== null) {
    actions.push({ name: 'link', text: m.copyLink, icon: 'link', key: 'l', run: () => copy(chat, linkTo(conversation, id), m.linkCopied, w.notCopied) });
  }
  if (there && conversation.rights.pin && chat.can.pins) {
    actions.push({
      name: 'pin',
      text: message.pinned ? m.unpin : m.pin,
      icon: 'pin',
      key: 'p',
      run: () => attempt(conversation.pin(message, !message.pinned)),
    });
  }
  if (message.reactions.length > 0) actions.push({ name: 'reactions', text: m.whoReacted, icon: 'people', run: () => (view.dialog = { kind: 'reactions', conversation, message }) });
  if (message.edited && (message.own || conversation.rights.moderate || conversation.kind === 'direct')) {
    actions.push({ name: 'earlier', text: m.earlierTexts, icon: 'clock', run: () => (view.dialog = { kind: 'earlier', conversation, message }) });
  }
  if (there && chat.can.history) {
    actions.push({ name: 'wire', text: m.onTheWire, icon: 'layers', run: () => (view.panel = { kind: 'wire', message }) });
  }
  if (there && !message.own && chat.can.reports) {
    actions.push({ name: 'report', text: m.report, icon: 'flag', apart: true, danger: true, run: () => (view.dialog = { kind: 'report', conversation, message }) });
  }
  if (there && conversation.mayDelete(message)) {
    actions.push({
      name: 'delete',
      text: m.delete,
      icon: 'trash',
      key: 'Delete',
      danger: true,
      apart: message.own,
      run: () => (view.dialog = { kind: 'delete', conversation, message }),
    });
  }
  return actions;
}

/** Why a key of the sheet does nothing here, though it is one; null: it is none. */
export function whyNotKey(key: string, message: MessageEntry, { rights }: Conversation): string | null {
  const m = more.texts;
  const name = { a: 'react', r: 'reply', e: 'edit', p: 'pin', t: 'thread', c: 'copy', l: 'link', Delete: 'delete', Backspace: 'delete' }[key];
  if (!name) return null;
  if (message.status !== 'sent') return m.mayNot.unsent;
  if (message.deleted) return m.mayNot.deleted;
  if ((name === 'react' || name === 'reply') && rights.whyNot) return rights.whyNot;
  if (name === 'edit') return message.own ? m.mayNot.editLate : m.mayNot.editOther;
  if (name === 'delete') return message.own ? m.mayNot.deleteLate : m.mayNot.deleteOther;
  return name === 'pin' ? m.mayNot.pin : m.mayNot.here;
}

function copy(chat: Chat, text: string, said: string, notCopied: string): void {
  void copyText(text).then((copied) => chat.say(copied ? said : notCopied));
}
