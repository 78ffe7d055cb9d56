import { vitePreprocess } from '@sveltejs/vite-plugin-svelte';
import { readdirSync } from 'node:fs';

const components = readdirSync(new URL('./src', import.meta.url), { recursive: true })
  .filter((file) => file.endsWith('.svelte'))
  .map((file) => file.replaceAll('\\', '/'))
  .sort();

export default {
  preprocess: vitePreprocess(),
  compilerOptions: {
    runes: true,
    // Short, as each stands there some hundred times; the component's place among all, so that no two have the same.
    cssHash: ({ hash, name, filename }) => {
      const place = components.indexOf(filename?.split(/(?:^|\/)src\//).at(-1) ?? '');
      return place < 0 ? `s-${hash(filename ?? name)}` : `s${place.toString(36)}`;
    },
  },
};
