// The two files that a first visit needs: what everyone does, and what only those do who are logged in, or guests.

import { fileURLToPath } from 'node:url';
import { normalizePath } from 'vite';

interface Modules {
  getModuleInfo(id: string): { readonly importedIds: readonly string[] } | null;
}

const closures = new Map<string, Set<string>>();

type Part = 'page' | 'inside';

/** The part, if the module belongs to it. Each has a group of its own: with a module also all that it imports is taken, unless an
    earlier group has it. */
export function only(part: Part, id: string, modules: Modules): Part | null {
  return partOf(id, modules) === part ? part : null;
}

/** null: it comes when it is wanted. */
function partOf(id: string, modules: Modules): Part | null {
  if (withImports('src/main.ts', modules).has(id)) return 'page';
  if (!withImports('src/ui/layout/Shell.svelte', modules).has(id)) return null;
  return withImports('src/ui/entry/Entry.svelte', modules).has(id) ? 'page' : 'inside';
}

/** What a module imports, by however many others, and it itself; what is imported when it is wanted does not count. */
function withImports(path: string, modules: Modules): Set<string> {
  const known = closures.get(path);
  if (known) return known;
  const closure = new Set([normalizePath(fileURLToPath(new URL(`../${path}`, import.meta.url)))]);
  for (const id of closure) for (const imported of modules.getModuleInfo(id)?.importedIds ?? []) closure.add(imported);
  closures.set(path, closure);
  return closure;
}
