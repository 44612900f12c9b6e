import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    testTimeout: 30_000,
    hookTimeout: 30_000,
    // Tests that start real servers use the processor themselves, and wait a third of their time.
    maxWorkers: 3,
    projects: [
      // One process for many files, which saves a third of their time: they leave nothing behind in it.
      { extends: true, test: { name: 'units', include: ['src/**/*.test.ts', 'web/src/**/*.test.ts'], isolate: false } },
      { extends: true, test: { name: 'whole', include: ['test/**/*.test.ts'], exclude: ['test/browser/**'] } },
      // They share one browser.
      {
        extends: true,
        test: {
          name: 'browser',
          // A browser next to other tests on a machine with few processors.
          testTimeout: 120_000,
          hookTimeout: 60_000,
          include: ['test/browser/**/*.test.ts'],
          globalSetup: ['test/browser/shared-browser.ts'],
        },
      },
    ],
  },
});
