/** Jobs inside a real Slurm allocation: agents come by srun, ssh is not needed. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LAUNCHER, program } from '../jobs/run-job.ts';
import { HostJob, read } from './host-job.ts';
import { named, TestHosts } from './test-hosts.ts';
import { missingSlurm, startSlurm } from './test-slurm.ts';

const WHERE = ['--exec', 'sh', '-c', 'echo "$TSMPI_RANK $(hostname) $TSMPI_LOCAL_RANK of $TSMPI_SIZE"'];

describe.skipIf(missingSlurm)(named('jobs in a Slurm allocation', missingSlurm), () => {
  let hosts: TestHosts;
  let env: Record<string, string>;
  beforeAll(async () => {
    hosts = await TestHosts.up(4);
    env = await startSlurm(hosts);
  });
  afterAll(() => hosts?.down());

  /** Start tsmpirun inside an allocation, made on the first host. */
  const allocate = (allocation: readonly string[], ...args: string[]): HostJob =>
    new HostJob(hosts, ['--quiet', ...args], { env, launch: ['salloc', '-Q', ...allocation, process.execPath, LAUNCHER] });
  const lines = (text: string): string[] => text.replace(/\n$/, '').split('\n').sort();

  test('plain tsmpirun: a rank for each task of the allocation', async () => {
    const { code, stdout, stderr } = await allocate(['-N', '3', '-n', '6', '--ntasks-per-node=2'], ...WHERE).end();
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(lines(stdout)).toEqual([
      ...['0 node1 0 of 6', '1 node1 1 of 6', '2 node2 0 of 6', '3 node2 1 of 6', '4 node3 0 of 6', '5 node3 1 of 6'],
    ]);
  });

  test('--host selects from the allocation; -n beyond its slots and --map-by work', async () => {
    const { code, stdout } = await allocate(['-N', '4'], '--host', 'node4,node2', '--map-by', 'host', '-n', '3', ...WHERE).end();
    expect(code).toBe(0);
    expect(lines(stdout)).toEqual(['0 node4 0 of 3', '1 node2 0 of 3', '2 node4 1 of 3']);
    const foreign = await allocate(['-N', '2', '-w', 'node[1-2]'], '--host', 'node4', ...WHERE).end();
    expect(foreign.code).toBe(2);
    expect(foreign.lastLine).toMatch(
      /^tsmpirun: host node4 is not in the allocation of Slurm job \d+: expected some of node1, node2$/,
    );
  });

  test('two jobs in one allocation at once', async () => {
    const script = `for k in 1 2; do ${process.execPath} ${LAUNCHER} --quiet --exec sh -c 'echo $TSMPI_RANK $(hostname)' & done; wait`;
    const launch = ['salloc', '-Q', '-N', '2', 'sh', '-c', script];
    const { code, stdout } = await new HostJob(hosts, [], { env, launch }).end();
    expect(code).toBe(0);
    expect(lines(stdout)).toEqual(['0 node1', '0 node1', '1 node2', '1 node2']);
  });

  test('Slurm’s variables do not reach ranks of other hosts', async () => {
    const { stdout } = await allocate(['-N', '2'], '--exec', 'sh', '-c', 'echo $(hostname) $SLURM_JOB_ID. $SLURM_STEP_ID.').end();
    expect(lines(stdout)[1]).toBe('node2 . .');
    expect(lines(stdout)[0]).toMatch(/^node1 \d+\. \.$/);
  });

  test('the secret does not cross in clear', async () => {
    const running = allocate(['-N', '2'], program('linger.mjs'), 'sleep');
    await running.ready(2);
    const srun = hosts.processes('node1').find((pid) => read(pid, 'cmdline').startsWith('srun\0'))!;
    const seen = ['cmdline', 'environ'].map((file) => readFileSync(`/proc/${srun}/${file}`, 'latin1')).join('');
    expect(seen).not.toMatch(/secret|MUNGE/);
    expect(seen).not.toMatch(/\0SLURM_(?!CONF=)/);
    process.kill(running.job.launcher(), 'SIGTERM');
    expect((await running.end()).code).toBe(143);
  });

  test.each([['a rank that fails', 42, /^tsmpirun: rank 2 on node2 \(pid \d+\): exited with code 42$/]] as const)(
    '%s: its exit code and name',
    async (_, exitCode, last) => {
      const { code, lastLine } = await allocate(['-N', '2', '--ntasks-per-node=2'], program('fault.mjs'), 'exit', '2').end();
      expect(lastLine).toMatch(last);
      expect(code).toBe(exitCode);
    },
  );

  test.each(['sleep', 'spin', 'stop'])('kill -9 of the launcher while ranks %s: every host is clean', async (mode) => {
    const running = allocate(['-N', '3'], program('linger.mjs'), mode);
    await running.ready(3);
    process.kill(running.job.launcher(), 'SIGKILL');
    await running.end();
  });

  test('kill -9 of an agent', async () => {
    const first = allocate(['-N', '3'], program('linger.mjs'), 'sleep');
    await first.ready(3);
    // Slurm chooses the nodes: one may still be clearing away the job before.
    const host = ['node2', 'node3', 'node4'].find((name) => first.ranks(name).length > 0)!;
    process.kill(first.agent(host), 'SIGKILL');
    const { code, lastLine } = await first.end();
    expect(code).toBe(1);
    expect(lastLine).toMatch(new RegExp(`^tsmpirun: lost the agent on ${host} \\(pid \\d+\\): srun exited with code 137$`));
  });

  // Slurm's daemons keep the input of its tasks open then.
  test('kill -9 of srun', async () => {
    const second = allocate(['-N', '3'], program('linger.mjs'), 'sleep');
    await second.ready(3);
    for (const pid of hosts.processes('node1')) {
      if (read(pid, 'cmdline').startsWith('srun\0')) process.kill(pid, 'SIGKILL');
    }
    const end = await second.end();
    expect(end.code).toBe(1);
    expect(end.lastLine).toMatch(/^tsmpirun: lost the agent on node[2-4] \(pid \d+\): srun was killed by SIGKILL$/);
  });

  test('a signal to the step is an eviction: the ranks of all hosts save what they have', async () => {
    const store = join(hosts.folder, 'evicted');
    const running = allocate(['-N', '2', '-J', 'evicted'], program('evict.mjs'), 'look', store);
    await running.job.output(/ready/);
    const command = ['scancel', '--name=evicted', '--signal=TERM'];
    hosts.run('node1', ['env', `SLURM_CONF=${env.SLURM_CONF}`, ...command]);
    const { code, stdout, lastLine } = await running.end();
    expect(lastLine).toBe('tsmpirun: ended by SIGTERM');
    expect(code).toBe(143);
    expect(stdout.match(/saved at a step, evicted/g)).toHaveLength(2);
    expect(readdirSync(store).sort()).toEqual(['g1-r0.part', 'g1-r1.part', 'g1.manifest']);
  });

  test('scancel ends it', async () => {
    const running = allocate(['-N', '2'], program('linger.mjs'), 'sleep');
    await running.ready(2);
    const id = /SLURM_JOB_ID=(\d+)/.exec(readFileSync(`/proc/${running.job.launcher()}/environ`, 'latin1'))![1];
    hosts.run('node1', ['env', `SLURM_CONF=${env.SLURM_CONF}`, 'scancel', id]);
    expect((await running.end()).code).not.toBe(0);
  });
});
