/** What runs inside a guest, where there is an RDMA device: one file at a time, since the device is slow and alone. */

import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    root: fileURLToPath(new URL('../../..', import.meta.url)),
    environment: 'node',
    pool: 'forks',
    fileParallelism: false,
    isolate: false,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    include: ['test/conformance/rdma.test.ts', 'test/unit/transport/rdma/**/*.test.ts'],
    exclude: ['test/unit/transport/rdma/credit-exploration.test.ts'],
  },
});
