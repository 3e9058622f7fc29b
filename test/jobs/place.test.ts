/** Who is a rank and who is not, and what a rank's end says of what it left undone. */

import { expect, test } from 'vitest';
import { program, runJob } from './run-job.ts';

test.each(['process', 'thread'])('a worker and a child of a rank as %s have no world', async (kind) => {
  const { code, stdout } = await runJob(['-n', '2', '--quiet', '--ranks', kind, program('place.mjs')]);
  expect(code).toBe(0);
  for (const [who, name, reason] of [
    ['worker', 'world', 'this is a worker thread of rank 0, whose own thread holds the rank'],
    ['worker', 'self', 'this is a worker thread of rank 0, whose own thread holds the rank'],
    ['worker', 'job', 'this is a worker thread of rank 0, whose own thread holds the rank'],
    ['child', 'world', 'this process is a child of rank 0 (process \\d+), which holds the rank'],
  ]) {
    const text = reason!.replace(/[()]/g, '\\$&');
    const line = `^${who}: ERR_MPI_NO_RANK ${name} cannot be used here: ${text}; call tsmpi from the rank itself$`;
    expect(stdout).toMatch(new RegExp(line, 'm'));
  }
});

test.each(['process', 'thread'])('a send that nobody received is named at the end of a rank as %s', async (kind) => {
  const { code, stderr, lastLine } = await runJob(['-n', '2', '--quiet', '--ranks', kind, program('unreceived.mjs')]);
  expect(code).toBe(1);
  expect(lastLine).toMatch(/^tsmpirun: rank 1 on \S+ \(pid \d+\): ended while rank 0 waits for it$/);
  expect(stderr).toMatch(
    /^tsmpirun: rank 0 \(pid \d+\) waits in finalize until send\(dest 1, tag 5, 800000 bytes\) on world is received$/m,
  );
});

test('ranks that all end with sends that nobody received name them', async () => {
  const { code, stderr, lastLine } = await runJob(['-n', '2', '--quiet', program('unreceived.mjs'), 'each']);
  expect(code).toBe(1);
  expect(lastLine).toMatch(/^tsmpirun: rank [01] on \S+ \(pid \d+\): exited with code 1$/);
  expect(stderr).toMatch(
    /tsmpi: rank \d: send\(dest \d, tag 5, 800000 bytes\) on world was started but never received: its destination ends too/,
  );
});

test('a start loads none of the modules of Node that cost it milliseconds', async () => {
  const { code, stdout } = await runJob(['-n', '2', '--quiet', program('loaded.mjs')]);
  expect(code).toBe(0);
  const loaded: string[] = JSON.parse(stdout);
  expect(loaded).toContain('NativeModule vm');
  expect(loaded.filter((name) => /^NativeModule (perf_hooks|worker_threads|child_process|net|crypto)$/.test(name))).toEqual([]);
});
