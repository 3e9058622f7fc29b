/** What messages cost in memory, and messages that need much of it. */

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { isLong } from '../long.ts';
import { program, runJob } from './run-job.ts';

/** Two buffers of 2 GiB and what a machine needs beside them. */
const LARGE_KIB = 5 * 2 ** 20;
const availableKiB = Number(readFileSync('/proc/meminfo', 'latin1').match(/MemAvailable: *(\d+) kB/)?.[1] ?? 0);
const whyNot = reasonAgainst(LARGE_KIB);
/** 5 GiB at the receiver, and room for what the sender's pages become. */
const OBJECT_KIB = 11 * 2 ** 20;
const whyNoObject = reasonAgainst(OBJECT_KIB);

/** Why a long test that takes so much memory is left out; undefined: it runs. */
function reasonAgainst(neededKiB: number): string | undefined {
  if (!isLong) return 'it takes a minute and much memory, TSMPI_LONG_TESTS=1 adds it';
  return availableKiB < neededKiB ? `it needs ${neededKiB} KiB of memory, ${availableKiB} are there` : undefined;
}

describe.each(['process', 'thread'])('ranks as %s', (kind) => {
  test('a message that was announced costs its receiver at most 256 bytes', async () => {
    const args = ['-n', '2', '--quiet', '--ranks', kind, '--node-args=--expose-gc', program('announced.mjs')];
    const { code, stdout, stderr } = await runJob(args);
    expect(stderr).toBe('');
    expect(code).toBe(0);
    const bytes = Number(stdout.match(/^(-?\d+) bytes\n$/)?.[1]);
    expect(bytes).toBeGreaterThan(0);
    expect(bytes).toBeLessThanOrEqual(256);
  });

  const title = whyNot === undefined ? 'a message of more than 2 GiB' : `a message of more than 2 GiB (not run: ${whyNot})`;
  test.skipIf(whyNot !== undefined)(title, { timeout: 120_000 }, async () => {
    const { code, stdout } = await runJob(['-n', '2', '--quiet', '--ranks', kind, program('large.mjs')], { deadlineMs: 110_000 });
    expect(code).toBe(0);
    expect(stdout).toBe('2147483656 2147483656 1 2 3 4 5\n');
  });

  const objectTitle = `an object with more than 4 GiB of arrays${whyNoObject === undefined ? '' : ` (not run: ${whyNoObject})`}`;
  test.skipIf(whyNoObject !== undefined)(objectTitle, { timeout: 300_000 }, async () => {
    const args = ['-n', '2', '--quiet', '--ranks', kind, program('large-object.mjs')];
    const { code, stdout, stderr } = await runJob(args, { deadlineMs: 290_000 });
    expect(stderr).toBe('');
    expect(stdout).toBe('large 5368709120 1 -1 2 -2 3 -3 4 -4 5 -5 true\n');
    expect(code).toBe(0);
  });
});
