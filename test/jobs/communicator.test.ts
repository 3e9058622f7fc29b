/** Communicators of real ranks, as processes and as threads: the programs of test/programs/communicator. */

import { describe, expect, test } from 'vitest';
import { program, runJob } from './run-job.ts';

describe.each(['process', 'thread'])('ranks as %s', (kind) => {
  test.each([
    ['parts', 5],
    ['parts', 2],
    ['many', 4],
  ])('%s on %i', async (name, size) => {
    const args = ['-n', String(size), '--quiet', '--ranks', kind, program(`communicator/${name}.ts`)];
    const { code, stdout, stderr } = await runJob(args);
    expect(stderr).toBe('');
    expect(stdout.trimEnd().split('\n').sort()).toEqual(Array.from({ length: size }, (_, rank) => `rank ${rank}: ${name}`));
    expect(code).toBe(0);
  });
});
