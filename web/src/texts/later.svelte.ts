// Texts that are loaded with the parts that show them: they come in the language of now, and follow it.
import { language, type LanguageTag } from './language.svelte';

class Later<Texts> {
  texts = $state.raw() as Texts;

  constructor(first: Texts, load: (tag: LanguageTag) => Promise<Texts>) {
    this.texts = first;
    $effect.root(() => {
      $effect(() => {
        const tag = language.tag;
        load(tag).then(
          (texts) => {
            if (language.tag === tag) this.texts = texts;
          },
          // Without a link the part stays in the language that it has.
          () => undefined,
        );
      });
    });
  }
}

/** Whoever imports what this gives waits: nothing is shown in one language first and in another then. */
export async function later<Texts>(load: (tag: LanguageTag) => Promise<Texts>): Promise<Later<Texts>> {
  return new Later(await load(language.tag), load);
}
