// What a first visit loads, compressed with Brotli, of the page that was built into a folder (`npm run size`). Fails beyond the
// budget.

import { readFileSync, readdirSync } from 'node:fs';
import { brotliCompressSync, constants } from 'node:zlib';

/** 90 kB, as whoever pays for each counts them: a thousand bytes are one. */
const budget = 90_000;
const folder = process.argv[2] ?? 'dist';
const html = readFileSync(`${folder}/index.html`, 'utf8');
const worker = readFileSync(`${folder}/sw.js`, 'utf8');
const first = new Set(JSON.parse(/const files = (\{.*\});/.exec(worker)?.[1] ?? '{"first":[]}').first);
for (const [, file] of html.matchAll(/(?:src|href)="(\/assets\/[^"]+\.(?:js|css))"/g)) first.add(file);

const size = (file) => {
  const params = { [constants.BROTLI_PARAM_QUALITY]: 11 };
  return brotliCompressSync(readFileSync(`${folder}${file}`), { params }).length;
};
let sum = 0;
for (const file of readdirSync(`${folder}/assets`).map((name) => `/assets/${name}`).sort()) {
  if (!/\.(?:js|css)$/.test(file)) continue;
  const bytes = size(file);
  if (first.has(file)) sum += bytes;
  console.log(`${first.has(file) ? 'first' : 'later'}  ${String(bytes).padStart(7)}  ${file}`);
}
console.log(`first load: ${(sum / 1_000).toFixed(1)} kB of ${budget / 1_000} kB (JavaScript and CSS, Brotli)`);
if (sum > budget) process.exit(1);
