import { beforeEach, expect, test } from 'vitest';
import { readPreferences } from './preferences.svelte';

beforeEach(() => localStorage.clear());

test('preferences are read as far as they make sense', () => {
  expect(readPreferences(null).theme).toBe('system');
  expect(readPreferences('nonsense').theme).toBe('system');
  const read = readPreferences('{"theme":"dark","density":"tiny","sound":"yes","recentReactions":["👍",5],"__proto__":{"x":1}}');
  expect([read.theme, read.density, read.sound, read.recentReactions]).toEqual(['dark', 'comfortable', false, ['👍']]);
});
