/** Who does not belong to a job and connects to its ports from another host: the job goes on, at little cost. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface, type Interface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { program } from '../jobs/run-job.ts';
import { missing, named as namedAddon } from '../unit/native/native-addon.ts';
import { FOUR, HostJob } from './host-job.ts';
import { missingHosts, named, TestHosts } from './test-hosts.ts';

/** What a process of the job may need more for all strangers together. */
const MOST_BYTES = 128 << 20;

describe.skipIf(missingHosts ?? missing)(named(namedAddon('strangers from another host')), () => {
  let hosts: TestHosts;
  beforeAll(async () => {
    hosts = await TestHosts.up(4);
  });
  afterAll(() => hosts?.down());

  const startBusy = (...options: string[]): HostJob =>
    new HostJob(hosts, [...options, '--stdin', '5', program('break.mjs'), 'point-to-point'], { holdInput: true });

  /** The job still does what it is told: rank 5 ends it. */
  async function expectHealthy(running: HostJob): Promise<void> {
    running.job.child.stdin!.end('7\n');
    const { code, lastLine } = await running.end();
    expect(lastLine).toMatch(/^tsmpirun: rank 5 on node3 \(pid \d+\): exited with code 7$/);
    expect(code).toBe(7);
  }

  function startOn(host: string, ...args: string[]): { child: ChildProcess; lines: Interface } {
    const [file, ...rest] = hosts.command(host, [process.execPath, ...args]);
    const child = spawn(file!, rest, { stdio: ['pipe', 'pipe', 'inherit'] });
    return { child, lines: createInterface({ input: child.stdout }) };
  }

  test.each(['nothing', 'rubbish', 'secret', 'gigabyte'])('a hundred at once at each port, with %s', async (kind) => {
    const running = startBusy(...FOUR);
    const ranks = await running.ready(8);
    const targets = hosts.names.flatMap((host) => hosts.listening(host).map((port) => `${hosts.address(host)}:${port}`));
    expect(targets.length).toBeGreaterThanOrEqual(9);
    const own = [running.job.launcher(), ...ranks];
    const before = own.map(peakBytes);
    const { child, lines } = startOn('node4', program('stranger.mjs'), kind, ...targets);
    const [line] = await once(lines, 'line');
    const [, closed, written] = /^(\d+) closed, (\d+) bytes written$/.exec(line)!;
    expect(Number(closed)).toBe(100 * targets.length);
    if (kind === 'gigabyte') expect(Number(written)).toBeLessThan(targets.length * 2 ** 30);
    child.stdin!.end();
    for (const [index, pid] of own.entries()) expect(peakBytes(pid) - before[index]!).toBeLessThan(MOST_BYTES);
    await expectHealthy(running);
  });

  describe('a recorded connection is worth nothing', () => {
    /** Have the first connection to port 5000 of a host recorded; whoever listens first there does so at that port. */
    async function record(host: string): Promise<{ child: ChildProcess; lines: Interface }> {
      const redirect = 'chain in { type nat hook prerouting priority -100; tcp dport 5000 redirect to :6000; };';
      hosts.run(host, ['nft', `table ip divert { ${redirect} }`]);
      const recorder = startOn(host, program('recorder.mjs'), '6000', `${hosts.address(host)}:5000`);
      await once(recorder.lines, 'line');
      return recorder;
    }

    /** Send it again; return what came of it. */
    async function replay({ child, lines }: { child: ChildProcess; lines: Interface }): Promise<string> {
      child.stdin!.write('replay\n');
      const [answer] = await once(lines, 'line');
      return answer;
    }

    async function stopRecording({ child }: { child: ChildProcess }, host: string): Promise<void> {
      const ended = once(child, 'exit');
      child.stdin!.end();
      await ended;
      hosts.run(host, ['nft', 'delete table ip divert']);
    }

    test('to the launcher', async () => {
      const recorder = await record('node1');
      // Ranks that do not connect: the launcher sees the recorder's address for an agent's.
      const running = await HostJob.linger(hosts, 'sleep', '--ports', '5000-5003');
      expect(await replay(recorder)).toMatch(/^closed after "/);
      expect(hosts.names.flatMap((host) => running.ranks(host))).toHaveLength(8);
      process.kill(running.job.launcher(), 'SIGTERM');
      expect((await running.job.end()).code).toBe(143);
      await stopRecording(recorder, 'node1');
      expect(await hosts.leftovers()).toEqual([]);
    });

    test('to a rank', async () => {
      const recorder = await record('node2');
      // One rank there, which the one before it connects to.
      const running = startBusy('--quiet', '--host', 'node1:3,node2,node3:2,node4:2', '--ports', '5000-5003');
      await running.ready(8);
      expect(await replay(recorder)).toMatch(/^closed after "HTTP\/1\.1 403 .*Tsmpi-Reason: this upgrade was made before/);
      running.job.child.stdin!.end('7\n');
      expect((await running.job.end()).code).toBe(7);
      await stopRecording(recorder, 'node2');
      expect(await hosts.leftovers()).toEqual([]);
    });
  });
});

/** The most memory that a process has had. */
function peakBytes(pid: number): number {
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) * 1024;
}
