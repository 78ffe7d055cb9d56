import type { IconName } from './icons';

/** Icons that are loaded when the first of them is to be seen. */
class LaterIcons {
  #paths: Partial<Record<IconName, string>> = $state.raw({});
  #isAsked = false;

  load(): void {
    if (this.#isAsked) return;
    this.#isAsked = true;
    import('./more_icons').then(
      ({ moreIcons }) => (this.#paths = moreIcons),
      () => (this.#isAsked = false),
    );
  }

  path(name: IconName): string | undefined {
    this.load();
    return this.#paths[name];
  }
}

export const laterIcons = new LaterIcons();
