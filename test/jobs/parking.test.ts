/** No wake-up is lost: 10^5 sleeps at random moments, blocking and awaited, in processes and threads. */

import { expect, test } from 'vitest';
import { program, runJob } from './run-job.ts';

// Each trip has two receives. With --wait park each sleeps unless its message is there; with auto some find it by spinning.
test.each([
  ['process', 'park', 50_000, 100_000],
  ['thread', 'park', 50_000, 100_000],
  ['process', 'auto', 20_000, 0],
  ['thread', 'auto', 20_000, 0],
])(
  'ranks as %s, --wait %s: %i round trips and more, %i sleeps at least',
  async (kind, wait, trips, atLeast) => {
    const args = ['-n', '2', '--ranks', kind, '--wait', wait, program('park.mjs'), String(trips), String(atLeast)];
    const { code, stdout, stderr } = await runJob(args, { deadlineMs: 110_000 });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const [, done, slept] = /^(\d+) trips, (\d+) sleeps\n$/.exec(stdout)!.map(Number);
    expect(done).toBeGreaterThanOrEqual(trips);
    expect(slept).toBeGreaterThanOrEqual(atLeast);
  },
  120_000,
);
