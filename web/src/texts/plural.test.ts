import { expect, test } from 'vitest';
import { languages } from './language.svelte';
import { numeral, plural } from './plural';

test.each(languages)('numbers as $name writes them', ({ tag }) => {
  const format = new Intl.NumberFormat(tag);
  for (const count of [0, 7, 42, 999, 1_000, 65_536, 1_234_567]) expect(numeral(tag, count)).toBe(format.format(count));
});

test('the form that goes with the number', () => {
  const files = plural('de', { one: '# Datei', other: '# Dateien' });
  expect([0, 1, 2, 12_345].map(files)).toEqual(['0 Dateien', '1 Datei', '2 Dateien', '12.345 Dateien']);
});
