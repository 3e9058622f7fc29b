/** --ports: on which ports ranks and the launcher listen, and what is said when there are none. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { program } from '../jobs/run-job.ts';
import { missing, named as namedAddon } from '../unit/native/native-addon.ts';
import { HostJob } from './host-job.ts';
import { missingHosts, named, TestHosts } from './test-hosts.ts';

/** Holds the ports that its arguments name, on all addresses, until its input ends. */
const HOLDER = `
const servers = process.argv.slice(1).map((port) => require('node:net').createServer().listen(Number(port), '::'));
Promise.all(servers.map((server) => new Promise((listening) => server.once('listening', listening)))).then(() => console.log('held'));
process.stdin.on('end', () => process.exit()).resume();`;

describe.skipIf(missingHosts ?? missing)(named(namedAddon('--ports')), () => {
  let hosts: TestHosts;
  beforeAll(async () => {
    hosts = await TestHosts.up(2);
  });
  afterAll(() => hosts?.down());
  const releases: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const release of releases.splice(0)) await release();
  });

  const start = (...args: string[]): HostJob => new HostJob(hosts, ['--quiet', '--host', 'node1:2,node2:2', ...args]);

  /** Have another process listen on those ports of a host. */
  async function hold(host: string, ports: readonly number[]): Promise<void> {
    const [file, ...args] = hosts.command(host, [process.execPath, '-e', HOLDER, ...ports.map(String)]);
    const holder = spawn(file!, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    await once(holder.stdout, 'data');
    releases.push(async () => {
      const ended = once(holder, 'exit');
      holder.stdin.end();
      await ended;
    });
  }

  test('ranks and launcher listen there and nowhere else, beside ports that are taken', async () => {
    await hold('node1', [5001]);
    const running = start('--ports', '5000-5003', program('talk-linger.mjs'));
    await running.job.output(/talked/, 4);
    expect({ node1: hosts.listening('node1'), node2: hosts.listening('node2') }).toEqual({
      node1: [5000, 5001, 5002, 5003],
      node2: [5000, 5001],
    });
    process.kill(running.job.launcher(), 'SIGTERM');
    expect((await running.job.end()).code).toBe(143);
  });

  test('relays listen there too', async () => {
    await hold('node1', [5001]);
    await hold('node2', [5000]);
    const running = start('--ports', '5000-5002', '--tls', program('talk-linger.mjs'));
    await running.job.output(/talked/, 4);
    const offered = [hosts.listening('node1').includes(5002), hosts.listening('node2').some((port) => port > 5000)];
    expect(offered).toContain(true);
    for (const port of [...hosts.listening('node1'), ...hosts.listening('node2')]) expect([5000, 5001, 5002]).toContain(port);
    process.kill(running.job.launcher(), 'SIGTERM');
    expect((await running.job.end()).code).toBe(143);
  });

  test('all are taken, for the launcher and for a rank', async () => {
    await hold('node1', [5000, 5001, 5002]);
    const launcher = await start('--ports', '5000-5002', program('ring.mjs')).job.end();
    expect(launcher.code).toBe(1);
    expect(launcher.lastLine).toBe(
      'tsmpirun: no agent came up on node2: ssh was not used: the ports 5000 to 5002 are all in use on this host (--ports): ' +
        'expected one to listen on',
    );
    await hold('node2', [6000, 6001]);
    const rank = await start('--ports', '6000-6002', program('ring.mjs')).job.end();
    expect(rank.code).toBe(1);
    expect(rank.stderr).toContain('none of the ports 6000 to 6002 is free on 10.77.0.2: expected one to listen on');
    expect(rank.lastLine).toMatch(/^tsmpirun: rank [23] on node2 \(pid \d+\): exited with code 1$/);
  });

  test('a range that cannot be enough is refused before anything starts', async () => {
    const { code, lastLine } = await start('--ports', '5000-5001', program('ring.mjs')).end();
    expect(code).toBe(2);
    expect(lastLine).toBe(
      'tsmpirun: --ports 5000-5001 are too few: node1 needs 3, one for each of its 2 ranks, and one for the launcher',
    );
    const relayed = await start('--ports', '5000-5000', '--tls', program('ring.mjs')).end();
    expect(relayed.code).toBe(2);
    expect(relayed.lastLine).toBe(
      'tsmpirun: --ports 5000-5000 are too few: node1 needs 2, one for the relay of its ranks, and one for the launcher',
    );
    const executable = await start('--ports', '5000-5000', '--exec', 'true').end();
    expect(executable.code).toBe(0);
  });
});
