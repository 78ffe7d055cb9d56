// Notifications of the desktop, by the person's choice: from one tab, and not of what is before her eyes. They go when what they tell
// of is read, wherever that is, or deleted.

import { plain } from '../format/format';
import { more } from '../texts/more.svelte';
import type { ConversationState } from './conversation/conversation.svelte';
import type { Tabs } from './tabs';
import type { MessageEntry, Preferences } from './types';

const longest = 160;
/** One sound in so many milliseconds. */
const soundEvery = 2_000;

/** Notifications that are looked after; of those before them the desktop knows. */
const mostShown = 100;

/** What is told of, and whom. */
interface Chat {
  readonly preferences: Preferences;
  readonly tabs: Tabs;
  readonly conversations: readonly ConversationState[];
  readonly current: ConversationState | null;
  open(name: string): unknown;
}

/** What waited in a conversation. */
interface Waiting {
  readonly messages: number;
  readonly mentions: number;
  readonly readUpTo: number;
}

const nothing = { messages: 0, mentions: 0 };

export class Notifications {
  readonly #chat: Chat;
  /** When the link was lost. */
  #then: Map<ConversationState, Waiting> | null = null;
  /** Those that are shown, and how they are forgotten. */
  readonly #shown = new Map<Notification, { conversation: ConversationState; forget(): void }>();
  #lastSound = 0;
  #audio: AudioContext | null = null;

  constructor(chat: Chat) {
    this.#chat = chat;
    // What is before her eyes now she need not be told of any more, also where it counted as read before.
    window.addEventListener('focus', () => {
      for (const [notification, { conversation }] of this.#shown) if (conversation === chat.current) notification.close();
    });
  }

  /** Whether it would be told, were nobody looking. */
  isWorth(conversation: ConversationState, message: MessageEntry): boolean {
    if (message.own || conversation.muted || message.sender.blocked || message.style === 'notice') return false;
    const answersMe = message.replyTo !== null && conversation.find(message.replyTo)?.own === true;
    return this.#isWanted(message.mentionsMe || answersMe || conversation.kind !== 'room');
  }

  /** `named`: it is meant for her. */
  #isWanted(named: boolean): boolean {
    const { notifications } = this.#chat.preferences;
    return notifications === 'all' || (notifications === 'mentions' && named);
  }

  #isLookedAt(conversation: ConversationState): boolean {
    return document.hasFocus() || [...this.#chat.tabs.looking.values()].includes(conversation.key);
  }

  messageCame(conversation: ConversationState, message: MessageEntry): void {
    if (!this.#chat.tabs.isFirst || !this.isWorth(conversation, message) || this.#isLookedAt(conversation)) return;
    const texts = more.texts.notification;
    const who = message.sender.displayName;
    const title = conversation.kind === 'direct' ? who : texts.inRoom(who, conversation.title);
    const words = plain(message.text);
    const body = words.length > longest ? `${words.slice(0, longest)}…` : words;
    const { id, time } = message;
    // Whoever looks elsewhere while the end is in the window has not read it, though it counts as read.
    const wasRead = time <= conversation.readUpTo;
    const isOver = (): boolean => (!wasRead && time <= conversation.readUpTo) || (id !== null && conversation.find(id)?.deleted != null);
    this.#show(conversation, title, body, id ?? conversation.key, isOver);
  }

  /** The link is gone. What waits has been told of. */
  linkLost(): void {
    this.#then ??= new Map(this.#chat.conversations.map((one) => [one, { messages: one.unread, mentions: one.mentions, readUpTo: one.readUpTo }]));
  }

  /** It is back, and what was said meanwhile is counted: it is told of once for each conversation, however much it is. */
  linkBack(): void {
    const then = this.#then;
    this.#then = null;
    if (!then || !this.#chat.tabs.isFirst) return;
    for (const conversation of this.#chat.conversations) {
      const before = then.get(conversation);
      // What was read elsewhere waits no more, and all that waits now came behind it.
      const known = before && before.readUpTo === conversation.readUpTo ? before : nothing;
      const messages = conversation.unread - known.messages;
      const mentions = Math.max(0, conversation.mentions - known.mentions);
      const isRoom = conversation.kind === 'room';
      if (messages <= 0 || conversation.muted || !this.#isWanted(mentions > 0 || !isRoom) || this.#isLookedAt(conversation)) continue;
      const texts = more.texts.notification;
      const title = (conversation.kind === 'direct' ? texts.missedFrom : texts.missedIn)(messages, conversation.title);
      this.#show(conversation, title, isRoom && mentions > 0 ? texts.mentions(mentions) : '', conversation.key, () => conversation.unread === 0);
    }
  }

  /** `isOver`: it was read, or is gone. */
  #show(conversation: ConversationState, title: string, body: string, tag: string, isOver: () => boolean): void {
    try {
      const notification = new Notification(title, { body, tag, icon: '/icon-192.png' });
      const stop = $effect.root(() => {
        $effect(() => {
          void conversation.unread;
          if (isOver()) notification.close();
        });
      });
      const forget = (): void => {
        stop();
        this.#shown.delete(notification);
      };
      this.#shown.set(notification, { conversation, forget });
      if (this.#shown.size > mostShown) this.#shown.values().next().value?.forget();
      notification.onclose = forget;
      notification.onclick = () => {
        window.focus();
        this.#chat.open(conversation.name);
        notification.close();
      };
    } catch {
      // Some browsers have them in service workers only.
    }
    if (this.#chat.preferences.sound) this.#sound();
  }

  /** Two short tones, made here: no file is loaded. */
  #sound(): void {
    const now = Date.now();
    if (now - this.#lastSound < soundEvery || typeof AudioContext === 'undefined') return;
    this.#lastSound = now;
    this.#audio ??= new AudioContext();
    const audio = this.#audio;
    for (const [frequency, after] of [[660, 0], [880, 0.12]] as const) {
      const [tone, volume] = [audio.createOscillator(), audio.createGain()];
      const begin = audio.currentTime + after;
      tone.frequency.value = frequency;
      volume.gain.setValueAtTime(0.08, begin);
      volume.gain.exponentialRampToValueAtTime(0.0001, begin + 0.25);
      tone.connect(volume).connect(audio.destination);
      tone.start(begin);
      tone.stop(begin + 0.3);
    }
  }
}
