/** Jobs inside a PBS job: agents come by pbs_tmrsh, which gives them no input and returns no output. */

import { existsSync, mkdirSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { program } from '../jobs/run-job.ts';
import { HostJob } from './host-job.ts';
import { missingHosts, named, TestHosts } from './test-hosts.ts';
import { TestPbs } from './test-pbs.ts';

const WHERE = ['--exec', 'sh', '-c', 'echo "$TSMPI_RANK $(hostname) $TSMPI_LOCAL_RANK of $TSMPI_SIZE"'];

describe.skipIf(missingHosts)(named('jobs in a PBS job'), () => {
  let hosts: TestHosts;
  let pbs: TestPbs;
  beforeAll(async () => {
    hosts = await TestHosts.up(4);
    pbs = await TestPbs.begin(hosts, { node1: 2, node2: 1, node3: 2 });
  });
  afterAll(async () => {
    pbs?.end();
    await hosts?.down();
  });
  // Nothing that holds a secret, or did, may stay.
  afterEach(() => expect(readdirSync(pbs.home)).toEqual([]));

  const start = (args: readonly string[], env: Readonly<Record<string, string>> = {}): HostJob =>
    new HostJob(hosts, ['--quiet', ...args], { env: { ...pbs.env, ...env } });
  const lines = (text: string): string[] => text.replace(/\n$/, '').split('\n').sort();

  test('plain tsmpirun: a rank for each line of the node file; they exchange messages', async () => {
    const { code, stdout, stderr } = await start([program('ring.mjs')]).end();
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(lines(stdout)).toEqual([0, 1, 2, 3, 4].map((rank) => `rank ${rank} of 5 got ${(rank + 4) % 5}, all together 10`));
  });

  test('where they run; --host selects from the job; PBS’s variables do not travel', async () => {
    const all = await start(WHERE).end();
    expect(lines(all.stdout)).toEqual([
      ...['0 node1 0 of 5', '1 node1 1 of 5', '2 node2 0 of 5', '3 node3 0 of 5', '4 node3 1 of 5'],
    ]);
    const one = await start(['--host', 'node3:1', '--exec', 'sh', '-c', 'echo $(hostname) $PBS_JOBID. $(umask)']).end();
    expect({ code: one.code, stdout: one.stdout }).toEqual({ code: 0, stdout: 'node3 . 0077\n' });
    const foreign = await start(['--host', 'node4', ...WHERE]).end();
    expect(foreign.code).toBe(2);
    expect(foreign.lastLine).toBe(
      'tsmpirun: host node4 is not in the allocation of PBS job 7.node1: expected some of node1, node2, node3',
    );
  });

  test('a secret lies in a file of its user alone, whose path is all that a command line shows', async () => {
    const gate = join(hosts.folder, 'gate');
    const slow = join(hosts.folder, 'slow');
    mkdirSync(slow);
    writeFileSync(
      join(slow, 'pbs_tmrsh'),
      `#!/bin/sh\nuntil [ -e ${gate} ]; do sleep 0.02; done\nexec ${pbs.env.PATH!.split(':')[0]}/pbs_tmrsh "$@"\n`,
      { mode: 0o755 },
    );
    const running = start(WHERE, { PATH: `${slow}:${pbs.env.PATH}` });
    const home = join(pbs.home, '.tsmpi');
    while (!existsSync(home) || readdirSync(home).length === 0 || readdirSync(join(home, readdirSync(home)[0]!)).length < 2)
      await new Promise((resolve) => setTimeout(resolve, 10));
    const folder = join(home, readdirSync(home)[0]!);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    expect(readdirSync(folder).map((name) => statSync(join(folder, name)).mode & 0o777)).toEqual([0o600, 0o600]);
    writeFileSync(gate, '');
    expect((await running.end()).code).toBe(0);
  });

  test('an invitation that others can read is refused; what a killed launcher left is swept', async () => {
    const open = join(hosts.folder, 'open');
    mkdirSync(open);
    writeFileSync(
      join(open, 'pbs_tmrsh'),
      `#!/bin/sh\nfor last; do :; done\nchmod 644 $last\nexec ${pbs.env.PATH!.split(':')[0]}/pbs_tmrsh "$@"\n`,
      { mode: 0o755 },
    );
    const stale = join(pbs.home, '.tsmpi', 'invitations-old');
    mkdirSync(stale, { recursive: true });
    utimesSync(stale, 1, 1);
    const { code, lastLine } = await start(WHERE, { PATH: `${open}:${pbs.env.PATH}` }).end();
    expect(code).toBe(1);
    expect(lastLine).toMatch(
      /^tsmpirun: no agent came up on node[23]: what the agent said stands in the error file of the PBS job \(pbs_tmrsh exited with code 1\)$/,
    );
    expect(pbs.errorFile).toMatch(/tsmpi agent: .*invitations-\S+ is of user 0 with mode 644, so others may have written it/);
  });

  test.each([
    [
      'no pbs_tmrsh',
      { PATH: '/usr/bin:/bin' },
      /^no agent came up on node2: where hosts of the job take ssh, add --starter ssh \(pbs_tmrsh could not be started: spawn pbs_tmrsh ENOENT\)$/,
    ],
    [
      'a home folder that takes no file',
      { HOME: '/proc' },
      /^no agent came up on node2: no invitation for it: ENOENT: .*\/proc\/\.tsmpi/,
    ],
  ])('%s: nothing runs anywhere', async (_, env, message) => {
    const { code, stdout, lastLine } = await start(['--host', 'node1,node2', ...WHERE], env).end();
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(lastLine.replace('tsmpirun: ', '')).toMatch(message);
  });

  test('a host that PBS does not know any more', async () => {
    const nodefile = join(hosts.folder, 'nodefile');
    writeFileSync(nodefile, 'node1\nnode4\n');
    const { code, lastLine } = await start(WHERE, { PBS_NODEFILE: nodefile }).end();
    expect(code).toBe(1);
    expect(lastLine).toBe(
      `tsmpirun: no agent came up on node4: there is no ${process.execPath} there that can be executed, or the host is not one ` +
        'of the job (pbs_tmrsh exited with code 254): pbs_tmrsh: host "node4" is not a node in job',
    );
  });

  test('a rank that fails: its exit code and name', async () => {
    const { code, lastLine } = await start([program('fault.mjs'), 'exit', '3']).end();
    expect(lastLine).toMatch(/^tsmpirun: rank 3 on node3 \(pid \d+\): exited with code 42$/);
    expect(code).toBe(42);
  });

  test.each(['sleep', 'stop'])('kill -9 of the launcher while ranks %s: every host is clean', async (mode) => {
    const running = start([program('linger.mjs'), mode]);
    await running.ready(5);
    process.kill(running.job.launcher(), 'SIGKILL');
    await running.end();
  });

  test('kill -9 of an agent, and of a pbs_tmrsh', async () => {
    const first = start([program('linger.mjs'), 'sleep']);
    await first.ready(5);
    process.kill(first.agent('node2'), 'SIGKILL');
    const lost = await first.end();
    expect(lost.code).toBe(1);
    expect(lost.lastLine).toMatch(/^tsmpirun: lost the agent on node2 \(pid \d+\): pbs_tmrsh exited with code \d+$/);
    const second = start([program('linger.mjs'), 'sleep']);
    await second.ready(5);
    process.kill(second.starter('pbs_tmrsh', 'node3'), 'SIGKILL');
    const end = await second.end();
    expect(end.code).toBe(1);
    expect(end.lastLine).toMatch(/^tsmpirun: lost the agent on node3 \(pid \d+\): pbs_tmrsh was killed by SIGKILL$/);
  });
});
