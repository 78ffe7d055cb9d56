// Messages on their way. A message is kept on disk before it is sent, until the server has it, with a key by which the
// server knows a repetition (`parlor/once`): after a lost link, a reload or a crash it is said again, and arrives once.
// Each tab sends its own; what a closed tab has left is taken over by one that is of the same person.

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
}

export class Outbox {
  /** In the order of writing. */
  posts: readonly Post[] = [];
  readonly #storage: Storage;
  readonly #tabs: Tabs;
  readonly #now: () => number;
  #last = 0;
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
    };
    this.#unwritten.add(post.key);
    this.#set([...this.posts, post]);
    await this.#keep(post);
    this.#unwritten.delete(post.key);
    this.changed();
    return post;
  }

  /** Takes over what tabs of the same person have left that are no more. Gives what is new here. */
  async adopt(): Promise<Post[]> {
    const { owner } = this.#tabs;
    const [kept, living] = [await this.#storage.posts(), await this.#tabs.living()];
    const adopted: Post[] = [];
    for (const post of kept) {
      if (living.has(post.tab) || this.find(post.key) || this.#tabs.owner !== owner) continue;
      if (post.owner !== owner) {
        if (this.#now() - post.at > keptFor) await this.#storage.removePost(post.key);
        continue;
      }
      if (!(await this.#storage.adoptPost(post.key, post.tab, this.#tabs.id))) continue;
      adopted.push({ ...post, target: this.nameOf(post), tab: this.#tabs.id, inFlight: false });
    }
    if (adopted.length > 0 && this.#tabs.owner === owner) {
      this.#set([...this.posts, ...adopted].sort((one, other) => one.at - other.at));
      this.#last = Math.max(this.#last, ...adopted.map((post) => post.at));
    }
    return adopted;
  }

  /**
   * The next one that may be sent, marked as sent on disk before it is. `ready`: whether the target can be written to.
   * The order within a target is kept; one that is not ready holds up no other.
   */
  async next(withKeys: boolean, ready: (target: string) => boolean): Promise<Post | null> {
    if (this.posts.filter((post) => post.inFlight).length >= mostInFlight) return null;
    const post = this.posts.find((post) => !post.inFlight && post.failure === null && ready(post.target));
    if (!post) return null;
    const sent = { ...post, inFlight: true, wasSent: true };
    this.#replace(sent);
    // Without keys a repetition would be a second message: it must be known that it was tried.
    if (withKeys) void this.#keep(sent);
    else await this.#keep(sent);
    return sent;
  }

  /** The server has it. */
  async done(key: string): Promise<void> {
    this.#set(this.posts.filter((post) => post.key !== key));
    await this.#storage.removePost(key);
    this.#tabs.tell({ kind: 'posted', key });
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
  }

  /** The person wants it tried again. As a new message where the server said no; else with its key. */
  async again(key: string): Promise<void> {
    const post = this.find(key);
    if (!post || post.failure === null) return;
    const retried = { ...post, inFlight: false, failure: null };
    this.#replace(retried);
    await this.#keep(retried);
  }

  async discard(key: string): Promise<void> {
    this.#set(this.posts.filter((post) => post.key !== key));
    await this.#storage.removePost(key);
  }

  /** Whoever wrote them is not here any more: unless that is `forGood` they wait on the disk, for whichever tab she comes to. */
  async leave(forGood: boolean): Promise<void> {
    const { posts } = this;
    this.#set([]);
    for (const post of posts) await (forGood ? this.#storage.removePost(post.key) : this.#keep({ ...post, tab: '' }));
  }

  /** The link is gone. What was under way goes again where the server knows the key on the next link; `unknown` says what else. */
  async linkLost(keysSurvive: boolean, unknown: string): Promise<void> {
    for (const post of this.posts.filter((post) => post.inFlight)) {
      this.#replace({ ...post, inFlight: false });
      if (!keysSurvive) await this.fail(post.key, unknown);
    }
  }

  /** A link is there. What was sent before and cannot be told apart from a new one any more is not sent by itself. */
  async linkReady(knowsKeys: boolean, unknown: string): Promise<void> {
    for (const post of this.posts) {
      if (!post.wasSent || post.inFlight || post.failure !== null) continue;
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
    const { inFlight: _, ...kept } = post;
    return this.#storage.putPost(kept);
  }
}
