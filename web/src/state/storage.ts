// What outlives the page, in IndexedDB. What was read, the ends of conversations, is of whoever is logged in: it goes when
// somebody else comes, or nobody is here any more. What was typed, unsent messages and drafts, is of whoever typed it, and waits
// for them to come again unless they log out themselves. Where the browser keeps nothing (private windows of some), everything
// works without.

import { openDB, type DBSchema, type IDBPDatabase } from 'idb';
import type { RoomSettings, SessionInfo } from './types';

/** A message on its way, as it is kept until the server has it. */
export interface KeptPost {
  /** Also the key by which the server knows a repetition (`parlor/once`). */
  key: string;
  /** The order of writing. */
  at: number;
  target: string;
  /** The room's id (`parlor/room-id`), which stays whatever it is called; null where the target is none, or it was not known. */
  room: string | null;
  text: string;
  style: 'text' | 'action' | 'notice';
  replyTo: string | null;
  /** Who wrote it (`ownerOf`, or a guest): nobody else sends it. */
  owner: string;
  /** The tab that sends it; none where its writer is not here. */
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
  /** A room's, by which it is known again when it has another name. */
  id: string | null;
  kind: 'room' | 'group' | 'direct';
  /** One only looked at the room. */
  isOut: boolean;
  topic: string;
  readUpTo: number;
  lastActive: number;
  unread: number;
  mentions: number;
  muted: boolean;
  favourite: boolean;
  /** As it was when one was in it: the list shows who may come in. Not there where an earlier page kept it. */
  settings?: RoomSettings;
  people: string[];
  /** Oldest first. */
  messages: KeptMessage[];
}

interface Schema extends DBSchema {
  meta: { key: string; value: SessionInfo };
  outbox: { key: string; value: KeptPost };
  conversations: { key: string; value: KeptConversation };
  drafts: { key: string; value: { key: string; owner: string; conversation: string; text: string } };
}

const name = 'parlor';

/** Whose what is kept is: an account's, whatever it is called. */
export const ownerOf = (info: SessionInfo | undefined): string => `account:${info?.id}`;

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

  /** Who is logged in, as the server said it; what somebody else has read is removed. */
  async belongsTo(info: SessionInfo): Promise<void> {
    await this.#try(async (db) => {
      const transaction = db.transaction(['meta', 'conversations'], 'readwrite');
      const meta = transaction.objectStore('meta');
      const isOther = ownerOf(await meta.get('here')) !== ownerOf(info);
      await Promise.all([isOther && transaction.objectStore('conversations').clear(), meta.put(info, 'here'), transaction.done]);
    });
  }

  /** Who was logged in here last. */
  async here(): Promise<SessionInfo | null> {
    return (await this.#try((db) => db.get('meta', 'here'))) ?? null;
  }

  /** They are here no more. `forGood`: what they were writing goes, too. */
  async leave(owner: string, forGood: boolean): Promise<void> {
    await this.#try(async (db) => {
      const transaction = db.transaction(['meta', 'conversations', 'drafts'], 'readwrite');
      const meta = transaction.objectStore('meta');
      if (ownerOf(await meta.get('here')) === owner) {
        await meta.clear();
        await transaction.objectStore('conversations').clear();
      }
      const drafts = transaction.objectStore('drafts');
      for (const draft of forGood ? await drafts.getAll() : []) if (draft.owner === owner) await drafts.delete(draft.key);
      await transaction.done;
    });
  }

  async posts(): Promise<KeptPost[]> {
    const posts = (await this.#try((db) => db.getAll('outbox'))) ?? [];
    return posts.sort((one, other) => one.at - other.at);
  }

  async putPost(post: KeptPost): Promise<void> {
    await this.#try((db) => db.put('outbox', post));
  }

  /**
   * Takes what a closed tab left, `from`, or one that lives may not get through with: true if it is this tab's now, false if another
   * one was quicker, or it was taken care of.
   */
  async adoptPost(key: string, to: string, from?: string): Promise<boolean> {
    const adopted = await this.#try(async (db) => {
      const transaction = db.transaction('outbox', 'readwrite');
      const post = await transaction.store.get(key);
      if (!post || (from === undefined ? post.failure !== null : post.tab !== from)) return false;
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

  /** Nothing, where somebody else is logged in by now. Of guests nothing is kept. */
  async putConversations(owner: string | null, kept: readonly KeptConversation[], gone: readonly string[]): Promise<void> {
    await this.#try(async (db) => {
      const transaction = db.transaction(['meta', 'conversations'], 'readwrite');
      if (ownerOf(await transaction.objectStore('meta').get('here')) !== owner) return;
      const store = transaction.objectStore('conversations');
      await Promise.all([
        ...kept.map((conversation) => store.put(conversation)),
        ...gone.map((key) => store.delete(key)),
        transaction.done,
      ]);
    });
  }

  async drafts(owner: string | null): Promise<Map<string, string>> {
    const drafts = (await this.#try((db) => db.getAll('drafts'))) ?? [];
    return new Map(drafts.filter((draft) => draft.owner === owner).map(({ conversation, text }) => [conversation, text]));
  }

  async putDraft(owner: string | null, conversation: string, text: string): Promise<void> {
    const key = `${owner} ${conversation}`;
    if (owner !== null) await this.#try<unknown>((db) => (text ? db.put('drafts', { key, owner, conversation, text }) : db.delete('drafts', key)));
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
