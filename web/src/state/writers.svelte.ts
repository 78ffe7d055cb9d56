// Who is writing just now (IRCv3 typing), until they have stopped, or have not been heard of for so long as it says.

const most = 20;
const activeLasts = 6_000;
const pauseLasts = 30_000;

export class Writers {
  names: readonly string[] = $state.raw([]);
  readonly #until = new Map<string, number>();
  readonly #now: () => number;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** The value of `+typing`. */
  say(nick: string, typing: string): void {
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

  #show(): void {
    clearTimeout(this.#timer);
    const now = this.#now();
    for (const [nick, until] of this.#until) if (until <= now) this.#until.delete(nick);
    const names = [...this.#until.keys()];
    if (names.join(' ') !== this.names.join(' ')) this.names = names;
    if (names.length > 0) this.#timer = setTimeout(() => this.#show(), Math.min(...this.#until.values()) - now + 50);
  }
}
