/** What a host cannot give is told before anything starts; what blocks a job does not keep it from ending. */

import { expect, test } from 'vitest';
import { Job, LAUNCHER, program, runJob } from './run-job.ts';

test.each(['process', 'thread'])('no memory for the segment of that many ranks as %s', async (kind) => {
  const { code, stdout, lastLine } = await runJob(['-n', '1000000', '--quiet', '--ranks', kind, program('plain.mjs')]);
  expect(code).toBe(1);
  expect(stdout).toBe('');
  expect(lastLine).toMatch(
    /^tsmpirun: no memory for the segment of 1000000 ranks: .* MiB wanted, .* MiB at the least, .* MiB there$/,
  );
});

/** A job whose processes may make no longer file than that; a memfd is one. */
function runWithFileSize(byteLength: number, ...args: string[]) {
  return runJob(args, { command: ['prlimit', `--fsize=${byteLength}:${byteLength}`, process.execPath, LAUNCHER] });
}

test('with less memory than the usual segment wants a smaller one is taken', async () => {
  const job = ['-n', '8', '--quiet', '--ranks', 'process', '--explain', program('ring.mjs')];
  const usual = await runJob(job);
  const small = await runWithFileSize(2_500_000, ...job);
  expect([usual.code, small.code]).toEqual([0, 0]);
  const cells = ({ stderr }: { stderr: string }) => Number(/inbox of (\d+) cells/.exec(stderr)?.[1]);
  expect(cells(small)).toBeLessThan(cells(usual));
  expect(small.stdout.split('\n')).toHaveLength(9);
});

test('with less than the smallest wants nothing starts', async () => {
  const { code, stdout, stderr } = await runWithFileSize(512 * 1024, '-n', '8', '--ranks', 'process', program('ring.mjs'));
  expect(code).toBe(1);
  expect(stdout).toBe('');
  expect(stderr).toMatch(
    /^tsmpirun: no memory for the segment of 8 ranks: \d+\.\d MiB wanted, \d\.\d MiB at the least, 0\.5 MiB there\n$/,
  );
});

test.each([
  ['process', 60],
  ['process', 110],
  ['process', 150],
  ['thread', 60],
])('too few open files for the ranks as %s: %i', async (kind, limit) => {
  const command = ['prlimit', `--nofile=${limit}:${limit}`, process.execPath, LAUNCHER];
  const { code, lastLine } = await runJob(['-n', '32', '--quiet', '--ranks', kind, program('linger.mjs'), 'sleep'], { command });
  expect(code).toBe(1);
  expect(lastLine).toMatch(/^tsmpirun: could not .*open files/);
});

test('a working directory that is not there', async () => {
  const { code, lastLine } = await runJob(['-n', '2', '--wdir', '/no/such/folder', '--exec', 'true']);
  expect(code).toBe(1);
  expect(lastLine).toMatch(/^tsmpirun: .*\/no\/such\/folder/);
});

test.each(['/proc/none/deeper', '/dev/null/below'])('a folder for output that cannot be made: %s', async (folder) => {
  const { code, lastLine } = await runJob(['-n', '2', '--output-dir', folder, program('plain.mjs')]);
  expect(code).toBe(1);
  expect(lastLine).toMatch(
    /^tsmpirun: no files for output in \S+ \(--output-dir\): E[A-Z]+: no.* '\/(proc\/none|dev\/null(\/below)?)'$/,
  );
});

test('SIGTERM ends a job whose output nobody takes', async () => {
  const script = 'trap "" TERM; yes a line of output';
  const job = new Job(['-n', '2', '--quiet', '--grace', '0.2', '--exec', 'sh', '-c', script], { holdOutput: true });
  await new Promise((resolve) => job.child.stdout!.once('readable', resolve));
  job.child.kill('SIGTERM');
  // The launcher gives up the reader; only then the test reads, to see the end of the stream.
  const exited = new Promise((resolve) => job.child.once('exit', resolve));
  expect(await exited).toBe(143);
  job.readOutput();
  await job.end();
});

test('a third Ctrl-C does not wait for anything', async () => {
  const job = new Job(['-n', '2', '--quiet', program('linger.mjs'), 'deaf']);
  await job.output(/ready/, 2);
  for (let k = 0; k < 3; k++) {
    job.child.kill('SIGINT');
    job.child.kill('SIGQUIT');
    if (k < 2) await job.output(/has not used tsmpi yet/, 2 * (k + 1));
  }
  expect((await job.end()).code).toBe(130);
});

test('--explain says who runs where, over which memory', async () => {
  const { code, stderr } = await runJob(['-n', '3', '--quiet', '--explain', program('ring.mjs')]);
  expect(code).toBe(0);
  expect(stderr).toMatch(/^tsmpirun: job \S+: 3 ranks on 1 host$/m);
  expect(stderr).toMatch(/^tsmpirun: host \S+: ranks 0-2 as processes on \d+ cores?$/m);
  expect(stderr).toMatch(/^tsmpirun: agent: pid \d+, segment of \d+\.\d MiB$/m);
  expect(stderr).toMatch(/^tsmpirun: program .*ring\.mjs: ranks 0-2$/m);
});
