import { expect, test } from 'vitest';
import { Backoff, firstWait, longestWait, provenLink } from './backoff';

test('the wait doubles up to its bound, and never is nothing', () => {
  const backoff = new Backoff();
  expect(Array.from({ length: 9 }, () => backoff.next(1) / 1000)).toEqual([1, 2, 4, 8, 16, 32, 60, 60, 60]);
  expect(backoff.next(0)).toBe(longestWait / 10);
  backoff.linkLived(provenLink - 1);
  expect(backoff.next(1)).toBe(longestWait);
  backoff.linkLived(provenLink);
  expect(backoff.next(1)).toBe(firstWait);
});
