// What is not IRC: who is at the page, as the server sees it. Same origin; the cookie is out of reach of scripts.

import type { SessionInfo } from './types';

/** Rejected with a `TypeError` where the server cannot be reached. */
export async function readSession(): Promise<SessionInfo> {
  // As index.html asks for it beforehand: with other options it would be asked for twice.
  const response = await fetch('/session');
  if (!response.ok) throw new TypeError(`the server answered ${response.status}`);
  return (await response.json()) as SessionInfo;
}
