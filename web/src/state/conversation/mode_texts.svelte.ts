// What somebody did to a room's modes, in words: few first visits show any of it, so the words come with the first that does.

import { language, type LanguageTag } from '../../texts/language.svelte';

type Texts = typeof import('../../texts/en/modes').modes;

const loaders: Record<LanguageTag, () => Promise<Texts>> = {
  en: async () => (await import('../../texts/en/modes')).modes,
  de: async () => (await import('../../texts/de/modes')).modes,
};

class ModeTexts {
  #texts: Texts | null = $state.raw(null);
  #tag: LanguageTag | null = null;

  /** Null: they are on their way. */
  get texts(): Texts | null {
    void this.load();
    return this.#texts;
  }

  async load(): Promise<void> {
    const { tag } = language;
    if (tag === this.#tag) return;
    this.#tag = tag;
    try {
      const texts = await loaders[tag]();
      if (this.#tag === tag) this.#texts = texts;
    } catch {
      this.#tag = null;
    }
  }
}

export const modeTexts = new ModeTexts();
