/** The cavity in C over another MPI (bench/peers/cavity.c) computes the fields of the example, on any number of ranks. */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { LARGEST_DIFFERENCE } from '../../bench/run/fields.ts';
import { runJob } from './run-job.ts';

const TSMPI = fileURLToPath(new URL('../../dist/tsmpi.js', import.meta.url));
const PACKAGES = { mpich: 'mpich libmpich-dev', openmpi: 'openmpi-bin libopenmpi-dev' } as const;
/** mpicc may be there without the header. */
const compiles = (library: string): boolean =>
  spawnSync(`mpicc.${library}`, ['-E', '-x', 'c', '-'], { input: '#include <mpi.h>' }).status === 0;
const library = (['openmpi', 'mpich'] as const).find(compiles);
const missing = library === undefined ? ` (Debian packages are missing: ${Object.values(PACKAGES).join(', or ')})` : '';

const output = mkdtempSync(join(tmpdir(), 'tsmpi-cavity-peer-'));
afterAll(() => rmSync(output, { recursive: true, force: true }));

test.skipIf(missing !== '')(`the same fields as in C${missing}`, async () => {
  const few = ['--launches', '1', '-i', '1', '-x', '0', '-r', '1', '--settle', '0', '--json', '--output', output];
  const words = ['bench', 'cavity', '-m', '64', '-n', '1,2,4', '--peers', library!, ...few];
  const { code, stdout } = await runJob(words, { command: [process.execPath, TSMPI], deadlineMs: 90_000 });
  const { leftOut, records, fieldDifferences } = JSON.parse(stdout);
  expect(leftOut).toEqual([]);
  expect(fieldDifferences).toMatchObject([1, 2, 4].map((ranks) => ({ program: 'cavity', ranks, size: 64, side: library })));
  for (const { largest } of fieldDifferences) expect(largest).toBeLessThanOrEqual(LARGEST_DIFFERENCE);
  for (const { rows } of records) {
    expect(rows[0].messageShare).toBeGreaterThan(0);
    expect(rows[0].messageShare).toBeLessThan(1);
  }
  expect(code).toBe(0);
});
