import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

test('how much room there is is measured by the size of letters', () => {
  const folder = join(__dirname, '..');
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => /\.(svelte|css|ts)$/.test(file));
  const inPixels = files.flatMap((file) => readFileSync(join(folder, file), 'utf8').match(/\((?:max|min)-(?:width|height): *[\d.]+px\)/g)?.map((query) => `${file}: ${query}`) ?? []);
  expect([files.length > 50, inPixels]).toEqual([true, []]);
});
