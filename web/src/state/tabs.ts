// Other tabs of the same browser: which of them still live (Web Locks), and what they tell each other (BroadcastChannel).

export type Told =
  /** The person has read there up to this time. */
  | { kind: 'read'; conversation: string; upTo: number }
  | { kind: 'draft'; conversation: string; text: string }
  /** What waits in the outbox has changed. */
  | { kind: 'outbox' }
  /** A message of the outbox is taken care of: said, with this id, or thrown away. */
  | { kind: 'posted'; key: string; id: string | null }
  /** The person logged out or in, in another tab; `sentence`: or is no more, as that is said. */
  | { kind: 'session'; sentence?: string | null }
  /** A tab is looked at, or no longer. */
  | { kind: 'looked'; tab: string; conversation: string | null };

const lockOfTab = 'parlor.tab.';

export class Tabs {
  readonly id = randomId();
  /** Whose it is (`ownerOf`, or a guest's); null while nobody is here. Another one may be somebody else's. */
  owner: string | null = null;
  /** Tabs that are looked at, and where. */
  readonly looking = new Map<string, string>();
  #channel: BroadcastChannel | null = typeof BroadcastChannel === 'undefined' ? null : new BroadcastChannel('parlor');
  #isFirst = false;
  /** Told when another tab is no more. */
  gone: () => void = () => {};
  readonly #watched = new Set<string>();
  #close: (() => void) | null = null;

  /** `hear`: what others tell. The lock of this tab is had when it resolves. */
  async start(hear: (told: Told) => void): Promise<void> {
    if (this.#channel) {
      this.#channel.onmessage = ({ data }: MessageEvent<Told & { owner: string | null }>) => {
        if (data.kind !== 'session' && data.kind !== 'looked' && data.owner !== this.owner) return;
        if (data.kind === 'looked') {
          this.#watch(data.tab);
          if (data.conversation === null) this.looking.delete(data.tab);
          else this.looking.set(data.tab, data.conversation);
        }
        hear(data);
      };
    }
    const locks = navigator.locks;
    if (!locks) {
      this.#isFirst = true;
      return;
    }
    const held = new Promise<void>((resolve) => (this.#close = resolve));
    await new Promise<void>((resolve) => {
      void locks.request(lockOfTab + this.id, () => {
        resolve();
        return held;
      });
    });
    // Whoever has it speaks for all: notifications come once.
    void locks.request('parlor.first', () => {
      this.#isFirst = true;
      return held;
    });
    for (const tab of await this.living()) this.#watch(tab);
  }

  /** A tab may close, or crash, without a word: but then its lock can be had. */
  #watch(tab: string): void {
    if (tab === this.id || this.#watched.has(tab) || !navigator.locks) return;
    this.#watched.add(tab);
    void navigator.locks.request(lockOfTab + tab, { mode: 'shared' }, () => {
      this.#watched.delete(tab);
      this.looking.delete(tab);
      this.gone();
    });
  }

  stop(): void {
    this.#close?.();
    this.#channel?.close();
    this.#channel = null;
  }

  tell(told: Told, owner = this.owner): void {
    this.#channel?.postMessage({ ...told, owner });
  }

  get isFirst(): boolean {
    return this.#isFirst;
  }

  /** The tabs that live, this one among them. */
  async living(): Promise<Set<string>> {
    const held = (await navigator.locks?.query())?.held ?? [];
    const tabs = held.map((lock) => lock.name ?? '').filter((name) => name.startsWith(lockOfTab));
    return new Set([this.id, ...tabs.map((name) => name.slice(lockOfTab.length))]);
  }
}

export function randomId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return Array.from(bytes, (byte) => byte.toString(36).padStart(2, '0')).join('').slice(0, 20);
}
