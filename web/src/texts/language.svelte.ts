// The language of the page. Components read `language.texts.ui.…`, which changes when the language does; English is
// there from the start, others are loaded when they are wanted.
import { en, type Texts } from './en/index';

export type LanguageTag = 'en' | 'de';

export const languages: readonly { tag: LanguageTag; name: string }[] = [
  { tag: 'en', name: 'English' },
  { tag: 'de', name: 'Deutsch' },
];

const loaders: Record<LanguageTag, () => Promise<Texts>> = {
  en: async () => en,
  de: async () => (await import('./de/index')).de,
};

const stored = 'parlor.language';

class Language {
  /** What is shown now. */
  texts = $state.raw<Texts>(en);
  tag = $state<LanguageTag>('en');
  /** The tag for Intl: the browser's own where it is of this language (`de-AT`), for its dates and numbers. */
  locale = $derived(localeFor(this.tag));

  /** The language that the person chose, or the first of the browser's that there is. */
  async start(): Promise<void> {
    const chosen = localStorage.getItem(stored);
    const wished = [chosen, ...navigator.languages].map((tag) => tag?.slice(0, 2).toLowerCase());
    const tag = wished.map((tag) => languages.find((language) => language.tag === tag)?.tag).find(Boolean);
    await this.#show(tag ?? 'en');
  }

  async choose(tag: LanguageTag): Promise<void> {
    localStorage.setItem(stored, tag);
    await this.#show(tag);
  }

  async #show(tag: LanguageTag): Promise<void> {
    const texts = await loaders[tag]();
    this.texts = texts;
    this.tag = tag;
    document.documentElement.lang = tag;
  }
}

function localeFor(tag: LanguageTag): string {
  if (typeof navigator === 'undefined') return tag;
  return navigator.languages.find((locale) => locale.toLowerCase().startsWith(tag)) ?? tag;
}

export const language = new Language();
