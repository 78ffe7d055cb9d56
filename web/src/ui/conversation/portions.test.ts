import { expect, test } from 'vitest';
import { portions } from './portions';

test('what is too long is cut at the end of a line', () => {
  expect(portions('one\ntwo\nthree\nfour', 1_000, 3)).toEqual(['one\ntwo\nthree', 'four']);
  expect(portions('short', 1_000, 3)).toEqual(['short']);
});

test('a line that is too long is cut between words, and one without any all the same', () => {
  const said = portions('word '.repeat(300) + '👩‍👩‍👧'.repeat(40), 600, 10);
  expect(said.length).toBeGreaterThan(3);
  for (const part of said) {
    expect(new TextEncoder().encode(part).length).toBeLessThanOrEqual(600);
    expect(part).not.toMatch(/\ufffd|^ord|wo$/);
  }
  expect(said.join(' ').replace(/\s+/g, '')).toBe('word'.repeat(300) + '👩‍👩‍👧'.repeat(40));
});

test('code goes on as code', () => {
  const code = Array.from({ length: 6 }, (_, n) => `line ${n}`).join('\n');
  expect(portions(`see\n\`\`\`rust\n${code}\n\`\`\`\nthere`, 1_000, 6)).toEqual([
    'see\n```rust\nline 0\nline 1\nline 2\n```',
    '```rust\nline 3\nline 4\nline 5\n```\nthere',
  ]);
});
