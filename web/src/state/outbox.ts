// Messages on their way. A message is kept on disk before it is sent, until the server has it, with a key by which the
// server knows a repetition (`parlor/once`): after a lost link, a reload or a crash it is said again, and arrives once.
// Each tab sends its own, and what a closed tab has left. All tabs of a person show what waits; and one that says something where
// another tab's waits says that first: the order is that of writing. Whether it waits, or was written to a link that hangs, only the
// disk knows of all tabs: it is asked for each message.

import type { KeptPost, Storage } from './storage';
import { randomId, type Tabs } from './tabs';

export const mostWaiting = 1_000;
/** Sent and not answered at a time. */
export const mostInFlight = 32;
/** The server remembers a key for 24 hours; an hour is left for clocks. */
export const keyLifetime = 23 * 3_600_000;
/** So long they wait for whoever wrote them: as long as a browser that is not used stays logged in. */
export const keptFor = 30 * 86_400_000;

export interface Post extends KeptPost {
  inFlight: boolean;
  /** Another tab sends it. */
  elsewhere: boolean;
}

export class Outbox {
  /** In the order of writing. */
  posts: readonly Post[] = [];
  readonly #storage: Storage;
  readonly #tabs: Tabs;
  readonly #now: () => number;
  #last = 0;
  /** Readings of the disk under way, and what was taken care of meanwhile. */
  #reads = 0;
  readonly #gone = new Set<string>();
  /** On their way to the disk. */
  readonly #unwritten = new Set<string>();
  /** Told when `posts` changed. */
  changed: () => void = () => {};
  /** What the place for which it was written is called now. */
  nameOf: (post: KeptPost) => string = ({ target }) => target;

  constructor(storage: Storage, tabs: Tabs, now: () => number = Date.now) {
    this.#storage = storage;
    this.#tabs = tabs;
    this.#now = now;
  }

