// What screen readers hear of new messages: a few in their words, of more their number. What was said before the page was opened is
// history, and not said.

import { plainOf } from '../../format/plain';
import type { Chat, MessageEntry } from '../../state/types';
import { language } from '../../texts/language.svelte';
import { soon } from '../../texts/soon.svelte';
import type { View } from '../view.svelte';
import { Announcer } from './announcer';

export type Announcing = Announcer<MessageEntry>;

const mostSpoken = 3;

export function announcing(chat: Chat, view: View): Announcing {
  return new Announcer((messages) => {
    const w = language.texts.ui;
    const said = messages.map((message) => soon.texts.saysAloud(message.sender.displayName, plainOf(chat.formatted(message), soon.texts.spoiler)));
    view.speak(said.length <= mostSpoken ? said.join('\n') : w.newMessages(said.length));
  });
}
