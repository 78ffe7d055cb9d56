// What is kept of conversations beyond the page: what one was writing, and the ends of those where something was said last.

import type { ConversationState } from './conversation/conversation.svelte';
import type { KeptConversation, Storage } from './storage';
import type { Tabs } from './tabs';

const mostConversations = 40;
const keepEvery = 2_000;

/** Whose conversations they are. */
interface Owner {
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
  read(): Promise<readonly KeptConversation[]> {
    return this.#storage.conversations();
  }

  /** Somebody is here: what she was writing when she was here last stands there again. */
  async readDrafts(): Promise<void> {
    const drafts = await this.#storage.drafts(this.#tabs.owner);
    this.#drafts = new Map([...drafts, ...this.#drafts]);
    for (const conversation of this.#owner.all()) if (!conversation.draft) conversation.setDraft(this.draft(conversation.key));
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
    void this.#storage.putDraft(this.#tabs.owner, key, text);
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
    if (this.#unkept.size === 0) return;
    const latest = [...this.#owner.all()].sort((one, other) => other.lastActive - one.lastActive).slice(0, mostConversations);
    const kept = latest.filter((conversation) => this.#unkept.has(conversation)).map((conversation) => conversation.kept());
    this.#unkept.clear();
    await this.#storage.putConversations(this.#tabs.owner, kept, []);
  }

  /** Nothing has changed since it was read, or written. */
  isKept(): void {
    this.#unkept.clear();
  }

  /** What is being written there goes with it. */
  renamed(conversation: ConversationState, before: string): void {
    if (before === conversation.key) return;
    this.forget(before);
    if (!conversation.draft) return;
    this.keepDraft(conversation, conversation.draft);
    this.#drafts.delete(before);
    void this.#storage.putDraft(this.#tabs.owner, before, '');
  }

  /** There is no conversation of this name any more. */
  forget(key: string, conversation?: ConversationState): void {
    if (conversation) this.#unkept.delete(conversation);
    void this.#storage.putConversations(this.#tabs.owner, [], [key]);
  }

  clear(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#drafts.clear();
    this.#unkept.clear();
  }
}
