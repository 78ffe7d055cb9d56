// When new messages are said to screen readers: one by one, and together when they come faster than they can be listened to.

/** Milliseconds that one is given to listen. */
const pause = 2_000;

export class Announcer<Message> {
  readonly #speak: (messages: readonly Message[]) => void;
  #spokenAt = Number.NEGATIVE_INFINITY;
  /** What came since, and waits until that has been listened to. */
  #waiting: Message[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `speak`: says one message, or several that came meanwhile. */
  constructor(speak: (messages: readonly Message[]) => void) {
    this.#speak = speak;
  }

  /** `gather`: more of the kind is on its way. */
  came(message: Message, gather: boolean): void {
    this.#waiting.push(message);
    if (this.#timer !== undefined) return;
    if (!gather && Date.now() - this.#spokenAt > pause) this.#now();
    else this.#timer = setTimeout(() => this.#now(), pause);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#waiting = [];
  }

  #now(): void {
    const messages = this.#waiting;
    this.stop();
    this.#spokenAt = Date.now();
    this.#speak(messages);
  }
}
