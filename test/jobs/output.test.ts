/** Output of ranks: whole lines, nothing lost, bounded memory, and where it may go. */

import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Job, program, runJob } from './run-job.ts';

const lines = program('lines.mjs');

function expected(rank: number, count: number, byteLength: number): string[] {
  return Array.from({ length: count }, (_, k) => `${rank}:${k}:`.padEnd(byteLength, String(rank)));
}

function linesOf(stdout: string, rank: number): string[] {
  return stdout.split('\n').filter((line) => line.startsWith(`${rank}:`));
}

describe.each(['process', 'thread'])('ranks as %s', (kind) => {
  const run = (...args: string[]) => runJob(['-n', '4', '--quiet', '--ranks', kind, ...args]);

  test('lines of ranks never mix, and each rank keeps its order', async () => {
    const { code, stdout } = await run(lines, '800', '120');
    expect(code).toBe(0);
    for (let rank = 0; rank < 4; rank++) expect(linesOf(stdout, rank)).toEqual(expected(rank, 800, 120));
    expect(stdout.split('\n')).toHaveLength(4 * 800 + 1);
  });

  test('all of a rank that ends the job right after its last line', async () => {
    const { code, stdout } = await run(lines, '20000', '60', 'exit');
    expect(code).toBe(9);
    // The first to end is complete; the others end where they were.
    const complete = [0, 1, 2, 3].filter((rank) => linesOf(stdout, rank).length === 20000);
    expect(complete.length).toBeGreaterThan(0);
    expect(linesOf(stdout, complete[0])).toEqual(expected(complete[0], 20000, 60));
  });

  test('what a rank printed before it spins is shown while it spins', async () => {
    const job = new Job(['-n', '2', '--quiet', '--ranks', kind, lines, '300', '80', 'spin']);
    await job.output(/[01]:299:/, 2);
    job.child.kill('SIGTERM');
    expect((await job.end()).code).toBe(143);
  });

  test('a last line without its end is shown', async () => {
    const { stdout } = await runJob(['-n', '1', '--quiet', '--ranks', kind, lines, '2', '10', 'open']);
    expect(stdout).toBe('0:0:000000\n0:1:000000');
  });

  test('--tag-output names the rank in front of each line', async () => {
    const { stdout } = await run('-l', lines, '50', '30');
    for (let rank = 0; rank < 4; rank++) {
      const own = stdout.split('\n').filter((line) => line.startsWith(`[${rank}] `));
      expect(own).toEqual(expected(rank, 50, 30).map((line) => `[${rank}] ${line}`));
    }
  });
});

test('ranks have real pipes, which their children can open by name', async () => {
  const { stdout, stderr } = await runJob(['-n', '2', '--exec', 'sh', '-c', 'echo out > /dev/stdout; echo err > /dev/stderr']);
  expect(stdout).toBe('out\nout\n');
  expect(stderr).toBe('err\nerr\n');
});

test('output of a grandchild in another session is waited for, a second at most', async () => {
  const started = performance.now();
  const script = 'trap "exit 0" USR1; setsid sh -c "echo now; kill -USR1 $$; exec sleep 60" & wait';
  const { code, stdout } = await runJob(['-n', '1', '--exec', 'sh', '-c', script]);
  expect(code).toBe(0);
  expect(stdout).toBe('now\n');
  expect(performance.now() - started).toBeLessThan(5000);
});

test('--output-dir gives each rank its own files', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tsmpi-output-'));
  try {
    const script = 'echo "out $TSMPI_RANK"; [ $TSMPI_RANK = 0 ] || echo "err $TSMPI_RANK" >&2';
    const result = await runJob(['-n', '2', '--output-dir', join(folder, 'a', 'b'), '--exec', 'sh', '-c', script]);
    expect(result).toMatchObject({ code: 0, stdout: '', stderr: '' });
    expect(readdirSync(join(folder, 'a', 'b')).sort()).toEqual(['rank.0.err', 'rank.0.out', 'rank.1.err', 'rank.1.out']);
    expect(readFileSync(join(folder, 'a', 'b', 'rank.1.out'), 'utf8')).toBe('out 1\n');
    expect(readFileSync(join(folder, 'a', 'b', 'rank.0.err'), 'utf8')).toBe('');
    expect(readFileSync(join(folder, 'a', 'b', 'rank.1.err'), 'utf8')).toBe('err 1\n');
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('a folder for --output-dir that cannot be made is told before anything starts', async () => {
  const { code, lastLine } = await runJob(['-n', '2', '--output-dir', '/dev/null/folder', '--exec', 'true']);
  expect(code).toBe(1);
  expect(lastLine).toMatch(/^tsmpirun: .*\/dev\/null\/folder/);
});

test('a full disk under --output-dir is told once and ends the job with 1', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tsmpi-output-'));
  try {
    symlinkSync('/dev/full', join(folder, 'rank.1.out'));
    const { code, stderr } = await runJob([
      '-n',
      '2',
      '--output-dir',
      folder,
      '--exec',
      'sh',
      '-c',
      'while :; do echo line; done',
    ]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^tsmpirun: cannot write .*rank\.1\.out: ENOSPC[^\n]*\n$/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('a reader that goes away ends the job with 141', async () => {
  const job = new Job(['-n', '2', '--quiet', '--exec', 'sh', '-c', 'while :; do echo line; done'], { holdOutput: true });
  job.child.stdout!.once('readable', () => job.child.stdout!.destroy());
  const { code, stderr } = await job.end();
  expect(code).toBe(141);
  expect(stderr).toBe('');
});

test('a reader that is slow slows the ranks, memory stays bounded, nothing is lost', async () => {
  const byteLength = 2_400_000 * 'a line of output\n'.length;
  const script = `yes a line of output | head -c ${byteLength}`;
  const job = new Job(['-n', '2', '--quiet', '--exec', 'sh', '-c', script], { holdOutput: true, deadlineMs: 60_000 });
  const limit = performance.now() + 1500;
  while (performance.now() < limit) {
    for (const pid of job.processes()) {
      const status = readProcess(pid);
      expect(status).toBeLessThan(200 * 1024);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  let length = 0;
  job.child.stdout!.on('data', (text: string) => {
    length += text.length;
  });
  expect((await job.end()).code).toBe(0);
  expect(length).toBe(2 * byteLength);
});

/** Resident memory in KiB; 0 for a process that is gone. */
function readProcess(pid: number): number {
  try {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? 0);
  } catch {
    return 0;
  }
}
