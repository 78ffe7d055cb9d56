import { svelte } from '@sveltejs/vite-plugin-svelte';
import { svelteTesting } from '@testing-library/svelte/vite';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  plugins: [svelte(), svelteTesting()],
  // All in one world: each file in one of its own takes three times as long, and whoever changes something puts it back.
  test: { environment: 'happy-dom', include: ['{src,build}/**/*.test.ts'], isolate: false },
});
