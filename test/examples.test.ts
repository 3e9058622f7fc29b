/** Every small example runs, on processes and threads, and says what it should. The cavity has tests of its own. */

import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { runJob } from './jobs/run-job.ts';

const EXAMPLES = join(import.meta.dirname, '../examples');

/** What the output of each must hold, once or for each rank. */
const EXPECTED: Record<string, RegExp> = {
  '01-hello.ts': /^(hello from rank \d of 4 on \S+, process \d+\n){4}$/,
  '02-ring.ts': /^the token came back with 6, expected 6\n$/,
  '03-pi.ts': /^pi is about 3\.14159265359\d, off by \S+; 20000000 intervals in \S+ s\n$/,
  '04-objects.ts': /^(rank [123] says: the mean of task \d is \d\.5\n){3}$/,
  '05-split.ts': /rank 3: its row sums to 5, its column to 4\n$/,
  '06-overlap.ts': /^after 100 steps the warmest cell is at 0\.887861\n$/,
  '07-halo.ts': /^4 ranks, 200 steps: heat 128\.000000 of 128, peak 0\.039869\n$/,
  '08-halo-3d.ts': /^grid 2 x 2 x 1, 50 steps: heat 1000\.000000 of 1000\n$/,
  '09-checkpoint.ts': /^4 ranks, from step 0 to 400: heat 1\.000000000 of 1\n$/,
  '10-wasm.ts': /^(rank \d, (\d) threads of \2: right\n){4}$/,
};

/** What an example is to be started with. */
const OPTIONS: Record<string, readonly string[]> = { '10-wasm.ts': ['--threads-per-rank', '2'] };

test('each small example has an expectation', () => {
  const names = readdirSync(EXAMPLES).filter((name) => /^\d\d-.*\.ts$/.test(name));
  expect(names.sort()).toEqual(Object.keys(EXPECTED).sort());
});

describe.each(['process', 'thread'])('ranks as %s', (kind) => {
  test.each(Object.keys(EXPECTED))('%s', async (name) => {
    const folder = mkdtempSync(join(tmpdir(), 'tsmpi-example-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const args = name === '09-checkpoint.ts' ? [join(folder, 'states')] : [];
    const job = await runJob(['-n', '4', '--quiet', '--ranks', kind, ...(OPTIONS[name] ?? []), join(EXAMPLES, name), ...args]);
    expect(job.stderr).toBe('');
    expect(job.code).toBe(0);
    expect(job.stdout).toMatch(EXPECTED[name]!);
  });
});
