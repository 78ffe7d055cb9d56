// Logging in and out, and signing up, over HTTP. Loaded when somebody does.

import { language } from '../texts/language.svelte';
import { more } from '../texts/more.svelte';
import { hasLeft, isLeaving } from './http';
import { Refused } from './types';

export async function post(path: '/login' | '/register' | '/logout', body: Readonly<Record<string, string | undefined>>): Promise<void> {
  // Who comes now must not be taken for who has gone.
  if (path !== '/logout' && isLeaving()) await post('/logout', {});
  const texts = more.texts.refused;
  let response: Response;
  try {
    response = await fetch(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json' },
      body: JSON.stringify(body),
      cache: 'no-store',
    });
  } catch {
    throw new Refused(language.texts.state.refused.noLink, 'NO_LINK');
  }
  if (response.ok) {
    if (path === '/logout') hasLeft();
    return;
  }
  if (response.status === 401) throw new Refused(texts.wrongPassword, '401');
  const seconds = Number(response.headers.get('retry-after'));
  if (response.status === 429) throw new Refused(texts.tooOften(seconds || 60), '429');
  const told = await errorOf(response);
  throw new Refused(sentenceOf(told) ?? texts.serverError, typeof told.code === 'string' ? told.code : String(response.status));
}

/** The room that an invite link leads into, by its name of now; null: the link is used up, too old or none. */
export async function whereLeads(token: string): Promise<string | null> {
  const response = await fetch(`/session?invite=${encodeURIComponent(token)}`, { cache: 'no-store' });
  if (!response.ok) throw new TypeError(`the server answered ${response.status}`);
  return ((await response.json()) as { room: string | null }).room;
}

interface Told {
  readonly error?: unknown;
  readonly code?: unknown;
  readonly reason?: unknown;
}

async function errorOf(response: Response): Promise<Told> {
  try {
    const body: unknown = await response.json();
    return typeof body === 'object' && body !== null ? body : {};
  } catch {
    // No sentence.
    return {};
  }
}

/** In the reader's language by its code; the server's own sentence says more, and is English. */
export function sentenceOf({ error, code, reason }: Told): string | undefined {
  const words = typeof code === 'string' && language.tag !== 'en' ? more.texts.refused.byCode[code] : undefined;
  return words?.replace('{reason}', () => (typeof reason === 'string' ? reason : '…')) ?? (typeof error === 'string' ? error : undefined);
}
