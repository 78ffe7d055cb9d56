// The texts of what is loaded when it is opened: they come with it, in the language of now, and follow it.
import { language, type LanguageTag } from './language.svelte';

type Texts = typeof import('./en/more').more;

const load = async (tag: LanguageTag): Promise<Texts> => (tag === 'de' ? (await import('./de/more')).more : (await import('./en/more')).more);

class More {
  texts = $state.raw() as Texts;

  constructor(first: Texts) {
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

// Whoever imports this waits: nothing is shown in one language first and in another then.
export const more = new More(await load(language.tag));
