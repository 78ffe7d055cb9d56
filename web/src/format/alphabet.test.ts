import { expect, test } from 'vitest';
import { alphabetically } from './alphabet';

test.each([
  [['zoe', 'Anna', 'bob', 'anna-lena', 'anna'], ['Anna', 'anna', 'anna-lena', 'bob', 'zoe']],
  [['room10', 'room9', 'Room1'], ['Room1', 'room9', 'room10']],
  [['Özil', 'Otto', 'Pia'], ['Otto', 'Özil', 'Pia']],
])('%j', (names, sorted) => {
  expect(names.toSorted(alphabetically)).toEqual(sorted);
});

test('plain names are in the order of any others', () => {
  const collator = new Intl.Collator(undefined, { sensitivity: 'base', numeric: true });
  const names = ['a', 'B', 'ab', 'a_b', 'a-b', '#a', '#', '', 'aB', 'AC', 'z', '#Z', 'a1'];
  for (const one of names) for (const other of names) expect(Math.sign(alphabetically(one, other)), `${one} ${other}`).toBe(Math.sign(collator.compare(one, other)));
});
