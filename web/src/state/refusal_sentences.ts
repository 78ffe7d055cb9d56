// The sentences of refusals, which are many: loaded when the first one is needed (refusals.ts).

import type { Failure } from '../irc/failure';
import { language, type LanguageTag } from '../texts/language.svelte';
import { asSentence } from './refusals';

export interface RefusalTexts {
  /** By numeric, or by it and the mode that it is about: `696 k` names that in its second parameter, `404 +W` in its text.
      `{1}` … are what stands behind one's own nick, `{text}` is the last, `{number}` a number in that. */
  readonly numerics: Readonly<Record<string, string>>;
  /** By `COMMAND CODE`, or by the code alone where it means the same everywhere. `{command}` is the command. */
  readonly replies: Readonly<Record<string, string>>;
}

const loaders: Record<LanguageTag, () => Promise<RefusalTexts>> = {
  en: async () => (await import('../texts/en/refusals')).refusals,
  de: async () => (await import('../texts/de/refusals')).refusals,
};

export async function sentence(failure: Failure): Promise<string | undefined> {
  return sentenceOf(await loaders[language.tag](), failure);
}

export function sentenceOf(texts: RefusalTexts, failure: Failure): string | undefined {
  const text = failure.context.at(-1) ?? '';
  const mode = /\((\+\w)\)/.exec(text)?.[1] ?? '';
  const words = failure.command
    ? (texts.replies[`${failure.command} ${failure.code}`] ?? texts.replies[failure.code])
    : (texts.numerics[`${failure.code} ${mode}`] ?? texts.numerics[`${failure.code} ${failure.context[1]}`] ?? texts.numerics[failure.code]);
  if (words === undefined) return undefined;
  return asSentence(
    words.replace(/\{(\w+)\}/g, (_, place: string) => {
      if (place === 'command') return failure.command;
      if (place === 'text') return text;
      if (place === 'number') return /\d+/.exec(text)?.[0] ?? '';
      return failure.context[Number(place) - 1] ?? '…';
    }),
  );
}
