// Notifications of the desktop, by the person's choice: from one tab, and not of what is before her eyes.

import { plain } from '../format/format';
import { more } from '../texts/more.svelte';
import type { ConversationState } from './conversation/conversation.svelte';
import type { Tabs } from './tabs';
import type { MessageEntry, Preferences } from './types';

const longest = 160;
/** One sound in so many milliseconds. */
const soundEvery = 2_000;

export class Notifications {
  readonly #preferences: Preferences;
  readonly #tabs: Tabs;
  readonly #open: (conversation: ConversationState, id: string | null) => void;
  #lastSound = 0;
  #audio: AudioContext | null = null;

  constructor(preferences: Preferences, tabs: Tabs, open: (conversation: ConversationState, id: string | null) => void) {
    this.#preferences = preferences;
    this.#tabs = tabs;
    this.#open = open;
  }

  /** Whether it would be told, were nobody looking. */
  isWorth(conversation: ConversationState, message: MessageEntry): boolean {
    if (message.own || conversation.muted || message.sender.blocked || message.style === 'notice') return false;
    const answersMe = message.replyTo !== null && conversation.find(message.replyTo)?.own === true;
    const named = message.mentionsMe || answersMe || conversation.kind !== 'room';
    return this.#preferences.notifications === 'all' || (this.#preferences.notifications === 'mentions' && named);
  }

  messageCame(conversation: ConversationState, message: MessageEntry): void {
    if (!this.#tabs.isFirst || !this.isWorth(conversation, message)) return;
    const isLookedAt = document.hasFocus() || [...this.#tabs.looking.values()].includes(conversation.key);
    if (isLookedAt) return;
    const texts = more.texts.notification;
    const who = message.sender.displayName;
    const title = conversation.kind === 'direct' ? texts.direct(who) : texts.inRoom(who, conversation.title);
    const words = plain(message.text);
    const body = words.length > longest ? `${words.slice(0, longest)}…` : words;
    try {
      const notification = new Notification(title, { body, tag: message.id ?? conversation.key, icon: '/icon-192.png' });
      notification.onclick = () => {
        window.focus();
        this.#open(conversation, message.id);
        notification.close();
      };
    } catch {
      // Some browsers have them in service workers only.
    }
    if (this.#preferences.sound) this.#sound();
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
