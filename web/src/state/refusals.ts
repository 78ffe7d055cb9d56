// A refusal of the server as one sentence for the person: what is wrong, and the mend. The sentences are many, so they are
// loaded when the first one is needed.

import type { Failure } from '../irc/failure';
import { language } from '../texts/language.svelte';
import { Refused } from './types';

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
  let words: string | undefined;
  try {
    const { sentence } = await import('./refusal_sentences');
    words = await sentence(failure);
  } catch {
    // The sentences could not be loaded: the server's own are better than none.
  }
  return new Refused(words ?? asSentence(failure.context.at(-1) ?? failure.code), failure.code, failure.context);
}

export function asSentence(text: string): string {
  const trimmed = text.trim();
  return /[.!?…):]$/.test(trimmed) ? trimmed : `${trimmed}.`;
}
