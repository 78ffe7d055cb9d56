// What outlives the page, in IndexedDB: unsent messages, the ends of conversations, drafts. All of one person: when
// somebody else logs in, or the person logs out, it is emptied. Where the browser keeps nothing (private windows of some),
// everything works without.

import { deleteDB, openDB, type DBSchema, type IDBPDatabase } from 'idb';

/** A message on its way, as it is kept until the server has it. */
export interface KeptPost {
  /** Also the key by which the server knows a repetition (`parlor/once`). */
  key: string;
  /** The order of writing. */
  at: number;
  target: string;
  text: string;
  style: 'text' | 'action' | 'notice';
  replyTo: string | null;
  /** The tab that sends it. */
  tab: string;
  /** It was written to a link with its key: it may be on the server already. */
  wasSent: boolean;
  /** Why it will not be sent by itself any more. */
  failure: string | null;
}

export interface KeptMessage {
  id: string;
  time: number;
  nick: string;
  account: string | null;
  personId: string | null;
  own: boolean;
  style: 'text' | 'action' | 'notice';
  text: string;
  mentionsMe: boolean;
  replyTo: string | null;
  edited: boolean;
  deleted: { by: string; reason: string | null } | null;
  reactions: { text: string; people: string[]; own: boolean }[];
}

export interface KeptConversation {
  key: string;
  name: string;
  kind: 'room' | 'group' | 'direct';
  topic: string;
  readUpTo: number;
  lastActive: number;
  unread: number;
  mentions: number;
  muted: boolean;
  favourite: boolean;
  people: string[];
  /** Oldest first. */
  messages: KeptMessage[];
}

interface Schema extends DBSchema {
  meta: { key: string; value: string };
  outbox: { key: string; value: KeptPost };
  conversations: { key: string; value: KeptConversation };
  drafts: { key: string; value: { key: string; text: string } };
}

const name = 'parlor';

export class Storage {
  #db: IDBPDatabase<Schema> | null = null;

  async open(): Promise<void> {
    try {
      this.#db = await openDB<Schema>(name, 1, {
        upgrade: (db) => {
          db.createObjectStore('meta');
          db.createObjectStore('outbox', { keyPath: 'key' });
          db.createObjectStore('conversations', { keyPath: 'key' });
          db.createObjectStore('drafts', { keyPath: 'key' });
        },
        // Another tab wants to remove it: it must not wait for this one.
        blocking: () => this.#close(),
        terminated: () => (this.#db = null),
      });
    } catch {
      this.#db = null;
    }
  }

  /** Whose it is; what somebody else left is removed. */
  async belongsTo(owner: string): Promise<void> {
    await this.#try(async (db) => {
      if ((await db.get('meta', 'owner')) === owner) return;
      const transaction = db.transaction(['meta', 'outbox', 'conversations', 'drafts'], 'readwrite');
      await Promise.all([
        transaction.objectStore('outbox').clear(),
        transaction.objectStore('conversations').clear(),
        transaction.objectStore('drafts').clear(),
        transaction.objectStore('meta').put(owner, 'owner'),
        transaction.done,
      ]);
    });
  }

  async owner(): Promise<string | null> {
    return (await this.#try((db) => db.get('meta', 'owner'))) ?? null;
  }

  async posts(): Promise<KeptPost[]> {
    const posts = (await this.#try((db) => db.getAll('outbox'))) ?? [];
    return posts.sort((one, other) => one.at - other.at);
  }

  async putPost(post: KeptPost): Promise<void> {
    await this.#try((db) => db.put('outbox', post));
  }

  /** Takes what a closed tab left: true if it is this tab's now, false if another one was quicker. */
  async adoptPost(key: string, from: string, to: string): Promise<boolean> {
    const adopted = await this.#try(async (db) => {
      const transaction = db.transaction('outbox', 'readwrite');
      const post = await transaction.store.get(key);
      if (!post || post.tab !== from) return false;
      await transaction.store.put({ ...post, tab: to });
      await transaction.done;
      return true;
    });
    return adopted ?? false;
  }

  async removePost(key: string): Promise<void> {
    await this.#try((db) => db.delete('outbox', key));
  }

  async conversations(): Promise<KeptConversation[]> {
    return (await this.#try((db) => db.getAll('conversations'))) ?? [];
  }

  async putConversations(kept: readonly KeptConversation[], gone: readonly string[]): Promise<void> {
    await this.#try(async (db) => {
      const transaction = db.transaction('conversations', 'readwrite');
      await Promise.all([
        ...kept.map((conversation) => transaction.store.put(conversation)),
        ...gone.map((key) => transaction.store.delete(key)),
        transaction.done,
      ]);
    });
  }

  async drafts(): Promise<Map<string, string>> {
    const drafts = (await this.#try((db) => db.getAll('drafts'))) ?? [];
    return new Map(drafts.map(({ key, text }) => [key, text]));
  }

  async putDraft(key: string, text: string): Promise<void> {
    await this.#try<unknown>((db) => (text ? db.put('drafts', { key, text }) : db.delete('drafts', key)));
  }

  /** Everything goes. */
  async remove(): Promise<void> {
    this.#close();
    try {
      await deleteDB(name);
    } catch {
      // There was none, or it cannot be had.
    }
  }

  #close(): void {
    this.#db?.close();
    this.#db = null;
  }

  async #try<Result>(work: (db: IDBPDatabase<Schema>) => Promise<Result>): Promise<Result | undefined> {
    if (!this.#db) return undefined;
    try {
      return await work(this.#db);
    } catch {
      // Full, or taken away by the browser: what can be kept is kept in memory.
      return undefined;
    }
  }
}
