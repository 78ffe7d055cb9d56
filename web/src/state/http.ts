// What is not IRC: who is at the page, as the server sees it. Same origin; the cookie is out of reach of scripts.

import type { SessionInfo } from './types';

/** Somebody has logged out whom the server still believes to be logged in: it could not be told. */
const leavingKey = 'parlor.leaving';

export const isLeaving = (): boolean => localStorage.getItem(leavingKey) !== null;

export const leaves = (): void => localStorage.setItem(leavingKey, '');

export const hasLeft = (): void => localStorage.removeItem(leavingKey);

/** Rejected where the server cannot be reached. */
export async function readSession(): Promise<SessionInfo> {
  const leaving = isLeaving();
  if (leaving) await (await import('./login')).post('/logout', {});
  // As index.html asks for it beforehand: with other options it would be asked for twice. But that was before.
  const response = await fetch('/session', leaving ? { cache: 'no-store' } : undefined);
  if (!response.ok) throw new TypeError(`the server answered ${response.status}`);
  return (await response.json()) as SessionInfo;
}
