/** What a rank finds in its environment, and what it does not. */

import { availableParallelism } from 'node:os';
import { expect, test } from 'vitest';
import { program, runJob } from './run-job.ts';

test.each(['process', 'thread'])('ranks as %s: their place, our variables, none of other launchers', async (kind) => {
  const env = { MINE: 'kept', PMI_RANK: '7', PMI_FD: '9', PMIX_RANK: '7', OMPI_COMM_WORLD_RANK: '7', TSMPI_CUSTOM: 'kept too' };
  const { code, stdout } = await runJob(['-n', '2', '--quiet', '--ranks', kind, program('environment.mjs')], { env });
  expect(code).toBe(0);
  const ranks = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
    .sort((a, b) => a.TSMPI_RANK - b.TSMPI_RANK);
  expect(ranks).toHaveLength(2);
  ranks.forEach((rank, k) => {
    expect(rank).toMatchObject({ TSMPI_RANK: String(k), TSMPI_SIZE: '2', TSMPI_LOCAL_RANK: String(k) });
    expect(rank).toMatchObject({ MINE: 'kept', TSMPI_CUSTOM: 'kept too', GLIBC_TUNABLES: 'glibc.malloc.hugetlb=1' });
    expect(Object.keys(rank).filter((name) => /^(PMI|PMIX|OMPI)_/.test(name))).toEqual([]);
  });
});

test('tunables of the user are kept, and --huge-pages off adds none', async () => {
  const show = ['--exec', 'sh', '-c', 'echo "$GLIBC_TUNABLES"'];
  const env = { GLIBC_TUNABLES: 'glibc.malloc.arena_max=2' };
  expect((await runJob(['-n', '1', ...show], { env })).stdout).toBe('glibc.malloc.arena_max=2:glibc.malloc.hugetlb=1\n');
  expect((await runJob(['-n', '1', '--huge-pages', 'off', ...show], { env })).stdout).toBe('glibc.malloc.arena_max=2\n');
});

test('NODE_OPTIONS reach the ranks only', async () => {
  const env = { NODE_OPTIONS: '--title=marked' };
  const { stdout, stderr } = await runJob(['-n', '2', '--quiet', program('environment.mjs')], { env });
  expect(
    stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).title),
  ).toEqual(['marked', 'marked']);
  expect(stderr).toBe('');
});

// One core has no second one to bind to.
test.skipIf(availableParallelism() < 2)('--bind-to core gives each rank a core of its own', async () => {
  const { stdout } = await runJob(['-n', '2', '--quiet', '-l', '--bind-to', 'core', '--exec', 'sh', '-c', 'taskset -pc $$']);
  const cores = [...stdout.matchAll(/^\[(\d)\] .*: (\d+)$/gm)].map((match) => match[2]);
  expect(cores).toHaveLength(2);
  expect(new Set(cores).size).toBe(2);
});

test('each rank gets a debugger port of its own', async () => {
  const run = await runJob(['-n', '2', '--quiet', '--node-args', '--inspect=127.0.0.1:19229', program('plain.mjs')]);
  expect(run.stderr).toContain('ws://127.0.0.1:19229/');
  expect(run.stderr).toContain('ws://127.0.0.1:19230/');
});
