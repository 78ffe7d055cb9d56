import { expect, test } from 'vitest';
import { mayBeAName } from './names';

test('a name has no spaces and none of the signs that mean something else', () => {
  for (const name of ['bob', 'Öztürk', 'bob-2', 'a_b', '[bob]']) expect(mayBeAName(name), name).toBe(true);
  for (const name of ['', '#tea', 'bob carol', '2bob', '-bob', 'bob@x.de', 'a.b', 'carla/15', 'x'.repeat(33)]) expect(mayBeAName(name), name).toBe(false);
});
