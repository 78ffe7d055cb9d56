import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Announcer } from './announcer';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Messages by the millisecond at which they come (`~`: more are on their way), and what is heard when. */
function check(came: Readonly<Record<number, string>>, heard: Readonly<Record<number, string>>): void {
  const spoken: Record<number, string> = {};
  const began = Date.now();
  const announcer = new Announcer<string>((messages) => (spoken[Date.now() - began] = messages.join(' ')));
  for (const [at, messages] of Object.entries(came)) {
    vi.advanceTimersByTime(began + Number(at) - Date.now());
    for (const message of messages.replace('~', '').split(' ')) announcer.came(message, messages.startsWith('~'));
  }
  vi.advanceTimersByTime(60_000);
  expect(spoken).toEqual(heard);
}

test('a message alone is said at once', () => {
  check({ 0: 'a', 5_000: 'b' }, { 0: 'a', 5_000: 'b' });
});

test('what comes while one listens is said together', () => {
  check({ 0: 'a', 500: 'b', 900: 'c' }, { 0: 'a', 2_500: 'b c' });
  check({ 0: 'a b c' }, { 0: 'a', 2_000: 'b c' });
});

test('where one comes every other second each is said', () => {
  check({ 0: 'a', 1_500: 'b', 3_000: 'c', 4_500: 'd' }, { 0: 'a', 3_500: 'b c', 6_500: 'd' });
});

test('what is caught up with is said when all of it is there', () => {
  check({ 0: '~a b', 300: '~c' }, { 2_000: 'a b c' });
});
