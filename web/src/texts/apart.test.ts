import { expect, test } from 'vitest';
import { apart } from './apart';

test('a name that runs from right to left stands apart in a sentence', () => {
  expect(apart('דנה')).toBe('\u2068דנה\u2069');
  expect(apart('سلمى (work)')).toBe('\u2068سلمى (work)\u2069');
  for (const name of ['alice', 'Жанна', '李', '']) expect(apart(name)).toBe(name);
});
