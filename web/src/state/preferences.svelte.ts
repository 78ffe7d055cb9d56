// What the person has chosen, for all tabs of this browser. Nothing secret is among it.

import type { Preferences } from './types';

const key = 'parlor.preferences';

const usual: Preferences = {
  theme: 'system',
  contrast: 'system',
  motion: 'system',
  density: 'comfortable',
  notifications: 'mentions',
  sound: false,
  sendTyping: true,
  showComings: true,
  enterSends: true,
  recentReactions: [],
};

const choices: { [Name in keyof Preferences]?: readonly unknown[] } = {
  theme: ['system', 'light', 'dark'],
  contrast: ['system', 'high'],
  motion: ['system', 'reduced'],
  density: ['comfortable', 'compact'],
  notifications: ['none', 'mentions', 'all'],
};

/** Only what makes sense of what was kept. */
export function readPreferences(kept: string | null): Preferences {
  let read: unknown = null;
  try {
    read = JSON.parse(kept ?? 'null');
  } catch {
    // As usual, then.
  }
  const preferences: Record<string, unknown> = { ...usual };
  if (typeof read !== 'object' || read === null) return { ...usual };
  for (const [name, value] of Object.entries(read)) {
    const own = Object.hasOwn(usual, name) ? preferences[name] : undefined;
    if (own === undefined || typeof own !== typeof value || Array.isArray(own) !== Array.isArray(value)) continue;
    const among = choices[name as keyof Preferences];
    if (among && !among.includes(value)) continue;
    preferences[name] = Array.isArray(value) ? value.filter((item) => typeof item === 'string').slice(0, 24) : value;
  }
  return preferences as unknown as Preferences;
}

/** Reads and writes itself: setting a field is all there is to do. */
export function createPreferences(): Preferences {
  let now: Preferences = $state.raw(readPreferences(localStorage.getItem(key)));
  window.addEventListener('storage', (event) => {
    if (event.key === key) now = readPreferences(event.newValue);
  });
  return new Proxy({} as Preferences, {
    get: (_, name) => now[name as keyof Preferences],
    set: (_, name, value) => {
      now = { ...now, [name]: value };
      localStorage.setItem(key, JSON.stringify(now));
      return true;
    },
    has: (_, name) => name in now,
    ownKeys: () => Reflect.ownKeys(now),
    getOwnPropertyDescriptor: (_, name) => ({ ...Object.getOwnPropertyDescriptor(now, name), configurable: true }),
  });
}
