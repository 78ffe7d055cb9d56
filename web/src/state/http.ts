// What is not IRC: who is at the page, logging in and out. Same origin; the cookie is out of reach of scripts.

import { language } from '../texts/language.svelte';
import { Refused, type SessionInfo } from './types';

/** Rejected with a `TypeError` where the server cannot be reached. */
export async function readSession(): Promise<SessionInfo> {
  // As index.html asks for it beforehand: with other options it would be asked for twice.
  const response = await fetch('/session');
  if (!response.ok) throw new TypeError(`the server answered ${response.status}`);
  return (await response.json()) as SessionInfo;
}

export async function post(path: '/login' | '/register' | '/logout', body: Readonly<Record<string, string | undefined>>): Promise<void> {
  const texts = language.texts.state.refused;
  let response: Response;
  try {
    response = await fetch(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json' },
      body: JSON.stringify(body),
      cache: 'no-store',
    });
  } catch {
    throw new Refused(texts.noLink, 'NO_LINK');
  }
  if (response.ok) return;
  if (response.status === 401) throw new Refused(texts.wrongPassword, '401');
  const seconds = Number(response.headers.get('retry-after'));
  if (response.status === 429) throw new Refused(texts.tooOften(seconds || 60), '429');
  const told = await errorOf(response);
  // The server's own sentence says more, and is English.
  throw new Refused((language.tag === 'en' ? told : texts.byStatus[response.status]) ?? told ?? texts.serverError, String(response.status));
}

/** The server's own sentence. */
async function errorOf(response: Response): Promise<string | null> {
  try {
    const body: unknown = await response.json();
    if (typeof body === 'object' && body !== null && 'error' in body && typeof body.error === 'string') return body.error;
  } catch {
    // No sentence.
  }
  return null;
}
