// Names that are meant, though they were not typed as they are.
import { bare, fit } from '../conversation/completion';

/** As `fit`; and 3 where a word in it begins so but for one mistake in typing, 4 where all letters are in it in their order. */
export function nearly(name: string, words: string): 0 | 1 | 2 | 3 | 4 | null {
  const fits = fit(name, words);
  if (fits !== null) return fits;
  const several = words.split(/\s+/);
  if (several.length > 1) {
    const each = several.map((word) => fit(name, word));
    return each.includes(null) ? null : 2;
  }
  const [all, part] = [bare(name), bare(words)];
  // Of two letters nearly everything is nearly a name.
  if (part.length < 3) return null;
  if (all.split(/[^\p{L}\p{N}]+/u).some((word) => isMistyped(word, part))) return 3;
  let at = -1;
  for (const letter of part) {
    at = all.indexOf(letter, at + 1);
    if (at < 0) return null;
  }
  return 4;
}

/** The word begins with what was typed, if one letter of that is left out, put in, changed, or two stand in the wrong order. */
function isMistyped(word: string, typed: string): boolean {
  let at = 0;
  while (at < typed.length && typed.charAt(at) === word.charAt(at)) at += 1;
  const rest = typed.slice(at + 1);
  const swapped = typed.charAt(at + 1) + typed.charAt(at) + typed.slice(at + 2);
  return word.startsWith(rest, at) || word.startsWith(rest, at + 1) || word.startsWith(typed.slice(at), at + 1) || word.startsWith(swapped, at);
}
