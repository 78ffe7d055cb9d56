// All conversations that are known here, by their names; which of them is before the person; and showing at once what has
// changed in several of them.

import { untrack } from 'svelte';
import { alphabetically } from '../format/alphabet';
import { ConversationState } from './conversation/conversation.svelte';
import type { World } from './world';

interface Told {
  /** It has begun here. */
  begun(conversation: ConversationState): void;
  /** Something has changed in it, such as its name; `before`: that one. */
  changed(conversation: ConversationState): void;
  renamed(conversation: ConversationState, before: string): void;
  /** It is gone from here. */
  closed(conversation: ConversationState): void;
  /** The person turned to another one. */
  opened(): void;
}

export class ConversationList {
  /** In the order of their names. */
  list: readonly ConversationState[] = $state.raw([]);
  current: ConversationState | null = $state.raw(null);
  readonly #world: World;
  readonly #told: Told;
  #byKey = new Map<string, ConversationState>();
  readonly #dirty = new Set<ConversationState>();
  #depth = 0;

  constructor(world: World, told: Told) {
    this.#world = world;
    this.#told = told;
  }

  all(): Iterable<ConversationState> {
    return this.#byKey.values();
  }

  known(name: string): ConversationState | undefined {
    return this.#byKey.get(this.#world.isupport.fold(name));
  }

  byId(id: string): ConversationState | undefined {
    return [...this.all()].find((conversation) => conversation.id === id);
  }

  byKey(key: string): ConversationState | undefined {
    return this.#byKey.get(key);
  }

  /** The conversation of this name; it begins with this, if need be. */
  ensure(name: string): ConversationState {
    const known = this.known(name);
    if (known) return known;
    const conversation = new ConversationState(this.#world, name);
    this.#byKey.set(conversation.key, conversation);
    this.#sort();
    this.#told.begun(conversation);
    return conversation;
  }

  #sort(): void {
    this.list = [...this.#byKey.values()].sort((one, other) => alphabetically(one.name, other.name));
  }

  open(name: string): ConversationState {
    const conversation = this.ensure(name);
    if (this.current !== conversation) {
      this.closeCurrent();
      this.current = conversation;
      conversation.opened();
      this.#told.opened();
    }
    return conversation;
  }

  closeCurrent(): void {
    const before = this.current;
    this.current = null;
    before?.left();
    // Where one only looked, and there is nothing, nothing stays.
    if (before?.isEmpty && this.#byKey.get(before.key) === before) this.close(before);
  }

  close(conversation: ConversationState): void {
    if (!this.#byKey.delete(conversation.key)) return;
    if (this.current === conversation) this.closeCurrent();
    this.#dirty.delete(conversation);
    this.#told.closed(conversation);
    this.#sort();
  }

  renamed(conversation: ConversationState, name: string): void {
    const before = conversation.key;
    // One may have come to it by that name, too: then both become one.
    const other = this.known(name) ?? conversation;
    const stays = other.isConfirmed ? other : conversation;
    const goes = stays === other ? conversation : other;
    this.#byKey.delete(before);
    conversation.renamed(name);
    this.#byKey.set(stays.key, stays);
    if (goes !== stays) {
      stays.setDraft([stays.draft, goes.draft].filter(Boolean).join('\n'));
      this.#dirty.delete(goes);
      if (this.current === goes) this.open(name);
    }
    this.#sort();
    this.#told.renamed(stays, before);
    this.touch(stays);
  }

  /** The server compares names in another way than was thought. */
  refold(): void {
    this.#byKey = new Map([...this.#byKey.values()].map((conversation) => [conversation.key, conversation]));
  }

  clear(): void {
    this.#byKey.clear();
    this.#dirty.clear();
    this.list = [];
    this.current = null;
  }

  // What is shown at once

  /** Shows all that is done in it at once. */
  together(work: () => void): void {
    this.#depth += 1;
    try {
      work();
    } finally {
      this.#depth -= 1;
      this.#commit();
    }
  }

  /** It has changed. */
  touch(conversation: ConversationState): void {
    this.#dirty.add(conversation);
    this.#told.changed(conversation);
    this.#commit();
  }

  #commit(): void {
    if (this.#depth > 0) return;
    // Components must not become dependent on what is only written here.
    untrack(() => {
      for (const conversation of this.#dirty) conversation.commit();
      this.#dirty.clear();
    });
  }
}
