// Sentences for the person that belong to no conversation.

import type { Notice } from './types';

const most = 5;

export class Notices {
  list: readonly Notice[] = $state.raw([]);
  #nextId = 1;

  say(sentence: string, at: number, more: { tone?: Notice['tone']; room?: string }): void {
    const notice: Notice = { id: this.#nextId++, tone: more.tone ?? 'information', sentence, at, room: more.room ?? null };
    this.list = [...this.list, notice].slice(-most);
  }

  dismiss(notice: Notice): void {
    this.list = this.list.filter((other) => other.id !== notice.id);
  }
}
