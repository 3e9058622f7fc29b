/** --timeout: ends the job with 124 and says where every rank stands. */

import { expect, test } from 'vitest';
import { program, runJob } from './run-job.ts';

test.each(['process', 'thread'])('a job of ranks as %s that passes --timeout', async (kind) => {
  const started = performance.now();
  const { code, stderr, lastLine } = await runJob([
    ...['-n', '2', '--quiet', '--timeout', '1', '--ranks', kind, program('linger.mjs'), 'spin'],
  ]);
  expect(code).toBe(124);
  expect(lastLine).toBe('tsmpirun: the job did not end within 1 s (--timeout)');
  expect(stderr).toMatch(/tsmpirun: rank 0 \(pid \d+\) has not used tsmpi yet\n/);
  expect(stderr).toMatch(/tsmpirun: rank 1 \(pid \d+\) has not used tsmpi yet\n/);
  expect(performance.now() - started).toBeLessThan(4000);
});

test('a job that ends in time is not touched', async () => {
  expect(await runJob(['-n', '2', '--quiet', '--timeout', '20', program('plain.mjs')])).toMatchObject({ code: 0, stderr: '' });
});
