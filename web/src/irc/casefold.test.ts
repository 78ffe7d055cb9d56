import { expect, test } from 'vitest';
import { fold } from './casefold';

test('names are compared as the server says', () => {
  expect(fold('ascii', 'A[É')).toBe('a[É');
  expect(fold('rfc1459', 'A[]\\~')).toBe('a{}|^');
  expect(fold('rfc1459-strict', 'A~')).toBe('a~');
  expect(fold('precis', 'ÉTÉ ΟΔΟΣ')).toBe('été οδοσ');
});
