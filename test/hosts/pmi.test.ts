/** Jobs without tsmpirun over several hosts: real srun (PMI-2), and MPICH's mpiexec (PMI-1) by ssh. */

import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { processState, program } from '../jobs/run-job.ts';
import { isLong } from '../long.ts';
import { missing as missingAddon } from '../unit/native/native-addon.ts';
import { HostJob } from './host-job.ts';
import { missingPrograms, named, TestHosts } from './test-hosts.ts';
import { missingPmix, missingSlurm, startSlurm } from './test-slurm.ts';

const missing = missingSlurm ?? missingPrograms([['mpiexec.hydra', 'mpich']]) ?? missingAddon;
/** As README says: within a second or two, on a machine under load. */
const SLACK_MS = 10_000;
/** What takes longer, since Slurm takes seconds to end a job. */
const MORE_KILLED = [
  ['srun', 1, 'await'],
  ['srun', 4, 'spin'],
  ['mpiexec', 0, 'spin'],
] as const;
const mates = program('mates.mjs');

describe.skipIf(missing)(named('jobs without tsmpirun', missing), () => {
  let hosts: TestHosts;
  let env: Record<string, string>;
  beforeAll(async () => {
    hosts = await TestHosts.up(3);
    // The same address on each, as those of container bridges: it leads nowhere else.
    const bridge = 'ip link add docker0 type veth peer docker1 && ip link set docker0 up && ip link set docker1 up';
    for (const name of hosts.names) hosts.run(name, ['sh', '-c', `${bridge} && ip addr add 172.17.0.1/16 dev docker0`]);
    env = await startSlurm(hosts);
  });
  afterAll(() => hosts?.down());

  const srun = (options: readonly string[], ...args: string[]): HostJob =>
    new HostJob(hosts, args, { env, launch: ['srun', ...options, process.execPath] });
  const mpiexec = (slots: number, ...args: string[]): HostJob => {
    const where = hosts.names.map((name) => `${name}:${slots}`).join(',');
    const options = ['-launcher', 'ssh', '-hosts', where, '-n', String(slots * hosts.names.length)];
    return new HostJob(hosts, args, { env, launch: ['mpiexec.hydra', ...options, process.execPath] });
  };
  const launchers = {
    srun: (...args: string[]) => srun(['--mpi=pmi2', '-N3', '--ntasks-per-node=2'], ...args),
    mpiexec: (...args: string[]) => mpiexec(2, ...args),
  };
  type Launcher = keyof typeof launchers;

  /** Process ids on this machine of ranks that have told theirs on their own hosts. */
  async function ranks(job: HostJob, count: number): Promise<Map<number, number>> {
    const found = await job.job.output(/ready (\d+) \d+/, count);
    expect(new Set(found.map(([, rank]) => rank)).size).toBe(count);
    const pids = hosts.names.flatMap((host) => hosts.processes(host)).filter((pid) => rankOf(pid) >= 0);
    return new Map(pids.map((pid) => [rankOf(pid), pid]));
  }

  test.each(['srun', 'mpiexec'] as const)('%s starts one job over all hosts', async (launcher) => {
    const { code, stdout, stderr } = await launchers[launcher](program('ring.mjs')).end();
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout.trim().split('\n').sort()).toEqual(
      [5, 0, 1, 2, 3, 4].map((got, rank) => `rank ${rank} of 6 got ${got}, all together 15`),
    );
  });

  test('ranks dealt out one by one, and hosts as they see them', async () => {
    const cyclic = ['--mpi=pmi2', '-N3', '--ntasks-per-node=3', '--distribution=cyclic'];
    const { code, stdout } = await srun(cyclic, mates, 'place', '7').end();
    expect(code).toBe(0);
    const { names, variables, localRank, localSize, hosts: seen } = JSON.parse(/^\{.*\}$/m.exec(stdout)![0]);
    expect({ names, variables, localRank, localSize }).toEqual({ names: [], variables: '7 9 2', localRank: 2, localSize: 3 });
    expect(seen).toEqual(hosts.names.map((name) => ({ name, slots: 3 })));
  });

  test('a long message each way between hosts', async () => {
    const { code, stdout } = await srun(['--mpi=pmi2', '-N2', '-n2'], program('checksum.mjs'), 'wait', '3000000').end();
    expect(code).toBe(0);
    expect(stdout.trim().split('\n').sort()).toEqual(['rank 0: right', 'rank 1: right']);
  });

  test.each([
    ['srun', 'throw', '5', 1, /Error: boom of rank 5\n[\s\S]*tsmpi: rank 5 on node3 \(pid \d+\): exited with code 1/],
    ['srun', 'exit', '0', 42, /tsmpi: rank 0 on node1 \(pid \d+\): exited with code 42/],
    ['srun', 'abort', '2', 5, /tsmpi: rank 2 on node2 \(pid \d+\): abort\(5\): enough/],
    ['mpiexec', 'throw', '0', 1, /Error: boom of rank 0\n[\s\S]*tsmpi: rank 0 on node1 \(pid \d+\): exited with code 1/],
    ['mpiexec', 'exit', '4', 42, /tsmpi: rank 4 on node3 \(pid \d+\): exited with code 42/],
    ['mpiexec', 'abort', '3', 5, /tsmpi: rank 3 on node2 \(pid \d+\): abort\(5\): enough/],
  ] as const)('%s: a rank ends the job: %s of rank %s', async (launcher, mode, who, exitCode, says) => {
    const { code, stderr } = await launchers[launcher](mates, mode, who, who === '0' ? 'wait' : 'spin').end();
    expect(code).toBe(exitCode);
    expect(stderr).toMatch(says);
  });

  test.each(isLong ? ['0', '3'] : ['3'])('rank %s ends while ranks of other hosts wait for it', async (who) => {
    const { code, stderr } = await launchers.srun(mates, 'leave', who, 'wait').end();
    expect(code).toBe(1);
    expect(stderr).toMatch(
      new RegExp(`^tsmpi: rank \\d waits for rank ${who}, which has ended, in recv\\(source ${who}, tag ANY_TAG\\)`, 'm'),
    );
  });

  test('ranks of several hosts all end with sends that nobody received', async () => {
    const { code, stderr } = await srun(['--mpi=pmi2', '-N3', '-n3'], program('unreceived.mjs'), 'each').end();
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^tsmpi: rank \d: send\(dest \d, tag 5, 800000 bytes\) on world was started but never received: its destination ends too$/m,
    );
  });

  test.each([['srun', 0, 'spin'], ['srun', 5, 'block'], ['mpiexec', 3, 'wait'], ...(isLong ? MORE_KILLED : [])] as const)(
    '%s: kill -9 of rank %d while the others %s',
    async (launcher: Launcher, who, how) => {
      const running = launchers[launcher](mates, 'sit', '-1', how);
      const pids = await ranks(running, 6);
      const started = performance.now();
      process.kill(pids.get(who)!, 'SIGKILL');
      const { code } = await running.end();
      expect(code).not.toBe(0);
      if (launcher === 'srun') expect(code).toBe(137);
      expect(performance.now() - started).toBeLessThan(2000 + SLACK_MS);
    },
  );

  test.each(isLong ? [0, 2, 4] : [2])('srun: kill -9 of rank %d, which has departed and stays for its mates', async (who) => {
    const running = launchers.srun(mates, 'part', String(who), 'block');
    const pids = await ranks(running, 6);
    process.kill(pids.get(who)!, 'SIGKILL');
    expect((await running.end()).code).toBe(137);
  });

  test.each(isLong ? [1, 2] : [2])('srun: a stopped rank (%d) does not hold up the end', async (who) => {
    const running = launchers.srun(mates, 'sit', '-1');
    const pids = await ranks(running, 6);
    process.kill(pids.get(who)!, 'SIGSTOP');
    while (processState(pids.get(who)!) !== 'T') await new Promise((resolve) => setImmediate(resolve));
    process.kill(pids.get(5)!, 'SIGKILL');
    expect((await running.end()).code).toBe(137);
  });

  test.skipIf(!isLong)(
    `a host is cut off: ten seconds later the others end${isLong ? '' : ' (skipped: wants TSMPI_LONG_TESTS=1)'}`,
    async () => {
      const running = mpiexec(2, mates, 'sit', '-1', 'spin');
      const pids = await ranks(running, 6);
      hosts.cut('node3');
      const others = [0, 1, 2, 3].map((rank) => pids.get(rank)!);
      while (others.some((pid) => rankOf(pid) >= 0)) await new Promise((resolve) => setTimeout(resolve, 20));
      expect(running.job.stderr).toMatch(/tsmpi: rank 0 lost the host of rank 4, so the job ends/);
      hosts.heal('node3');
      await running.end();
    },
  );

  test('srun: a task ends before it has imported tsmpi', async () => {
    const started = performance.now();
    const script = `[ $PMI_RANK != 3 ] || exit 3; exec ${process.execPath} ${program('ring.mjs')}`;
    const launch = ['srun', '--mpi=pmi2', '-N3', '--ntasks-per-node=2', 'sh', '-c', script];
    const { code, stderr } = await new HostJob(hosts, [], { env, launch }).end();
    expect(code).not.toBe(0);
    expect(stderr).toMatch(
      /tsmpi: rank 2 \(pid \d+\): of the 2 tasks on this host 1 are left: another has ended before the job came together/,
    );
    expect(performance.now() - started).toBeLessThan(5000 + SLACK_MS);
  });

  const SRUN = ['--mpi=none', 'srun', undefined] as const;
  const PMIX = ['--mpi=pmix', 'srun --mpi=pmix or another PMIx launcher', missingPmix] as const;
  describe.each([SRUN, PMIX])('srun %s cannot be joined', (mpi, launcher, without) => {
    test.skipIf(without)(named('it says what to type', without), async () => {
      const { code, stderr } = await srun([mpi, '-N2', '-n2'], program('ring.mjs')).end();
      expect(code).toBe(1);
      expect(stderr).toContain(
        `this process was started by ${launcher}, which tsmpi cannot join: start the job with \`srun --mpi=pmi2 -n N node ${program('ring.mjs')}\` or \`tsmpirun -n N `,
      );
    });
  });
});

/** World rank of a rank's process by the variables that it was started with; -1: it is none, or has ended. */
function rankOf(pid: number): number {
  try {
    if (!readFileSync(`/proc/${pid}/cmdline`, 'latin1').startsWith(`${process.execPath}\0`)) return -1;
    return Number(/\0PMI_RANK=(\d+)\0/.exec(`\0${readFileSync(`/proc/${pid}/environ`, 'latin1')}`)?.[1] ?? -1);
  } catch {
    return -1;
  }
}
