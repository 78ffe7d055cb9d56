// What one has said in a conversation and the server has not answered yet: it stands behind everything else.

import type { Post } from '../outbox';
import type { Person, Entry, MessageEntry } from '../types';

export class Tail {
  #entries: readonly MessageEntry[] = [];
  /** Which were sent before or are sent by another tab, so that the server may have them already. */
  readonly #unsure = new Set<string>();
  readonly #elsewhere = new Set<string>();
  /** And which it was seen to have: they stand in the timeline, and until it answers not here. */
  readonly #found = new Set<string>();
  /** Those that another tab has said, and the ids of their messages, which have not come here yet. */
  readonly #said = new Map<string, string>();

  get isEmpty(): boolean {
    return this.#entries.length === 0;
  }

  /** What is shown of it. */
  shown(): readonly MessageEntry[] {
    return this.#entries.filter((entry) => !this.#found.has(entry.key));
  }

  /** What waits to be sent, as it is now. */
  are(posts: readonly Post[], me: Person): void {
    const before = new Map(this.#entries.map((entry) => [entry.key, entry]));
    this.#unsure.clear();
    this.#elsewhere.clear();
    for (const post of posts) {
      if (post.elsewhere) this.#elsewhere.add(post.key);
      if ((post.wasSent || post.elsewhere) && post.failure === null) this.#unsure.add(post.key);
      else if (post.failure !== null) this.#found.delete(post.key);
    }
    const waiting = posts.map((post) => {
      const known = before.get(post.key);
      const status = post.failure === null ? 'pending' : 'failed';
      return known && known.status === status && known.failure === post.failure ? known : entryOf(post, status, me);
    });
    this.#entries = [...this.#entries.filter(({ key }) => this.#said.has(key)), ...waiting].sort((one, other) => one.time - other.time);
  }

  /** Another tab has said it, as the message with this id. */
  isSaid(key: string, id: string): void {
    this.#found.delete(key);
    this.#said.set(key, id);
    this.#entries = this.#entries.map((entry) => (entry.key === key ? { ...entry, id, status: 'sent' } : entry));
  }

  /** Those that are said are not waited for any more, unless `waits` for its message. */
  areSaid(waits: (id: string) => boolean): void {
    for (const [key, id] of this.#said) if (!waits(id)) this.remove(key);
  }

  remove(key: string): void {
    this.#found.delete(key);
    this.#said.delete(key);
    this.#entries = this.#entries.filter((entry) => entry.key !== key);
  }

  /** Another message stands in its place. */
  isFound(key: string): boolean {
    return this.#found.has(key);
  }

  /**
   * A message that the server tells of the past may be one that is on its way here, its answer having been lost, and one that comes
   * now one that another tab has sent: then it is shown in its place. Which is which the answer says (`parlor/once`); until then the same text by oneself, that was not there before, is it.
   */
  foundAs<Kind extends Entry>(entry: Kind): Kind {
    if (entry.kind !== 'message' || !entry.own) return entry;
    for (const [key, id] of this.#said) {
      if (id !== entry.id) continue;
      this.remove(key);
      return { ...entry, key };
    }
    const post = this.#entries.find(
      (post) => this.#unsure.has(post.key) && !this.#found.has(post.key) && post.text === entry.text && post.style === entry.style && post.replyTo === entry.replyTo,
    );
    if (!post) return entry;
    this.#found.add(post.key);
    // Its row stays; that of another tab's may be wanted again.
    return this.#elsewhere.has(post.key) ? entry : { ...entry, key: post.key };
  }
}

function entryOf(post: Post, status: 'pending' | 'failed', me: Person): MessageEntry {
  return {
    kind: 'message',
    key: post.key,
    id: null,
    time: post.at,
    sender: me,
    own: true,
    style: post.style,
    text: post.text,
    mentionsMe: false,
    replyTo: post.replyTo,
    replyCount: 0,
    edited: false,
    deleted: null,
    reactions: [],
    pinned: false,
    onlyFor: null,
    relayedBy: null,
    status,
    failure: post.failure,
  };
}
