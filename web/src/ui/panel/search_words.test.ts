import { expect, test } from 'vitest';
import { sought, type Sought } from './search_words';

const check = (text: string, expected: Sought) => expect(sought(text), text).toEqual(expected);

test('filters are taken out of the words', () => {
  check('green tea', { words: 'green tea' });
  check('from:@bob green in:#tea tea', { words: 'green tea', from: 'bob', in: '#tea' });
  check('von:bob Tee seit:1.3.2026 bis:2026-03-02', { words: 'Tee', from: 'bob', since: '2026-03-01', until: '2026-03-02' });
});

test('before and after a day are without it, on a day is that one', () => {
  check('after:2026-02-28 before:2026-03-05', { words: '', since: '2026-03-01', until: '2026-03-04' });
  check('on:2026-03-05', { words: '', since: '2026-03-05', until: '2026-03-05' });
});

test('what is no filter is words', () => {
  check('see: https://example.org', { words: 'see: https://example.org' });
  check('"from:bob said" x', { words: '"from:bob said" x' });
  check('before:lunch in: from:', { words: 'before:lunch in: from:' });
});
