import { expect, test } from 'vitest';
import { shortened } from './group_title';

test.each([
  ['wanderer-in-the-woods, bob', 'wanderer-…, bob'],
  ['wanderer-in-the-woods, marguerite-of-the-hills, carla', 'wanderer-…, margueri…, carla'],
  // What would be no shorter stays whole.
  ['abcdefghij, bob', 'abcdefghij, bob'],
  ['😀😀😀😀😀😀😀😀😀😀😀😀😀, bob', '😀😀😀😀😀😀😀😀😀…, bob'],
  ['A-weekend-at-the-lake-with-all-of-us', 'A-weekend-at-the-lake-with-all-of-us'],
])('%s', (title, short) => expect(shortened(title)).toBe(short));
