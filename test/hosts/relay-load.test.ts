/** What the relay does under load: it moves messages while ranks compute, keeps little, and delays nothing else. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { program } from '../jobs/run-job.ts';
import { isLong } from '../long.ts';
import { missing, named as namedAddon } from '../unit/native/native-addon.ts';
import { HostJob, read, runOnHosts } from './host-job.ts';
import { missingHosts, named, TestHosts } from './test-hosts.ts';

/** What an agent may take: Node and its own program, windows and batches, and what is collected late. */
const AGENT_KIB = 192 << 10;
/** What is sent to a rank that does not receive: more than an agent may take. */
const HELD_MIB = isLong ? 1024 : 320;
/** A thread host holds two ranks' programs, and the arrays of one, besides. */
const THREAD_HOST_KIB = 448 << 10;

describe.skipIf(missingHosts ?? missing)(named(namedAddon('relay under load')), () => {
  let hosts: TestHosts;
  beforeAll(async () => {
    hosts = await TestHosts.up(2);
  });
  afterAll(() => hosts?.down());

  test('64 MiB both ways move while both ranks compute', async () => {
    const args = ['--quiet', '--tls', '--host', 'node1,node2', program('overlap.mjs'), String(64 << 20)];
    const { code, stdout, stderr } = await runOnHosts(hosts, args);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const times = [...stdout.matchAll(/^rank [01]: right, (\d+) ms alone, waited (\d+) ms$/gm)];
    expect(times).toHaveLength(2);
    // What waits for the ranks to come back would take the time of the exchange again; on a busy machine that is longer.
    for (const [, alone, waited] of times) expect(Number(waited)).toBeLessThan(Math.max(100, Number(alone) / 10));
  });

  test.each([
    ['processes', []],
    ['threads', ['--ranks', 'thread']],
  ])('what is sent to a rank that does not receive stays where it is: %s', async (_, options) => {
    const rank = [program('held.mjs'), '3000', String(HELD_MIB)];
    const args = ['--quiet', '--tls', '--stdin', '1', ...options, '--host', 'node1,node2', ...rank];
    const running = new HostJob(hosts, args, { holdInput: true });
    await running.job.output(/computed/);
    const peaksOf = (file: RegExp): number[] => {
      const found = hosts.names.flatMap((host) => hosts.processes(host)).filter((pid) => file.test(read(pid, 'cmdline')));
      return found.map((pid) => Number(/^VmHWM:\s+(\d+)/m.exec(read(pid, 'status'))![1]));
    };
    const agents = peaksOf(/^[^\0]*node\0[^\0]*\/dist\/agent\.cjs/);
    const threadHosts = peaksOf(/\/dist\/thread-host\.js/);
    expect([agents.length, threadHosts.length]).toEqual([2, options.length]);
    running.job.child.stdin!.end();
    const { code, stdout, stderr } = await running.end();
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: 'computed\nright\n', stderr: '' });
    expect(Math.max(...agents)).toBeLessThan(AGENT_KIB);
    expect(Math.max(0, ...threadHosts)).toBeLessThan(THREAD_HOST_KIB);
    if (isLong) console.log({ agents, threadHosts });
  });

  test('gigabytes in the relay delay no heartbeat and no line', async () => {
    const args = ['--quiet', '--tls', '--heartbeat', '2', '--host', 'node1,node2:2', program('beside.mjs'), '1'];
    const running = new HostJob(hosts, args);
    const late: number[] = [];
    running.job.child.stdout!.on('data', (text: string) => {
      for (const [, ms] of text.matchAll(/^at (\d+)$/gm)) late.push(Date.now() - Number(ms));
    });
    const { code, stderr } = await running.end();
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    late.sort((a, b) => a - b);
    expect(late.length).toBeGreaterThan(20);
    expect(late[Math.floor(late.length / 2)]).toBeLessThan(100);
    expect(late.at(-1)).toBeLessThan(1000);
  });
});
