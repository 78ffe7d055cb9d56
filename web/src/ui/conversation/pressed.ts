// Whether a message has the focus because it was pressed with a pointer. Then letters are no keys of it: who clicked somewhere and
// types is writing.

export class Pressed {
  #isPressing = false;
  #is = false;

  readonly down = (): void => void (this.#isPressing = true);
  readonly up = (): void => void (this.#isPressing = false);
  readonly focused = (): void => void (this.#is = this.#isPressing);

  /** What is typed goes to `field`, as it has the focus when the key is let through. */
  writes(event: KeyboardEvent, field: HTMLElement | null | undefined): boolean {
    const isLetter = event.key.length === 1 && event.key !== ' ';
    if (!this.#is || !isLetter || !(event.target instanceof HTMLElement) || event.target.tagName !== 'ARTICLE') return false;
    field?.focus();
    return true;
  }
}
