import { afterEach, expect, test, vi } from 'vitest';
import { language } from '../texts/language.svelte';
import { more } from '../texts/more.svelte';
import { sentenceOf } from './login';

afterEach(() => language.choose('en'));

test('what is said no with at the entry is said in the reader\'s language', async () => {
  const taken = { error: 'The name ada is taken: choose another one.', code: 'ACCOUNT_EXISTS' };
  expect(sentenceOf(taken)).toBe(taken.error);
  await language.choose('de');
  await vi.waitFor(() => expect(more.texts.refused.byCode).not.toEqual({}));
  expect(sentenceOf(taken)).toBe('Diesen Namen hat schon jemand; wähle einen anderen.');
  expect(sentenceOf({ error: 'You are banned from this server: spam', code: 'BANNED', reason: 'spam $& spam' })).toBe(
    'Du bist von diesem Server ausgeschlossen: spam $& spam',
  );
  // Of a newer server.
  expect(sentenceOf({ error: 'It rains.', code: 'RAIN' })).toBe('It rains.');
  expect(sentenceOf({ error: 7 })).toBeUndefined();
});
