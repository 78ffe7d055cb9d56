// What a first visit loads, compressed with Brotli, of the page that was built into a folder (`npm run size`). Fails beyond the
// budget.

import { readFileSync, readdirSync } from 'node:fs';
import { brotliCompressSync, constants } from 'node:zlib';

/** 90 kB, as whoever pays for each counts them: a thousand bytes are one. */
const budget = 90_000;
const folder = process.argv[2] ?? 'dist';
const manifest = JSON.parse(readFileSync(`${folder}/.vite/manifest.json`, 'utf8'));

/** What this part of the page and all that it imports are made of. */
function filesOf(key, known = new Set()) {
  const chunk = manifest[key];
  if (!chunk) throw new Error(`Vite's manifest knows no ${key}`);
  if (known.has(chunk.file)) return known;
  known.add(chunk.file);
  for (const file of chunk.css ?? []) known.add(file);
  for (const imported of chunk.imports ?? []) filesOf(imported, known);
  return known;
}

const visits = {
  'logged in': filesOf('src/ui/layout/Shell.svelte'),
  'at the entry': filesOf('src/ui/entry/Entry.svelte'),
};

const size = (file) => {
  const params = { [constants.BROTLI_PARAM_QUALITY]: 11 };
  return brotliCompressSync(readFileSync(`${folder}${file}`), { params }).length;
};
const sizes = new Map();
for (const name of readdirSync(`${folder}/assets`).sort()) if (/\.(?:js|css)$/.test(name)) sizes.set(`assets/${name}`, size(`/assets/${name}`));
for (const [file, bytes] of sizes) {
  const of = Object.keys(visits).filter((visit) => visits[visit].has(file));
  console.log(`${String(bytes).padStart(7)}  ${file}${of.length > 0 ? `  (${of.join(', ')})` : ''}`);
}
for (const [visit, files] of Object.entries(visits)) {
  const sum = [...files].reduce((sum, file) => sum + (sizes.get(file) ?? size(`/${file}`)), 0);
  console.log(`first load, ${visit}: ${(sum / 1_000).toFixed(1)} kB of ${budget / 1_000} kB (JavaScript and CSS, Brotli)`);
  if (sum > budget) process.exitCode = 1;
}
