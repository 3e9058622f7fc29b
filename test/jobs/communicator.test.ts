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

  test.each([
    ['wrong', 'dest 99 is no rank of halo: expected an integer from 0 to 1 or PROC_NULL'],
    ['late', 'rank 0 sent 64 bytes of f64 with tag 3 to rank 1, whose buffer holds 16 bytes'],
  ])("errors: 'abort' ends the job at once, naming the communicator (%s)", async (way, words) => {
    const args = ['-n', '2', '--ranks', kind, program('communicator/properties.ts'), way];
    const { code, stdout, stderr } = await runJob(args);
    expect(stderr).toContain(`error on halo, whose errors end the job: ${words}`);
    expect(stderr).toContain('rank 1');
    expect(stdout).toBe('');
    expect(code).toBe(1);
  });

  test('attributes: which program a rank is, how many could be, and those of self deleted at the end', async () => {
    const one = program('communicator/properties.ts');
    const { code, stdout, stderr } = await runJob(['-n', '1', '--quiet', '--ranks', kind, one, ':', '-n', '2', one]);
    expect(stderr).toBe('');
    const begin = [0, 1, 1].map((number, rank) => `rank ${rank}: program ${number}, 3 slots`);
    expect(stdout.trimEnd().split('\n').sort()).toEqual(
      [...begin, ...[0, 1, 2].map((rank) => `rank ${rank}: the end of 3`)].sort(),
    );
    expect(code).toBe(0);
  });
});
