/** Ranks that wait use no processor. */

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { Job, program } from './run-job.ts';

const LOOK_MS = 1000;

/** Clock ticks (10 ms) that a process has used. */
function ticks(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(fields[11]) + Number(fields[12]);
}

test.each(['wait', 'await'])('64 ranks in recv, by %s', async (how) => {
  const job = new Job(['-n', '64', '--quiet', program('wait.mjs'), 'hold', how]);
  const ready = await job.output(/ready (\d+)/, 63);
  const pids = ready.map(([, pid]) => Number(pid));
  const total = (): number => pids.reduce((sum, pid) => sum + ticks(pid), 0);
  // Until nobody spins any more: a rank that does not stop fails by the deadline.
  let before = total();
  for (let settled = false; !settled; ) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    const now = total();
    settled = now - before <= 3;
    before = now;
  }
  job.child.kill('SIGTERM');
  expect((await job.end()).code).toBe(143);
});
