/**
 * Three projects, one after the other: `unit` (in-process and small groups of processes), `jobs` (whole jobs through dist/)
 * and `hosts` (jobs over test hosts, which need root). Whole jobs run one file at a time, each takes all cores. Jobs over
 * hosts wait more than they compute, and each file's hosts know nothing of others': more files run at once.
 */

import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const common = { environment: 'node', pool: 'forks', testTimeout: 60_000, hookTimeout: 60_000 } as const;

/** A report for scripts that count, besides what is printed. */
const report = process.env.TSMPI_TEST_REPORT;

export default defineConfig({
  test: {
    ...(report === undefined ? {} : { reporters: ['default', 'json'], outputFile: { json: report } }),
    projects: [
      { test: { ...common, name: 'unit', maxWorkers: 2, sequence: { groupOrder: 0 }, include: ['test/unit/**/*.test.ts', 'test/conformance/**/*.test.ts'] } },
      {
        // Programs that a test runs in its own process import the package as others do.
        resolve: { alias: { tsmpi: fileURLToPath(new URL('./src/index.ts', import.meta.url)) } },
        test: {
          ...common,
          name: 'jobs',
          sequence: { groupOrder: 1 },
          include: ['test/jobs/**/*.test.ts', 'test/random/**/*.test.ts', 'test/examples.test.ts'],
          fileParallelism: false,
          testTimeout: 120_000,
        },
      },
      { test: { ...common, name: 'hosts', maxWorkers: 4, sequence: { groupOrder: 2 }, include: ['test/hosts/**/*.test.ts'], testTimeout: 120_000 } },
    ],
  },
});
