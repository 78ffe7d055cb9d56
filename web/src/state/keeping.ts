// What is kept of conversations beyond the page: what one was writing, and the ends of those where something was said last.

import type { ConversationState } from './conversation/conversation.svelte';
import type { KeptConversation, Storage } from './storage';
import type { Tabs } from './tabs';

const mostConversations = 40;
const keepEvery = 2_000;

/** Whose conversations they are. */
interface Owner {
  /** Of guests nothing is kept. */
  readonly account: string | null;
  all(): Iterable<ConversationState>;
}

export class Keeping {
  readonly #storage: Storage;
  readonly #tabs: Tabs;
  readonly #owner: Owner;
  #drafts = new Map<string, string>();
  readonly #unkept = new Set<ConversationState>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(storage: Storage, tabs: Tabs, owner: Owner) {
    this.#storage = storage;
    this.#tabs = tabs;
    this.#owner = owner;
  }

  /** What an earlier visit has left. */
  async read(): Promise<readonly KeptConversation[]> {
    const [kept, drafts] = await Promise.all([this.#storage.conversations(), this.#storage.drafts()]);
    this.#drafts = drafts;
    return kept;
  }

  draft(key: string): string {
    return this.#drafts.get(key) ?? '';
  }

  /** In another tab. */
  draftIs(key: string, text: string): void {
    this.#drafts.set(key, text);
  }

  keepDraft(conversation: ConversationState, text: string): void {
    const { key } = conversation;
    this.#drafts.set(key, text);
    void this.#storage.putDraft(key, text);
    this.#tabs.tell({ kind: 'draft', conversation: key, text });
  }

  /** It has changed. */
  touch(conversation: ConversationState): void {
    this.#unkept.add(conversation);
    this.#timer ??= setTimeout(() => void this.keep(), keepEvery);
  }

  /** Writes the ends of conversations to the disk. */
  async keep(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#owner.account === null || this.#unkept.size === 0) return;
    const latest = [...this.#owner.all()].sort((one, other) => other.lastActive - one.lastActive).slice(0, mostConversations);
    const kept = latest.filter((conversation) => this.#unkept.has(conversation)).map((conversation) => conversation.kept());
    this.#unkept.clear();
    await this.#storage.putConversations(kept, []);
  }

  /** Nothing has changed since it was read, or written. */
  isKept(): void {
    this.#unkept.clear();
  }

  /** There is no conversation of this name any more. */
  forget(key: string, conversation?: ConversationState): void {
    if (conversation) this.#unkept.delete(conversation);
    void this.#storage.putConversations([], [key]);
  }

  clear(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#drafts.clear();
    this.#unkept.clear();
  }
}
