import { expect, test } from 'vitest';
import { nearly } from './nearly';

test('a name is found in spite of one mistake, and by letters of it', () => {
  const check = (name: string, words: string, expected: number | null) => expect(nearly(name, words), `${name} ${words}`).toBe(expected);
  check('books', 'boks', 3);
  check('books', 'boooks', 3);
  check('books', 'bokos', 3);
  check('books', 'bpoks', 3);
  check('big-books', 'bok', 3);
  check('general', 'gnrl', 4);
  check('books', 'tea', null);
  check('tea', 'ta', null);
  check('books', 'bo', 0);
  check('big-books', 'books big', 2);
  check('big-books', 'books small', null);
});
