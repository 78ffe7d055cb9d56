// What the build adds to Vite's: how what is wanted later is loaded, the service worker with the names of the page's files,
// and the licences of what is in it.

import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Plugin } from 'vite';

/** `/sw.js`, from worker.js beside this. */
export function worker(): Plugin {
  return {
    name: 'parlor-worker',
    apply: 'build',
    enforce: 'post',
    // Behind Vite's own, which takes away files that nothing is left in.
    generateBundle: {
      order: 'post',
      handler(_, bundle) {
        const all = Object.keys(bundle)
          .filter((file) => file.startsWith('assets/'))
          .map((file) => `/${file}`);
        const source = readFileSync(new URL('./worker.js', import.meta.url), 'utf8');
        const files = JSON.stringify(all.sort());
        // A new page is a new worker: the names have hashes of what is in them.
        const version = createHash('sha256').update(files).update(source).digest('hex').slice(0, 12);
        this.emitFile({
          type: 'asset',
          fileName: 'sw.js',
          source: source.replace('= __FILES__;', `= ${files};`).replace('shell-__VERSION__', `shell-${version}`),
        });
      },
    },
  };
}

/** What is loaded when it is wanted is loaded by src/part.ts: Vite's own way cannot be tried again. */
export function parts(): Plugin {
  let used = false;
  return {
    name: 'parlor-parts',
    apply: 'build',
    enforce: 'pre',
    load(id) {
      if (id !== '\0vite/preload-helper.js') return null;
      used = true;
      return `export { part as __vitePreload } from ${JSON.stringify(fileURLToPath(new URL('../src/part.ts', import.meta.url)))};`;
    },
    buildEnd(error) {
      if (!error && !used) this.error('Vite loads what is wanted later by another module than before');
    },
  };
}

/**
 * What a first visit needs is compiled beside the main thread while it comes, not function by function as each is called for the
 * first time: that was a fifth of a cold load. V8's explicit compile hints, Chromium 136 and later; to other browsers a comment.
 */
export function compiledEagerly(): Plugin {
  return {
    name: 'parlor-compiled-eagerly',
    apply: 'build',
    enforce: 'post',
    // Behind Vite's own, which writes at the head of the file, too: the comment counts there only.
    generateBundle: {
      order: 'post',
      handler(_, bundle) {
        for (const name of ['page', 'inside']) {
          const first = Object.values(bundle).find((chunk) => chunk.type === 'chunk' && chunk.name === name);
          if (first?.type !== 'chunk') this.error(`there is no chunk "${name}"`);
          first.code = `//# allFunctionsCalledOnLoad\n${first.code}`;
        }
      },
    },
  };
}

/** `/licences.txt`: whose code is in the page, and under which terms. */
export function licences(): Plugin {
  return {
    name: 'parlor-licences',
    apply: 'build',
    generateBundle(_, bundle) {
      const packages = new Set<string>();
      for (const chunk of Object.values(bundle)) {
        if (chunk.type !== 'chunk') continue;
        for (const id of Object.keys(chunk.modules)) {
          const found = /^\0?(.*\/node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(id);
          if (found?.[1]) packages.add(found[1]);
        }
      }
      const texts = [...packages].sort().map((folder) => {
        const about = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Record<string, string>;
        const file = readdirSync(folder).find((name) => /^licen[cs]e/i.test(name));
        const text = file && existsSync(join(folder, file)) ? readFileSync(join(folder, file), 'utf8').trim() : '';
        return `${about.name} ${about.version} (${about.license})\n\n${text}\n`;
      });
      const line = `${'-'.repeat(72)}\n\n`;
      this.emitFile({ type: 'asset', fileName: 'licences.txt', source: `Other people's work in this page\n\n${line}${texts.join(`\n${line}`)}` });
    },
  };
}
