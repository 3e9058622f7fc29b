/** When the relay is taken, and what is said, where packets between hosts are dropped; how a job ends whose relay or connections break. */

import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { program } from '../jobs/run-job.ts';
import { firstOf } from '../long.ts';
import { missing, named as namedAddon } from '../unit/native/native-addon.ts';
import { HostJob } from './host-job.ts';
import { missingHosts, named, TestHosts } from './test-hosts.ts';

const CONNECT = /cannot connect to rank (\d) at 10\.77\.0\.\d:\d+: .+/.source;

describe.skipIf(missingHosts ?? missing)(named(namedAddon('ways between hosts')), () => {
  let hosts: TestHosts;
  beforeAll(async () => {
    hosts = await TestHosts.up(3);
  });
  afterAll(() => hosts?.down());
  afterEach(() => {
    for (const name of hosts.names) hosts.filter(name, {});
  });

  /** Ports on which a host's ranks listen; `ready` are their process ids there. */
  function rankPorts(host: string, ready: readonly string[]): string[] {
    const lines = hosts.run(host, ['ss', '-Hltnp']).split('\n');
    return lines.flatMap((line) => {
      const [, port, pid] = /:(\d+)\s.*pid=(\d+)/.exec(line) ?? [];
      return port !== undefined && ready.includes(pid!) ? [port] : [];
    });
  }

  /** Start ranks that wait, block the ports of those on some hosts, and let them go. */
  async function runBlocked(blocked: readonly string[], ...args: string[]): Promise<Awaited<ReturnType<HostJob['end']>>> {
    const running = new HostJob(hosts, ['--stdin', 'all', ...args, program('gate.mjs')], { holdInput: true });
    const ready = (await running.job.output(/ready (\d+)/, 3)).map(([, pid]) => pid!);
    for (const host of blocked) {
      const ports = rankPorts(host, ready);
      expect(ports.length).toBeGreaterThan(0);
      hosts.filter(host, { input: `tcp dport { ${ports.join(', ')} }` });
    }
    running.job.child.stdin!.end();
    return running.end();
  }

  const ring = /^rank [012] of 3 got [012], all together 3$/gm;

  test('ports of ranks are blocked on all hosts: the relay, which is said with the reason', async () => {
    const { code, stdout, stderr } = await runBlocked(hosts.names, '--explain', '--host', 'node1,node2,node3');
    expect(stdout.match(ring)).toHaveLength(3);
    expect(stderr).toMatch(/^ {2}route websocket: ranks? \d/m);
    const changes = [...stderr.matchAll(/^rank (\d): route relay: rank (\d) \((.*)\)$/gm)];
    expect(changes.length).toBeGreaterThanOrEqual(4);
    for (const [, own, peer, why] of changes) {
      expect(why).toMatch(new RegExp(`^shm: rank ${peer} is on another host; rdma: .+; websocket: ${CONNECT}$`));
      expect(why).not.toContain(`rank ${own} at`);
    }
    expect(stderr).toMatch(
      /^tsmpirun: notice: ranks on node1 and node2 reach each other by way of their agents \(--explain says why\)$/m,
    );
    expect(code).toBe(0);
  });

  test('the ports of one host alone are blocked: its ranks connect to the others', async () => {
    const { code, stdout, stderr } = await runBlocked(['node2'], '--explain', '--host', 'node1,node2,node3');
    expect(stdout.match(ring)).toHaveLength(3);
    expect(stderr).not.toMatch(/route relay: rank/);
    expect(code).toBe(0);
  });

  test('agents do not reach each other either: the job ends and says both attempts', async () => {
    hosts.filter('node2', { input: 'ip saddr 10.77.0.3' });
    hosts.filter('node3', { input: 'ip saddr 10.77.0.2' });
    const { code, lastLine } = await new HostJob(hosts, [
      '--quiet',
      '--tls',
      '--host',
      'node1,node2,node3',
      program('ring.mjs'),
    ]).end();
    expect(lastLine).toMatch(
      /^tsmpirun: the agents on node[23] and node[23] cannot reach each other, so their ranks have no relay \(node[23] to node[23], 10\.77\.0\.\d port \d+: .+; node[23] to node[23], 10\.77\.0\.\d port \d+: .+\)$/,
    );
    expect(code).toBe(1);
  });

  test('a link between two agents falls silent while both reach the launcher: it is the cause, after the heartbeat', async () => {
    const args = ['--quiet', '--tls', '--heartbeat', '2', '--host', 'node1,node2,node3', program('traffic.mjs'), 'await'];
    const running = new HostJob(hosts, args);
    await running.job.output(/ready (\d+)/, 3);
    await running.job.output(/under way/, 1);
    hosts.filter('node2', { input: 'ip saddr 10.77.0.3', output: 'ip daddr 10.77.0.3' });
    const { code, lastLine } = await running.end();
    expect(lastLine).toMatch(/^tsmpirun: lost the relay between node[23] and node[23]: it was silent for 2 s$/);
    expect(code).toBe(1);
  });

  test.each(firstOf(1, ['wait', 'await']))(
    'two hosts do not hear each other any more, while both reach the launcher: connections, by %s',
    async (how) => {
      const args = ['--quiet', '--heartbeat', '2', '--host', 'node1,node2,node3', program('traffic.mjs'), how];
      const running = new HostJob(hosts, args);
      await running.job.output(/ready (\d+)/, 3);
      await running.job.output(/under way/, 1);
      hosts.filter('node2', { input: 'ip saddr 10.77.0.3', output: 'ip daddr 10.77.0.3' });
      const { code, stderr, lastLine } = await running.end();
      expect(lastLine).toMatch(
        /^tsmpirun: lost the connection between rank [12] on node[23] and rank [12] on node[23]: ETIMEDOUT$/,
      );
      expect(stderr).toMatch(/rank 0 on node1 \(pid \d+\) waits in /);
      expect(code).toBe(1);
    },
  );

  test.each(['agent', 'rank'])('kill -9 of an %s while the relay is busy: it is the cause', async (what) => {
    const args = ['--quiet', '--tls', '--host', 'node1,node2,node3', program('traffic.mjs'), 'wait'];
    const running = new HostJob(hosts, args);
    await running.job.output(/ready (\d+)/, 3);
    await running.job.output(/under way/, 1);
    process.kill(what === 'agent' ? running.agent('node2') : running.ranks('node2')[0]!, 'SIGKILL');
    const { code, lastLine } = await running.end();
    if (what === 'agent') expect(lastLine).toMatch(/^tsmpirun: lost the agent on node2 \(pid \d+\): /);
    else expect(lastLine).toMatch(/^tsmpirun: rank 1 on node2 \(pid \d+\): killed by SIGKILL$/);
    expect(code).toBe(what === 'agent' ? 1 : 137);
  });
});
