/** Allreduce of long data in memory that processes map: results, nothing left behind, and the words where it cannot run. */

import { expect, test } from 'vitest';
import { firstOf } from '../long.ts';
import { program, runJob } from './run-job.ts';

const FORCE = { TSMPI_COLLECTIVE_ALLREDUCE: 'shared-pieces' };

const SIZES = [
  [2, 'park'],
  [3, 'auto'],
  [2, 'auto'],
  [5, 'auto'],
] as const;

test.each(firstOf(2, SIZES))(
  'every type, borders of pieces, two communicators at once: %i ranks, --wait %s',
  async (size, wait) => {
    const args = ['-n', `${size}`, '--quiet', '--wait', wait, program('shared-pieces.ts')];
    const { code, stdout, stderr } = await runJob(args, { env: FORCE });
    expect(stderr).toBe('');
    expect(stdout.trimEnd().split('\n').sort()).toEqual(Array.from({ length: size }, (_, rank) => `rank ${rank}: right`));
    expect(code).toBe(0);
  },
);

test('ranks that are threads refuse it', async () => {
  const args = ['-n', '2', '--ranks', 'thread', program('shared-pieces.ts')];
  const { code, stderr } = await runJob(args, { env: FORCE });
  expect(stderr).toContain(
    'TSMPI_COLLECTIVE_ALLREDUCE=shared-pieces cannot run: the ranks share no memory for long data: they are not up to 64 processes of one host with the native addon, or no shared area was left',
  );
  expect(code).not.toBe(0);
});
