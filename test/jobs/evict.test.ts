/** Eviction: SIGTERM to the launcher, and the ranks save what they have. */

import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Job, program } from './run-job.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tsmpi-evict-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe.each(['process', 'thread'])('ranks as %s', (kind) => {
  test.each([
    ['look', /rank \d saved at a step, evicted (true|false)/],
    ['call', /rank \d saved at a step, called (true|false)/],
    ['late', /rank \d saved at no step, evicted true/],
  ])('%s: all save, then the job ends with 143', async (mode, words) => {
    const store = join(folder, `${kind}-${mode}`);
    const job = new Job(['-n', '3', '--quiet', '--ranks', kind, program('evict.mjs'), mode, store]);
    await job.output(/ready/);
    job.child.kill('SIGTERM');
    const { code, stdout, lastLine } = await job.end();
    expect(lastLine).toBe('tsmpirun: ended by SIGTERM');
    expect(code).toBe(143);
    expect(stdout.match(new RegExp(words, 'g'))).toHaveLength(3);
    expect(stdout).not.toContain('taken back');
    expect(readdirSync(store).sort()).toEqual(['g1-r0.part', 'g1-r1.part', 'g1-r2.part', 'g1.manifest']);
  });

  test('who does not end is killed when the grace is over', async () => {
    const store = join(folder, `${kind}-slow`);
    const job = new Job(['-n', '2', '--quiet', '--grace', '1', '--ranks', kind, program('evict.mjs'), 'slow', store]);
    await job.output(/ready/);
    const started = performance.now();
    job.child.kill('SIGTERM');
    const { code, stdout } = await job.end();
    expect(code).toBe(143);
    expect(stdout.match(/saved at a step/g)).toHaveLength(2);
    expect(performance.now() - started).toBeGreaterThan(990);
  });
});

test('a process on its own takes the signal for a notice', async () => {
  const store = join(folder, 'alone');
  const job = new Job([program('evict.mjs'), 'late', store], { command: [process.execPath] });
  await job.output(/ready/);
  job.child.kill('SIGTERM');
  const { code, stdout } = await job.end();
  expect(code).toBe(0);
  expect(stdout).toMatch(/^ready \d+\nrank 0 saved at no step, evicted true\n$/);
});

test('a rank that failed is no eviction: the others end as ever', async () => {
  const job = new Job(['-n', '2', '--quiet', program('evict.mjs'), 'late', join(folder, 'failed')]);
  const [[, pid]] = (await job.output(/ready (\d+)/)) as [RegExpExecArray];
  process.kill(Number(pid), 'SIGKILL');
  const { code, stdout } = await job.end();
  expect(code).toBe(137);
  expect(stdout).toBe(`ready ${pid}\n`);
});
