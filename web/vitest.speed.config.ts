import { defineConfig } from 'vitest/config';

// How fast the page is (docs/performance.md has the figures): not among the tests, as a busy machine would fail it.
export default defineConfig({
  test: { environment: 'node', include: ['tests/**/*.speed.ts'], fileParallelism: false, testTimeout: 600_000, hookTimeout: 120_000 },
});
