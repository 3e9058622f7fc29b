/** Point to point between real ranks, as processes and as threads: the programs of test/programs/point-to-point. */

import { describe, expect, test } from 'vitest';
import { program, runJob } from './run-job.ts';

describe.each(['process', 'thread'])('ranks as %s', (kind) => {
  test.each([
    ['sizes', 2, '374 messages'],
    ['order', 4, 'in order'],
    ['requests', 2, 'requests'],
    ['errors', 2, 'errors'],
    ['objects', 2, 'objects'],
    ['layouts', 2, '65 layouts'],
    ['flood', 3, 'flood'],
  ])('%s', async (name, size, word) => {
    const args = ['-n', String(size), '--quiet', '--ranks', kind, program(`point-to-point/${name}.ts`)];
    const { code, stdout, stderr } = await runJob(args);
    expect(stderr).toBe('');
    expect(stdout.trimEnd().split('\n').sort()).toEqual(Array.from({ length: size }, (_, rank) => `rank ${rank}: ${word}`));
    expect(code).toBe(0);
  });
});
