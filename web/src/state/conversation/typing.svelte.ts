// Who is writing just now (IRCv3 typing), until they have stopped, or have not been heard of for so long as it says; and
// when others are told that one is writing oneself.

const most = 20;
const activeLasts = 6_000;
const pauseLasts = 30_000;
const sayEvery = 3_000;

export class Typing {
  /** Nicks. */
  names: readonly string[] = $state.raw([]);
  readonly #until = new Map<string, number>();
  readonly #now: () => number;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #saidAt = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** The value of `+typing`. */
  heard(nick: string, typing: string): void {
    this.#until.delete(nick);
    const lasts = typing === 'active' ? activeLasts : typing === 'paused' ? pauseLasts : 0;
    if (lasts > 0 && this.#until.size < most) this.#until.set(nick, this.#now() + lasts);
    this.#show();
  }

  stops(nick: string): void {
    if (this.#until.delete(nick)) this.#show();
  }

  clear(): void {
    this.#until.clear();
    this.#show();
  }

  /** One has so much in one's own field: what others are to be told of it, if anything. */
  toSay(text: string): 'active' | 'done' | null {
    const now = this.#now();
    const writes = text !== '' && !text.startsWith('/');
    if (writes ? now - this.#saidAt < sayEvery : this.#saidAt === 0) return null;
    this.#saidAt = writes ? now : 0;
    return writes ? 'active' : 'done';
  }

  /** What one wrote was sent, or is left. */
  ended(): void {
    this.#saidAt = 0;
  }

  #show(): void {
    clearTimeout(this.#timer);
    const now = this.#now();
    for (const [nick, until] of this.#until) if (until <= now) this.#until.delete(nick);
    const names = [...this.#until.keys()];
    if (names.join(' ') !== this.names.join(' ')) this.names = names;
    if (names.length > 0) this.#timer = setTimeout(() => this.#show(), Math.min(...this.#until.values()) - now + 50);
  }
}
