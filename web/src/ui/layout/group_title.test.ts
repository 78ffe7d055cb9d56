import { expect, test } from 'vitest';
import { shortened } from './group_title';

test.each([
  ['wanderer-in-the-woods, bob', 'wanderer-in…, bob'],
  ['wanderer-in-the-woods, marguerite-of-the-hills, carla', 'wander…, margue…, carla'],
  // What would be no shorter stays whole.
  ['abcdefghijkl, bob', 'abcdefghijkl, bob'],
  ['😀😀😀😀😀😀😀😀😀😀😀😀😀, bob', '😀😀😀😀😀😀😀😀😀😀😀…, bob'],
  ['A-weekend-at-the-lake-with-all-of-us', 'A-weekend-at-the-lake-with-all-of-us'],
])('%s', (title, short) => expect(shortened(title)).toBe(short));
