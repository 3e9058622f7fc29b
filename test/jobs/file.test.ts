/** Files and checkpoints in whole jobs: blocking and awaited, shared memory, a limit on the size of files. */

import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { program, runJob } from './run-job.ts';

test.each([
  ['process', 3],
  ['thread', 2],
])('ranks as %s', async (kind, size) => {
  const folder = mkdtempSync(join(tmpdir(), 'tsmpi-files-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const { code, stdout, stderr } = await runJob(['-n', String(size), '--quiet', '--ranks', kind, program('file.mjs'), folder]);
  expect(stderr).toBe('');
  expect(code).toBe(0);
  expect(stdout).toBe('ok\n'.repeat(size));
  // Nothing of the save that failed.
  expect(readdirSync(join(folder, 'states')).filter((name) => !name.startsWith('g1'))).toEqual([]);
});
