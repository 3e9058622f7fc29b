/** Exit codes and last lines: what ended the job, told once, with the rank's own words above it. */

import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { program, runJob } from './run-job.ts';

const fault = program('fault.mjs');

describe.each(['process', 'thread'])('ranks as %s', (kind) => {
  const run = (...args: string[]) => runJob(['-n', '3', '--quiet', '--ranks', kind, fault, ...args]);

  test('an uncaught error ends the job with 1; the error stands above the last line, whole', async () => {
    const started = performance.now();
    const { code, stderr, lastLine } = await run('throw');
    expect(code).toBe(1);
    expect(stderr).toContain('Error: boom of rank 1');
    expect(stderr).toContain('fault.mjs:');
    expect(stderr).toContain('[cause]: Error: the cause');
    expect(lastLine).toMatch(/^tsmpirun: rank 1 on \S+ \(pid \d+\): exited with code 1$/);
    expect(stderr.match(/tsmpirun: rank/g)).toHaveLength(1);
    expect(performance.now() - started).toBeLessThan(5000);
  });

  test('an unhandled rejection is an uncaught error', async () => {
    const { code, stderr, lastLine } = await run('reject');
    expect(code).toBe(1);
    expect(stderr).toContain('rejected by rank 1');
    expect(lastLine).toMatch(/rank 1 on .*: exited with code 1$/);
  });

  test('a non-zero exit is passed on', async () => {
    const { code, lastLine } = await run('exit', '2');
    expect(code).toBe(42);
    expect(lastLine).toMatch(/^tsmpirun: rank 2 on .*: exited with code 42$/);
  });

  test('listeners of a program for its exit run after the rank has ended, and their exit code stands', async () => {
    const { code, stdout, lastLine } = await runJob(['-n', '1', '--quiet', '--ranks', kind, program('leave.mjs')]);
    // One rank: another would be ended by this one's code, before it leaves or after.
    expect(stdout).toBe('rank 0 leaves with 0\n');
    expect(code).toBe(5);
    expect(lastLine).toMatch(/rank 0 on .*: exited with code 5$/);
  });

  test('an await that never settles is told in words', async () => {
    const { code, lastLine } = await run('never');
    expect(code).toBe(13);
    expect(lastLine).toMatch(/rank 1 .*exited with code 13: an await at the top level of the program never settles$/);
  });

  test('death at the heap limit is told in words', async () => {
    const { code, lastLine } = await runJob([
      ...['-n', '2', '--quiet', '--ranks', kind, '--node-args', '--max-old-space-size=40', fault, 'memory'],
    ]);
    expect(code).toBe(kind === 'process' ? 134 : 1);
    expect(lastLine).toMatch(/rank 1 .*\(out of memory: it reached the heap limit of Node/);
  });
});

test('a signal is 128 and its number', async () => {
  const { code, lastLine } = await runJob(['-n', '2', '--quiet', fault, 'kill']);
  expect(code).toBe(139);
  expect(lastLine).toMatch(/rank 1 on .*: killed by SIGSEGV$/);
});

test('a program that never used tsmpi is told in one sentence', async () => {
  const { code, stderr } = await runJob(['-n', '2', '--exec', 'true']);
  expect(code).toBe(0);
  expect(stderr).toBe('');
  const plain = await runJob(['-n', '2', program('plain.mjs')]);
  expect(plain.code).toBe(0);
  expect(plain.stderr).toMatch(/^tsmpirun: notice: no rank used tsmpi: 2 separate copies of the program ran/);
});

test('a program that cannot be found or executed is 127 or 126, before any rank runs', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tsmpi-program-'));
  try {
    expect(await runJob(['-n', '2', 'missing.mjs'], { cwd: folder })).toMatchObject({
      code: 127,
      stdout: '',
      lastLine: `tsmpirun: program not found: ${folder}/missing.mjs`,
    });
    expect(await runJob(['-n', '2', '--exec', 'no-such-command'])).toMatchObject({ code: 127 });
    writeFileSync(join(folder, 'script'), '#!/bin/sh\necho ran\n');
    chmodSync(join(folder, 'script'), 0o644);
    expect(await runJob(['-n', '2', '--exec', './script'], { cwd: folder })).toMatchObject({ code: 126, stdout: '' });
    chmodSync(join(folder, 'script'), 0o755);
    expect(await runJob(['-n', '2', '--exec', './script'], { cwd: folder })).toMatchObject({ code: 0, stdout: 'ran\nran\n' });
  } finally {
    rmSync(folder, { recursive: true });
  }
});
