import { defineConfig } from 'vitest/config';

// The page in Chromium against a real chat_server (see tests/README.md).
export default defineConfig({
  test: {
    environment: 'node',
    include: ['tests/**/*.flow.ts'],
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
});
