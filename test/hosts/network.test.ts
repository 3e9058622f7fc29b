/** How jobs over ssh end when the network breaks, or a whole host: exit code, last line, and that every host is clean afterwards. */

import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { program } from '../jobs/run-job.ts';
import { firstOf } from '../long.ts';
import { FOUR, HostJob } from './host-job.ts';
import { missingHosts, named, TestHosts } from './test-hosts.ts';

const linger = program('linger.mjs');
/** A machine under load is late with everything. */
const SLACK_MS = 10_000;

describe.skipIf(missingHosts)(named('jobs over ssh, when the network breaks'), () => {
  let hosts: TestHosts;
  beforeAll(async () => {
    hosts = await TestHosts.up(4);
  });
  afterAll(() => hosts?.down());
  afterEach(() => {
    for (const name of hosts.names.filter((host) => hosts.isUp(host))) hosts.heal(name);
    if (hosts.isUp('node3')) hosts.filter('node3', {});
  });

  const startLingering = (mode: string, ...options: string[]) => HostJob.linger(hosts, mode, ...options);

  test.each(firstOf(1, ['spin', 'sleep', 'stop']))(
    'a host is cut off while its ranks %s: they end before it counts as lost',
    async (mode) => {
      const running = await startLingering(mode, '--heartbeat', '4');
      const started = performance.now();
      hosts.cut('node3');
      const { code, lastLine } = await running.job.end();
      expect(performance.now() - started).toBeLessThan(5000 + SLACK_MS);
      expect(running.ranks('node3')).toEqual([]);
      expect(code).toBe(1);
      expect(lastLine).toMatch(/^tsmpirun: lost the agent on node3 \(pid \d+\): it was silent for 4 s$/);
      hosts.heal('node3');
      expect(await hosts.leftovers()).toEqual([]);
    },
  );

  test('a host that is cut off for a moment stays in the job', async () => {
    const running = await startLingering('sleep', '--heartbeat', '30');
    hosts.cut('node3');
    await new Promise((resolve) => setTimeout(resolve, 1500));
    hosts.heal('node3');
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect(running.ranks('node3')).toHaveLength(2);
    process.kill(running.job.launcher(), 'SIGTERM');
    expect((await running.end()).code).toBe(143);
  });

  test('one direction is blocked: towards the launcher', async () => {
    const running = await startLingering('sleep', '--heartbeat', '4');
    hosts.filter('node3', { output: 'ip daddr 10.77.0.1' });
    const { code, lastLine } = await running.job.end();
    expect(code).toBe(1);
    expect(lastLine).toMatch(/^tsmpirun: lost the agent on node3 \(pid \d+\): it was silent for 4 s$/);
    expect(running.ranks('node3')).toEqual([]);
    hosts.filter('node3', {});
    expect(await hosts.leftovers()).toEqual([]);
  });

  test('one direction is blocked: from the launcher', async () => {
    // Longer than elsewhere: what the agent says must come before the launcher's own limit, with all cores busy.
    const running = await startLingering('spin', '--heartbeat', '8');
    hosts.filter('node3', { input: 'ip saddr 10.77.0.1' });
    const { code, lastLine } = await running.job.end();
    expect(code).toBe(1);
    expect(lastLine).toMatch(/^tsmpirun: lost the agent on node3 \(pid \d+\): its launcher did not answer for \d\.\d s$/);
    expect(running.ranks('node3')).toEqual([]);
    hosts.filter('node3', {});
    expect(await hosts.leftovers()).toEqual([]);
  });

  test('a link that loses 5 % of its packets: the job goes on', async () => {
    hosts.filter('node3', { input: 'numgen random mod 100 < 5', output: 'numgen random mod 100 < 5' });
    const running = new HostJob(hosts, [...FOUR, program('lines.mjs'), '400', '120']);
    const { code, stdout } = await running.end();
    expect(code).toBe(0);
    expect(stdout.trimEnd().split('\n')).toHaveLength(8 * 400);
  });

  test.each(firstOf(1, ['collective', 'point-to-point']))('%s over a link that loses a packet in twenty', async (moment) => {
    hosts.filter('node3', { input: 'numgen random mod 100 < 5', output: 'numgen random mod 100 < 5' });
    const running = new HostJob(hosts, [...FOUR, '--stdin', '5', program('break.mjs'), moment], { holdInput: true });
    await running.ready(8);
    running.job.child.stdin!.end('7\n');
    const { code, lastLine } = await running.end();
    expect(lastLine).toMatch(/^tsmpirun: rank 5 on node3 \(pid \d+\): exited with code 7$/);
    expect(code).toBe(7);
  });

  // Last: these hosts do not come back.
  test('all processes of a host are killed', async () => {
    const running = await startLingering('sleep');
    hosts.kill('node4');
    const { code, lastLine } = await running.job.end();
    expect(code).toBe(1);
    expect(lastLine).toMatch(/^tsmpirun: lost the agent on node4 \(pid \d+\): ssh exited with code 255/);
  });

  test('a host loses its power', async () => {
    const running = new HostJob(hosts, ['--quiet', '--heartbeat', '4', '--host', 'node1:2,node2:2,node3:2', linger, 'sleep']);
    await running.ready(6);
    hosts.crash('node3');
    const { code, lastLine } = await running.job.end();
    expect(code).toBe(1);
    expect(lastLine).toMatch(/^tsmpirun: lost the agent on node3 \(pid \d+\): it was silent for 4 s$/);
  });
});
