/** Jobs whose agents wait already: in an Azure Batch task, and wherever somebody started them. */

import { randomBytes } from 'node:crypto';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { VERSION } from '../../src/base/version.ts';
import { LAUNCHER, program } from '../jobs/run-job.ts';
import { HostJob, read } from './host-job.ts';
import { TestTask } from './test-azure-batch.ts';
import { missingHosts, named, TestHosts } from './test-hosts.ts';

const TSMPI = join(dirname(LAUNCHER), 'tsmpi.js');
const AGENT = [process.execPath, TSMPI, 'agent', '--listen'];
const SECRET = randomBytes(32).toString('base64');
const WHERE = ['--exec', 'sh', '-c', 'echo "$TSMPI_RANK $(hostname) of $TSMPI_SIZE, $AZ_BATCH_NODE_ID.$TSMPI_AGENT_SECRET"'];

describe.skipIf(missingHosts)(named('jobs whose agents wait'), () => {
  let hosts: TestHosts;
  let task: TestTask;
  beforeAll(async () => {
    hosts = await TestHosts.up(3);
    task = new TestTask(hosts, hosts.names, 2, { TSMPI_AGENT_SECRET: SECRET });
  });
  afterAll(() => hosts?.down());
  afterEach(async () => {
    for (const name of hosts.names) for (const pid of waiting(name)) process.kill(pid, 'SIGTERM');
    expect(await hosts.leftovers()).toEqual([]);
  });

  const waiting = (host: string): number[] =>
    hosts.processes(host).filter((pid) => /\/agent\.cjs\0listen\0/.test(read(pid, 'cmdline')));
  const start = (args: readonly string[], env = task.env('node1')): HostJob => new HostJob(hosts, ['--quiet', ...args], { env });
  const lines = (text: string): string[] => text.replace(/\n$/, '').split('\n').sort();
  const listen = (names: readonly string[] = hosts.names, ...options: string[]) => task.coordinate([...AGENT, ...options], names);

  test('an Azure Batch task: the coordination command returns, plain tsmpirun has a rank for each core, all agents leave', async () => {
    for (const { code, stdout, stderr } of await listen()) {
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout).toMatch(
        /^tsmpi agent: process \d+ waits on port 17117; it leaves with its job, or after 3600 s without one\n$/,
      );
    }
    expect(hosts.names.map((name) => waiting(name).length)).toEqual([1, 1, 1]);
    const { code, stdout, stderr } = await start(WHERE).end();
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(lines(stdout)).toEqual([1, 1, 2, 2, 3, 3].map((node, rank) => `${rank} node${node} of 6, vm_node${node}.`));
  });

  test('by names, with a file and another port, where no platform says anything', async () => {
    const secret = join(hosts.folder, 'secret');
    writeFileSync(secret, `${SECRET}\n`, { mode: 0o600 });
    const options = ['--secret-file', secret];
    await listen(['node2', 'node3'], '--port', '4711', ...options);
    const args = [
      '--starter',
      'azure-batch',
      '--agent-port',
      '4711',
      ...options,
      '--host',
      'node1,node2,node3',
      program('ring.mjs'),
    ];
    const { code, stdout, stderr } = await start(args, {}).end();
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(lines(stdout)).toHaveLength(3);
  });

  test('an agent that stays takes one job after the other; SIGTERM ends it', async () => {
    await listen(['node2'], '--stay', '--idle', '60');
    for (const turn of [1, 2, 3]) {
      const { code, stdout } = await start(['--host', '10.77.0.2:1', '--exec', 'echo', `turn ${turn}`]).endLeaving();
      expect({ code, stdout }).toEqual({ code: 0, stdout: `turn ${turn}\n` });
    }
  });

  test('a second launcher is told that the agent has a job', async () => {
    await listen(['node2']);
    const first = start(['--host', '10.77.0.2:1', program('linger.mjs'), 'sleep']);
    await first.ready(1);
    const second = await start(['--host', '10.77.0.2:1', '--exec', 'true']).endLeaving();
    expect(second.code).toBe(1);
    expect(second.lastLine).toBe('tsmpirun: no agent came up on 10.77.0.2: the agent that waited there has another job already');
    process.kill(first.job.launcher(), 'SIGTERM');
    expect((await first.end()).code).toBe(143);
  });

  test('an agent leaves after the time without a job', async () => {
    await listen(['node2', 'node3'], '--idle', '0.2');
    expect(await hosts.leftovers()).toEqual([]);
  });

  test('in the foreground it ends with its job', async () => {
    const agent = task.coordinate(['timeout', '60', ...AGENT, '--foreground'], ['node2']);
    const { code, stdout } = await start(['--host', '10.77.0.2:1', '--exec', 'echo', 'it ran']).end();
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'it ran\n' });
    const [{ code: agentCode, stdout: said }] = await agent;
    expect(agentCode).toBe(0);
    expect(said).toMatch(/^tsmpi agent: process \d+ waits on port 17117/);
  });

  describe('what cannot be: nothing runs anywhere', () => {
    const run = async (args: readonly string[], env?: Record<string, string>) => {
      const { code, stdout, lastLine } = await start([...args, '--exec', 'echo', 'it ran'], env).endLeaving();
      expect(stdout).toBe('');
      return { code, lastLine: lastLine.replace('tsmpirun: ', '') };
    };

    test('another secret', async () => {
      await listen(['node2']);
      const env = { ...task.env('node1'), TSMPI_AGENT_SECRET: 'another secret of some length' };
      expect(await run(['--host', '10.77.0.2:1'], env)).toEqual({
        code: 1,
        lastLine:
          'no agent came up on 10.77.0.2: the agent on port 17117 there does not share our secret (--secret-file, TSMPI_AGENT_SECRET)',
      });
      // It still waits for the right one.
      const { stdout } = await start(['--host', '10.77.0.2:1', '--exec', 'echo', 'right']).end();
      expect(stdout).toBe('right\n');
    });

    test('something else listens there', async () => {
      expect(await run(['--host', '10.77.0.2:1', '--agent-port', '22'])).toMatchObject({
        code: 1,
        lastLine: expect.stringMatching(
          /^no agent came up on 10\.77\.0\.2: what listens on port 22 there is no agent of tsmpi \(--agent-port\): /,
        ),
      });
    });

    test('another version', async () => {
      const agent = join(dirname(LAUNCHER), 'agent-main.cjs');
      const other = join(hosts.folder, 'other.js');
      writeFileSync(other, readFileSync(agent, 'utf8').replaceAll(JSON.stringify(VERSION), '"99.1.0"'));
      hosts.run('node2', ['mount', '--bind', other, agent]);
      await listen(['node2']);
      const end = await run(['--host', '10.77.0.2:1']);
      hosts.run('node2', ['umount', agent]);
      expect(end).toEqual({ code: 1, lastLine: `the launcher is tsmpi ${VERSION} and the agent on 10.77.0.2 is 99.1.0` });
    });

    test('nobody there', async () => {
      expect(await run(['--host', '10.77.0.2:1,10.77.0.1'])).toEqual({
        code: 1,
        lastLine:
          'no agent came up on 10.77.0.2: no agent waits on port 17117 there (connect ECONNREFUSED 10.77.0.2:17117): start one with ' +
          'tsmpi agent --listen',
      });
    });

    test('no secret for the launcher', async () => {
      expect(await run(['--host', '10.77.0.2:1'], { ...task.env('node1'), TSMPI_AGENT_SECRET: '' })).toEqual({
        code: 2,
        lastLine:
          'agents that wait need a secret: expected --secret-file FILE or TSMPI_AGENT_SECRET, with the same secret for agents and launcher',
      });
    });
  });

  test('an agent that cannot listen says why, and the coordination command fails', async () => {
    const one = async (...options: string[]) => {
      const [{ code, stdout, stderr }] = await listen(['node2'], ...options);
      expect(stdout).toBe('');
      return { code, stderr };
    };
    const open = join(hosts.folder, 'open-secret');
    writeFileSync(open, SECRET);
    chmodSync(open, 0o644);
    const short = join(hosts.folder, 'short-secret');
    writeFileSync(short, 'short\n', { mode: 0o600 });
    expect(await one('--secret-file', open)).toEqual({
      code: 1,
      stderr: `tsmpi agent: --secret-file ${open} is open to everybody (mode 644): chmod 600 ${open}\n`,
    });
    expect(await one('--secret-file', short)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('has 5 bytes: expected 16 at least'),
    });
    expect(await one('--secret-file', '/no/such')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('--secret-file cannot be read: ENOENT'),
    });
    expect(await one('--port', '22')).toEqual({
      code: 1,
      stderr: 'tsmpi agent: port 22 is in use on this host: expected one to listen on\n',
    });
    expect(await one('--port', '0')).toEqual({ code: 2, stderr: 'tsmpi agent: --port got 0: expected a port from 1 to 65535\n' });
    expect((await one('--idle', '-1')).code).toBe(2);
  });

  test('kill -9 of the launcher: the agents end their ranks and leave', async () => {
    await listen(['node2', 'node3']);
    const running = start(['--host', '10.77.0.2:1,10.77.0.3:1', program('linger.mjs'), 'stop']);
    await running.ready(2);
    process.kill(running.job.launcher(), 'SIGKILL');
    await running.end();
  });
});
