/** --deterministic: the bits of sums do not depend on the kind of ranks, on how they wait, on the transport, or on timing. */

import { describe, expect, test } from 'vitest';
import { firstOf } from '../long.ts';
import { program, runJob } from './run-job.ts';

const WAYS: readonly (readonly string[])[] = [
  [],
  [],
  ['--ranks', 'thread'],
  ['--wait', 'park'],
  ['--wait', 'spin', '--ranks', 'thread'],
  ['--huge-pages', 'off', '--bind-to', 'core'],
];

async function digest(size: number, ...options: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runJob(['-n', `${size}`, '--quiet', ...options, program('determinism.mjs')]);
  expect(stderr).toBe('');
  expect(code).toBe(0);
  expect(stdout).toMatch(/^[0-9a-f]{64}\n$/);
  return stdout;
}

describe.each(firstOf(2, [3, 5, 2, 7]))('%i ranks', (size) => {
  test('one digest, however the job runs', async () => {
    const digests: string[] = [];
    for (const way of WAYS) digests.push(await digest(size, '--deterministic', ...way));
    expect(new Set(digests).size).toBe(1);
  });
});

test('the sums do depend on the order: other algorithms give other bits', async () => {
  const plain = await digest(5, '--deterministic');
  const { stdout } = await runJob(['-n', '5', '--quiet', program('determinism.mjs')], {
    env: { TSMPI_COLLECTIVE_ALLREDUCE: 'ring' },
  });
  expect(stdout).not.toBe(plain);
});
