// A refusal of the server as one sentence for the person: what is wrong, and the mend. The sentences are many, so they are
// loaded when the first one is needed.

import type { Failure } from '../irc/failure';
import { language, type LanguageTag } from '../texts/language.svelte';
import { Refused } from './types';

export interface RefusalTexts {
  /** By numeric, or by it and what its second parameter names: `696 k` is about the mode `k`. `{1}` … are what stands behind one's own nick, `{text}` is the last. */
  readonly numerics: Readonly<Record<string, string>>;
  /** By `COMMAND CODE`, or by the code alone where it means the same everywhere. `{command}` is the command. */
  readonly replies: Readonly<Record<string, string>>;
}

const loaders: Record<LanguageTag, () => Promise<RefusalTexts>> = {
  en: async () => (await import('../texts/en/refusals')).refusals,
  de: async () => (await import('../texts/de/refusals')).refusals,
};

/** Never rejected. */
export async function refused(failure: Failure): Promise<Refused> {
  const texts = language.texts.state.refused;
  switch (failure.code) {
    case 'NO_LINK':
      return new Refused(texts.noLink, failure.code);
    case 'LINK_LOST':
      return new Refused(texts.linkLost, failure.code);
    case 'TIMEOUT':
      return new Refused(texts.timeout, failure.code);
  }
  let sentence: string | undefined;
  try {
    sentence = sentenceOf(await loaders[language.tag](), failure);
  } catch {
    // The sentences could not be loaded: the server's own are better than none.
  }
  return new Refused(sentence ?? asSentence(failure.context.at(-1) ?? failure.code), failure.code, failure.context);
}

export function sentenceOf(texts: RefusalTexts, failure: Failure): string | undefined {
  const words = failure.command
    ? (texts.replies[`${failure.command} ${failure.code}`] ?? texts.replies[failure.code])
    : (texts.numerics[`${failure.code} ${failure.context[1]}`] ?? texts.numerics[failure.code]);
  if (words === undefined) return undefined;
  return asSentence(
    words.replace(/\{(\w+)\}/g, (_, place: string) => {
      if (place === 'command') return failure.command;
      if (place === 'text') return failure.context.at(-1) ?? '';
      return failure.context[Number(place) - 1] ?? '…';
    }),
  );
}

function asSentence(text: string): string {
  const trimmed = text.trim();
  return /[.!?…):]$/.test(trimmed) ? trimmed : `${trimmed}.`;
}
