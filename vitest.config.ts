/**
 * Five projects, one after the other: `unit` (in-process and small groups of processes), `jobs` (whole jobs through dist/),
 * `jobs-alone` (those that are timed, or many ranks: one file at a time) and `hosts` (jobs over test hosts, which need
 * root). Jobs over hosts wait more than they compute, and each file's hosts know nothing of others': more files run at once.
 * `rdma` starts guests, each of which takes both cores; its files run in one process and share one.
 */

import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const common = { environment: 'node', pool: 'forks', testTimeout: 60_000, hookTimeout: 60_000 } as const;

const jobs = { ...common, testTimeout: 120_000 } as const;
const JOBS = ['test/jobs/**/*.test.ts', 'test/random/**/*.test.ts', 'test/examples.test.ts'];
const ALONE = ['idle', 'parking', 'point-to-point', 'timeout'].map((name) => `test/jobs/${name}.test.ts`);

/** Programs that a test runs in its own process import the package as others do. */
const resolve = { alias: { tsmpi: fileURLToPath(new URL('./src/index.ts', import.meta.url)) } };

// Node 20 reads those certificates at each start, 90 ms for a system's whole list; no test speaks to anybody they would vouch for.
delete process.env.NODE_EXTRA_CA_CERTS;

/** A report for scripts that count, besides what is printed. */
const report = process.env.TSMPI_TEST_REPORT;

export default defineConfig({
  test: {
    ...(report === undefined ? {} : { reporters: ['default', 'json'], outputFile: { json: report } }),
    projects: [
      { test: { ...common, name: 'unit', maxWorkers: 2, sequence: { groupOrder: 0 }, include: ['test/unit/**/*.test.ts', 'test/conformance/**/*.test.ts'] } },
      { resolve, test: { ...jobs, name: 'jobs', maxWorkers: 2, sequence: { groupOrder: 1 }, include: JOBS, exclude: ALONE } },
      { resolve, test: { ...jobs, name: 'jobs-alone', fileParallelism: false, sequence: { groupOrder: 2 }, include: ALONE } },
      { test: { ...common, name: 'hosts', maxWorkers: 3, sequence: { groupOrder: 3 }, include: ['test/hosts/**/*.test.ts'], testTimeout: 120_000 } },
      { test: { ...common, name: 'rdma', fileParallelism: false, isolate: false, sequence: { groupOrder: 4 }, include: ['test/rdma/*.test.ts'], testTimeout: 330_000, hookTimeout: 260_000 } },
    ],
  },
});