  /** That will be sent, whatever happens to this page: they are on disk. */
  get unsent(): number {
    return this.posts.filter((post) => post.failure === null && !this.#unwritten.has(post.key)).length;
  }

  /** Null: too many wait. It may be sent when this resolves: it is on disk. */
  async add(target: string, room: string | null, text: string, style: Post['style'], replyTo: string | null): Promise<Post | null> {
    if (this.posts.length >= mostWaiting) return null;
    this.#last = Math.max(this.#now(), this.#last + 1);
    const post: Post = {
      key: randomId(),
      at: this.#last,
      target,
      room,
      text,
      style,
      replyTo,
      owner: this.#tabs.owner ?? '',
      tab: this.#tabs.id,
      wasSent: false,
      failure: null,
      inFlight: false,
      elsewhere: false,
    };
    this.#unwritten.add(post.key);
    this.#set([...this.posts, post]);
    // What another tab was not answered yet was written before it.
    await Promise.all([this.#keep(post), this.#isShared && this.read()]);
    this.#unwritten.delete(post.key);
    this.changed();
    return post;
  }

  /** What waits of this person: what tabs have left that are no more is this tab's from now on. */
  async read(): Promise<void> {
    this.#reads += 1;
    try {
      await this.#read();
    } finally {
      this.#reads -= 1;
      if (this.#reads === 0) this.#gone.clear();
    }
  }

  async #read(): Promise<void> {
    const { owner, id } = this.#tabs;
    const [kept, living] = [await this.#storage.posts(), await this.#tabs.living()];
    const others: Post[] = [];
    let adopted = false;
    for (const post of kept) {
      if (this.#tabs.owner !== owner) return;
      if (post.owner !== owner) {
        if (!living.has(post.tab) && this.#now() - post.at > keptFor) await this.#storage.removePost(post.key);
        continue;
      }
      const known = this.find(post.key);
      if (known && !known.elsewhere) continue;
      // Taken over just now; or gone since, as all that this tab sends is known to it.
      if (post.tab === id) {
        if (known) others.push(known);
        continue;
      }
      const elsewhere = living.has(post.tab);
      if (elsewhere) {
        // A guest is one of one tab, whatever others were made of it.
        if (!this.#isShared) continue;
      } else {
        // Another tab was quicker, and says so.
        if (!(await this.#storage.adoptPost(post.key, id, post.tab))) continue;
        adopted = true;
      }
      others.push({ ...post, target: this.nameOf(post), tab: elsewhere ? post.tab : id, inFlight: false, elsewhere });
    }
    if (this.#tabs.owner !== owner) return;
    const own = this.posts.filter((post) => !post.elsewhere);
    // What became this tab's own meanwhile is known better.
    const waiting = others.filter(({ key }) => !this.#gone.has(key) && !own.some((post) => post.key === key));
    if (waiting.length === 0 && own.length === this.posts.length) return;
    this.#set([...own, ...waiting].sort((one, other) => one.at - other.at));
    this.#last = Math.max(this.#last, ...waiting.map((post) => post.at));
    if (adopted) this.tellOthers();
  }

  /** Of guests the server knows no key again: each tab's are its own. */
  get #isShared(): boolean {
    return this.#tabs.owner?.startsWith('account:') ?? false;
  }

  /** What waits has changed. Who is online need not say so of each message: it is there at once. */
  tellOthers(): void {
    this.#tabs.tell({ kind: 'outbox' });
  }

  /** Another tab says that it is taken care of. */
  forget(key: string): void {
    if (this.#reads > 0) this.#gone.add(key);
    if (this.find(key)) this.#set(this.posts.filter((post) => post.key !== key));
  }

  /**
   * The next one that may be sent, marked as sent on disk before it is. `ready`: whether the target can be written to.
   * The order within a target is kept; one that is not ready holds up no other.
   */
  async next(withKeys: boolean, ready: (target: string) => boolean): Promise<Post | null> {
    if (this.posts.filter((post) => post.inFlight).length >= mostInFlight) return null;
    for (const post of this.posts) {
      if (post.inFlight || post.failure !== null || !ready(post.target)) continue;
      if (post.elsewhere) {
        const isFollowed = this.posts.some((later) => !later.elsewhere && later.failure === null && later.target === post.target && later.at > post.at);
        if (!isFollowed || !withKeys) continue;
        // Both may say it then: it has one key. And whoever says it second says all that was before it, too.
        if (!(await this.#storage.adoptPost(post.key, this.#tabs.id))) {
          this.forget(post.key);
          return this.next(withKeys, ready);
        }
        this.tellOthers();
      }
      return this.#sends(post, withKeys);
    }
    return null;
  }

  async #sends(post: Post, withKeys: boolean): Promise<Post> {
    const sent = { ...post, tab: this.#tabs.id, elsewhere: false, inFlight: true, wasSent: true };
    this.#replace(sent);
    // Without keys a repetition would be a second message: it must be known that it was tried.
    if (withKeys) void this.#keep(sent);
    else await this.#keep(sent);
    return sent;
  }

  /** The server has it, as the message with this id. */
  async done(key: string, id: string | null = null, owner = this.#tabs.owner): Promise<void> {
    this.forget(key);
    await this.#storage.removePost(key);
    this.#tabs.tell({ kind: 'posted', key, id }, owner);
  }

  /** Rooms have other names: what was written for them goes with them. */
  async renamed(nameOf = this.nameOf): Promise<void> {
    for (const post of this.posts) {
      const target = nameOf(post);
      if (target === post.target) continue;
      const moved = { ...post, target };
      this.#replace(moved);
      await this.#keep(moved);
    }
  }

  async fail(key: string, sentence: string): Promise<void> {
    const post = this.find(key);
    if (!post) return;
    const failed = { ...post, inFlight: false, failure: sentence };
    this.#replace(failed);
    await this.#keep(failed);
    this.tellOthers();
  }

  /** The person wants it tried again. As a new message where the server said no; else with its key. */
  async again(key: string): Promise<void> {
    const post = this.find(key);
    if (!post || post.failure === null) return;
    const retried = { ...post, tab: this.#tabs.id, elsewhere: false, inFlight: false, failure: null };
    this.#replace(retried);
    await this.#keep(retried);
    this.tellOthers();
  }

  discard(key: string): Promise<void> {
    return this.done(key);
  }

  /** Whoever wrote them is not here any more: unless that is `forGood` they wait on the disk, for whichever tab she comes to. */
  async leave(forGood: boolean): Promise<void> {
    const { posts } = this;
    this.#set([]);
    for (const post of posts) {
      if (forGood) await this.done(post.key, null, post.owner);
      else if (!post.elsewhere) await this.#keep({ ...post, tab: '' });
    }
  }

  /** The link is gone. What was under way goes again where the server knows the key on the next link; `unknown` says what else. */
  async linkLost(keysSurvive: boolean, unknown: string): Promise<void> {
    for (const post of this.posts.filter((post) => post.inFlight)) {
      this.#replace({ ...post, inFlight: false });
      if (!keysSurvive) await this.fail(post.key, unknown);
    }
    if (this.posts.length > 0) this.tellOthers();
  }

  /** A link is there. What was sent before and cannot be told apart from a new one any more is not sent by itself. */
  async linkReady(knowsKeys: boolean, unknown: string): Promise<void> {
    for (const post of this.posts) {
      if (!post.wasSent || post.inFlight || post.elsewhere || post.failure !== null) continue;
      if (!knowsKeys || this.#now() - post.at > keyLifetime) await this.fail(post.key, unknown);
    }
  }

  find(key: string): Post | undefined {
    return this.posts.find((post) => post.key === key);
  }

  #replace(post: Post): void {
    this.#set(this.posts.map((known) => (known.key === post.key ? post : known)));
  }

  #set(posts: readonly Post[]): void {
    this.posts = posts;
    this.changed();
  }

  #keep(post: Post): Promise<void> {
    const { inFlight: _, elsewhere: _elsewhere, ...kept } = post;
    return this.#storage.putPost(kept);
  }
}
