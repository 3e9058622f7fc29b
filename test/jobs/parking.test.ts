/** No wake-up is lost: 10^5 sleeps at random moments, blocking and awaited, in processes and threads. */

import { expect, test } from 'vitest';
import { program, runJob } from './run-job.ts';

test.each([
  ['process', 'park'],
  ['process', 'auto'],
  ['thread', 'park'],
  ['thread', 'auto'],
])(
  'ranks as %s, --wait %s',
  async (kind, wait) => {
    const job = await runJob(['-n', '2', '--ranks', kind, '--wait', wait, program('park.mjs'), '25000'], { deadlineMs: 60_000 });
    expect(job).toMatchObject({ code: 0, stdout: '25000\n' });
  },
  70_000,
);
