import { vitePreprocess } from '@sveltejs/vite-plugin-svelte';

export default {
  preprocess: vitePreprocess(),
  compilerOptions: {
    runes: true,
    // Short, as each stands there some hundred times; of the file's name, so that no two components have the same.
    cssHash: ({ hash, name, filename }) => `s${hash(filename?.split('/src/').at(-1) ?? name).slice(0, 5)}`,
  },
};
