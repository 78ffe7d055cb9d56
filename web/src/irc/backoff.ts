// When to try again after a link was lost: exponential back-off with jitter, so that the people of a restarted server do
// not come back in the same second.

export const firstWait = 1_000;
export const longestWait = 60_000;
/** A link that lived so long was a good one. */
export const provenLink = 30_000;

export class Backoff {
  #failures = 0;

  /** `chance`: 0 to 1. A fraction of a ceiling that doubles with each failure, at least a tenth of it. */
  next(chance: number): number {
    const ceiling = Math.min(firstWait * 2 ** Math.min(this.#failures, 10), longestWait);
    this.#failures += 1;
    return ceiling * (0.1 + 0.9 * chance);
  }

  linkLived(milliseconds: number): void {
    if (milliseconds >= provenLink) this.#failures = 0;
  }

  reset(): void {
    this.#failures = 0;
  }
}
