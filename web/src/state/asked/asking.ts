import { language } from '../../texts/language.svelte';
import { Refused } from '../types';

/** Rejected with a sentence for the person. */
export async function asking(): Promise<typeof import('./asked')> {
  try {
    return await import('./asked');
  } catch {
    // It is kept with the page where a browser keeps pages; elsewhere it has to be had from the server.
    throw new Refused(language.texts.state.refused.noLink, 'NO_LINK');
  }
}
