/** Jobs without tsmpirun: MPICH's mpiexec starts the ranks, which join by PMI-1. What other launchers start is refused. */

import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { missing } from '../unit/native/native-addon.ts';
import { Job, type JobOptions, type JobResult, processState, program, runJob } from './run-job.ts';

const hasMpiexec = spawnSync('mpiexec.hydra', ['--version']).status === 0;
const missingMpiexec = hasMpiexec ? missing : 'Debian packages are missing: mpich';
/** As README says: within a second or two, on a machine under load. */
const SLACK_MS = 10_000;

const mpiexec = (n: number, ...args: string[]): JobOptions => ({
  command: ['mpiexec.hydra', '-n', String(n), process.execPath, ...args],
});
const run = (n: number, ...args: string[]): Promise<JobResult> => runJob([], mpiexec(n, ...args));
const mates = program('mates.mjs');

describe.skipIf(missingMpiexec)(missingMpiexec === undefined ? 'mpiexec' : `mpiexec (${missingMpiexec})`, () => {
  test('starts one job, whose ranks share memory', async () => {
    const { code, stdout, stderr } = await run(4, program('ring.mjs'));
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout.trim().split('\n').sort()).toEqual(
      [3, 0, 1, 2].map((got, rank) => `rank ${rank} of 4 got ${got}, all together 6`),
    );
  });

  test('more ranks than cores; one rank', async () => {
    const { code, stdout } = await run(12, program('ring.mjs'));
    expect(code).toBe(0);
    expect(stdout.match(/of 12 got \d+, all together 66$/gm)).toHaveLength(12);
    expect((await run(1, program('ring.mjs'))).stdout).toBe('rank 0 of 1 got 0, all together 0\n');
  });

  test('two programs, each with its number', async () => {
    const node = [process.execPath, program('appnum.mjs')];
    const command = ['mpiexec.hydra', '-n', '1', ...node, ':', '-n', '2', ...node];
    const { code, stdout } = await runJob([], { command });
    expect(code).toBe(0);
    expect(stdout.trim().split('\n').sort()).toEqual(['rank 0: program 0', 'rank 1: program 1', 'rank 2: program 1']);
  });

  test('a child of a rank is none, and finds nothing of the launcher', async () => {
    const { code, stdout } = await run(2, mates, 'place', '1');
    expect(code).toBe(0);
    const { names, variables, child, localRank, localSize, hosts } = JSON.parse(/^\{.*\}$/m.exec(stdout)![0]);
    expect({ names, variables, localRank, localSize }).toEqual({ names: [], variables: '1 2 1', localRank: 1, localSize: 2 });
    expect(hosts).toHaveLength(1);
    expect(child).toMatch(/^world cannot be used here: this process is a child of rank 1 \(process \d+\)/);
  });

  test.each([
    ['throw', '1', 1, /Error: boom of rank 1\n[\s\S]*tsmpi: rank 1 \(pid \d+\): exited with code 1/],
    ['exit', '0', 42, /tsmpi: rank 0 \(pid \d+\): exited with code 42/],
    ['abort', '2', 5, /tsmpi: rank 2 \(pid \d+\): abort\(5\): enough/],
  ] as const)('a rank ends the job: %s of rank %s', async (mode, who, exitCode, says) => {
    for (const how of ['wait', 'spin']) {
      const { code, stderr } = await run(3, mates, mode, who, how);
      expect(code).toBe(exitCode);
      expect(stderr).toMatch(says);
    }
  });

  test.each(['await', 'wait'])('a rank that has ended is told of by those who %s for it', async (how) => {
    const { code, stderr } = await run(3, mates, 'leave', '1', how);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^tsmpi: rank [02] waits for rank 1, which has ended, in .*recv\(source 1, tag ANY_TAG\) on world/m);
  });

  test.each(['0', '2'])('kill -9 of rank %s ends all, whatever they do', async (who) => {
    for (const how of ['await', 'spin']) {
      const job = new Job([], mpiexec(3, mates, 'sit', '-1', how));
      const ready = await job.output(/ready (\d) (\d+)/, 3);
      const started = performance.now();
      process.kill(Number(ready.find(([, rank]) => rank === who)![2]), 'SIGKILL');
      expect((await job.end()).code).not.toBe(0);
      expect(performance.now() - started).toBeLessThan(2000 + SLACK_MS);
    }
  });

  test('kill -9 of mpiexec, and of what it has on the host', async () => {
    for (const name of ['mpiexec.hydra', 'hydra_pmi_proxy']) {
      const job = new Job([], mpiexec(3, mates, 'sit', '-1', 'spin'));
      await job.output(/ready/, 3);
      process.kill(job.find(new RegExp(`^[^\\0]*${name}\\0`)), 'SIGKILL');
      await job.end();
    }
  });

  test('a stopped rank does not hold up the end', async () => {
    const job = new Job([], mpiexec(3, mates, 'sit', '-1'));
    const ready = await job.output(/ready (\d) (\d+)/, 3);
    const pid = (rank: string): number => Number(ready.find(([, found]) => found === rank)![2]);
    process.kill(pid('2'), 'SIGSTOP');
    while (processState(pid('2')) !== 'T') await new Promise((resolve) => setImmediate(resolve));
    process.kill(pid('1'), 'SIGKILL');
    expect((await job.end()).code).not.toBe(0);
  });

  test('without the addon it says why there is no job', async () => {
    const { code, stderr } = await runJob([], { ...mpiexec(2, program('ring.mjs')), env: { TSMPI_NATIVE: 'off' } });
    expect(code).not.toBe(0);
    expect(stderr).toContain(
      'ranks that srun or mpiexec start need the native addon (TSMPI_NATIVE=off: switched off): use tsmpirun',
    );
  });
});

test.each([
  [{ PMI_RANK: '0' }, 'a launcher that sets PMI_RANK but no PMI_FD', '`tsmpirun -n N '],
  [{ PMIX_RANK: '0' }, 'srun --mpi=pmix or another PMIx launcher', '`srun --mpi=pmi2 -n N node '],
  [{ OMPI_COMM_WORLD_SIZE: '4', PMIX_RANK: '0' }, "Open MPI's mpirun", '`tsmpirun -n N '],
  [{ SLURM_STEP_ID: '0', SLURM_STEP_NUM_TASKS: '4' }, 'srun', '`srun --mpi=pmi2 -n N node '],
] as [Record<string, string>, string, string][])(
  'a rank of another launcher (%j) is no world of one',
  async (env, launcher, instead) => {
    const command = [process.execPath, program('ring.mjs')];
    const { code, stderr } = await runJob([], { command, env });
    expect(code).toBe(1);
    expect(stderr).toContain(`this process was started by ${launcher}, which tsmpi cannot join: start the job with ${instead}`);
  },
);

test.each([
  [{ PMI_FD: 'x' }, 'the launcher set PMI_FD=x, PMI_RANK=0, PMI_SIZE=2: expected a descriptor, and a rank below the size'],
  [{ PMI_RANK: '2' }, 'the launcher set PMI_FD=77, PMI_RANK=2, PMI_SIZE=2: expected a descriptor, and a rank below the size'],
  [{}, 'descriptor 77 of PMI_FD cannot be used (errno 9): whatever stands between the launcher and node must hand it on'],
] as [Record<string, string>, string][])('wrong variables (%j) are named', async (env, says) => {
  const command = [process.execPath, program('ring.mjs')];
  const { code, stderr } = await runJob([], { command, env: { PMI_FD: '77', PMI_RANK: '0', PMI_SIZE: '2', ...env } });
  expect(code).toBe(1);
  expect(stderr).toContain(says);
});
