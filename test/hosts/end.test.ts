/** How jobs over ssh end when a process breaks or is told to (network.test.ts: when the network does): exit code, last line, and that every host is clean afterwards. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { processState, program } from '../jobs/run-job.ts';
import { firstOf, isLong } from '../long.ts';
import { FOUR, HostJob } from './host-job.ts';
import { missingHosts, named, TestHosts } from './test-hosts.ts';

const linger = program('linger.mjs');

describe.skipIf(missingHosts)(named('jobs over ssh, when something breaks'), () => {
  let hosts: TestHosts;
  beforeAll(async () => {
    hosts = await TestHosts.up(4);
  });
  afterAll(() => hosts?.down());

  const startLingering = (mode: string, ...options: string[]) => HostJob.linger(hosts, mode, ...options);
  const fault = (mode: string, rank: number) => new HostJob(hosts, [...FOUR, program('fault.mjs'), mode, String(rank)]).end();

  test.each([
    ['throw', 1, /^tsmpirun: rank 5 on node3 \(pid \d+\): exited with code 1$/],
    ['exit', 42, /^tsmpirun: rank 5 on node3 \(pid \d+\): exited with code 42$/],
    ['kill', 139, /^tsmpirun: rank 5 on node3 \(pid \d+\): killed by SIGSEGV$/],
  ] as const)('a rank on another host: %s', async (mode, exitCode, last) => {
    const { code, lastLine, stderr } = await fault(mode, 5);
    expect(lastLine).toMatch(last);
    expect(code).toBe(exitCode);
    if (mode === 'throw') expect(stderr).toContain('boom of rank 5');
  });

  test.each(['wait', 'await'])('a rank ends while ranks of other hosts %s for it', async (how) => {
    const args = ['--quiet', '--host', 'node1,node2,node3', program('wait.mjs'), 'leave', how];
    const { code, stderr, lastLine } = await new HostJob(hosts, args).end();
    expect(code).toBe(1);
    expect(lastLine).toMatch(/^tsmpirun: rank 1 on node2 \(pid \d+\): ended while ranks? 0?(, )?2? waits? for it$/);
    expect(stderr).toMatch(/tsmpirun: rank [02] on node[13] \(pid \d+\) waits in recv\(source 1, tag 7\) on world/);
  });

  test.each(['process', 'thread'])('ranks of several hosts, as %s, all end with sends that nobody received', async (kind) => {
    const args = ['--quiet', '--ranks', kind, '--host', 'node1,node2', program('unreceived.mjs'), 'each'];
    const { code, stderr, lastLine } = await new HostJob(hosts, args).end();
    expect(code).toBe(1);
    expect(lastLine).toMatch(/^tsmpirun: rank \d on node\d \(pid \d+\): exited with code 1$/);
    expect(stderr).toMatch(
      /tsmpi: rank \d: send\(dest \d, tag 5, 800000 bytes\) on world was started but never received: its destination ends too/,
    );
  });

  test('a rank fails while ranks of other hosts wait for it: it is the cause, not what it does to them', async () => {
    const args = ['--quiet', '--host', 'node1,node2,node3', program('wait.mjs'), 'throw'];
    const { code, lastLine } = await new HostJob(hosts, args).end();
    expect(code).toBe(1);
    expect(lastLine).toMatch(/^tsmpirun: rank 1 on node2 \(pid \d+\): exited with code 1$/);
  });

  const seconds = isLong ? 30 : 7;
  test(`a rank that computes for ${seconds} s without a call is healthy`, async () => {
    const { code, stdout } = await new HostJob(hosts, [...FOUR, '--heartbeat', '3', program('busy.mjs'), String(seconds)]).end();
    expect({ code, stdout }).toEqual({ code: 0, stdout: '8 ranks\n' });
  });

  test('a stopped rank is reported and not killed; --timeout ends the job', async () => {
    const args = [...FOUR, '--heartbeat', '3', '--timeout', '12', program('break.mjs'), 'point-to-point'];
    const running = new HostJob(hosts, args);
    await running.ready(8);
    const rank = running.rank(5);
    process.kill(rank, 'SIGSTOP');
    while (processState(rank) !== 'T') await new Promise((resolve) => setImmediate(resolve));
    process.kill(running.job.launcher(), 'SIGQUIT');
    await running.job.output(/tsmpirun: rank 5 on node3 \(pid \d+\) is stopped/);
    const { code, stderr, lastLine } = await running.end();
    expect(stderr.match(/rank 5 on node3 \(pid \d+\) is stopped/g)).toHaveLength(2);
    expect(lastLine).toBe('tsmpirun: the job did not end within 12 s (--timeout)');
    expect(code).toBe(124);
  });

  test.each(firstOf(2, ['spin', 'child', 'sleep', 'stop', 'deaf']))('kill -9 of an agent whose ranks %s', async (mode) => {
    const running = await startLingering(mode);
    process.kill(running.agent('node3'), 'SIGKILL');
    const { code, lastLine } = await running.end();
    expect(code).toBe(1);
    expect(lastLine).toMatch(/^tsmpirun: lost the agent on node3 \(pid \d+\): ssh exited with code 255$/);
  });

  test('kill -9 of the agent on the launcher’s host', async () => {
    const running = await startLingering('sleep');
    process.kill(running.job.agent(), 'SIGKILL');
    const { code, lastLine } = await running.end();
    expect(code).toBe(1);
    expect(lastLine).toMatch(/^tsmpirun: lost the agent on node1 \(pid \d+\): killed by SIGKILL$/);
  });

  test('SIGTERM to an agent', async () => {
    const running = await startLingering('sleep');
    process.kill(running.agent('node2'), 'SIGTERM');
    const { code, lastLine } = await running.end();
    expect(code).toBe(1);
    expect(lastLine).toMatch(/^tsmpirun: lost the agent on node2 \(pid \d+\): it got SIGTERM$/);
  });

  test('kill -9 of an ssh', async () => {
    const running = await startLingering('sleep');
    process.kill(running.ssh('node3'), 'SIGKILL');
    const { code, lastLine } = await running.end();
    expect(code).toBe(1);
    expect(lastLine).toMatch(/^tsmpirun: lost the agent on node3 \(pid \d+\): ssh was killed by SIGKILL$/);
  });

  test.each(firstOf(1, ['spin', 'sleep', 'stop']))('kill -9 of the launcher while ranks %s', async (mode) => {
    const running = await startLingering(mode);
    process.kill(running.job.launcher(), 'SIGKILL');
    expect((await running.end()).signal).toBe('SIGKILL');
  });

  test('kill -9 of the launcher while agents are on their way', async () => {
    const running = new HostJob(hosts, [...FOUR, linger, 'sleep']);
    while (running.job.processes().length < 4) await new Promise((resolve) => setTimeout(resolve, 5));
    process.kill(running.job.launcher(), 'SIGKILL');
    await running.end();
  });

  test('Ctrl-C reaches the ranks of all hosts', async () => {
    const running = await startLingering('sleep');
    process.kill(running.job.launcher(), 'SIGINT');
    const { code, lastLine } = await running.end();
    expect({ code, lastLine }).toEqual({ code: 130, lastLine: 'tsmpirun: interrupted' });
  });

  test('the second Ctrl-C ends ranks that are deaf to the first', async () => {
    const running = await startLingering('deaf');
    process.kill(running.job.launcher(), 'SIGINT');
    process.kill(running.job.launcher(), 'SIGINT');
    const { code, lastLine } = await running.end();
    expect({ code, lastLine }).toEqual({ code: 130, lastLine: 'tsmpirun: interrupted' });
  });

  test('SIGTERM ends the job, ranks that are deaf to it after the grace', async () => {
    const running = await startLingering('deaf', '--grace', '0.2');
    process.kill(running.job.launcher(), 'SIGTERM');
    const { code, lastLine } = await running.end();
    expect({ code, lastLine }).toEqual({ code: 143, lastLine: 'tsmpirun: ended by SIGTERM' });
  });

  test('Ctrl-Z stops ranks on all hosts for longer than the heartbeat; they go on with the launcher', async () => {
    const running = await startLingering('sleep', '--heartbeat', '3');
    const ranks = hosts.names.flatMap((host) => running.ranks(host));
    const launcher = running.job.launcher();
    process.kill(launcher, 'SIGTSTP');
    const states = (): string => [launcher, ...ranks].map(processState).join('');
    while (!/^T+$/.test(states())) await new Promise((resolve) => setTimeout(resolve, 20));
    await new Promise((resolve) => setTimeout(resolve, 4000));
    expect(states()).toBe('T'.repeat(9));
    // What entered the host has stopped with its child.
    process.kill(running.job.pid, 'SIGCONT');
    process.kill(launcher, 'SIGCONT');
    while (/T/.test(states())) await new Promise((resolve) => setTimeout(resolve, 20));
    await new Promise((resolve) => setTimeout(resolve, 4000));
    expect(hosts.names.flatMap((host) => running.ranks(host))).toEqual(ranks);
    process.kill(launcher, 'SIGTERM');
    expect((await running.end()).code).toBe(143);
  });

  test('--timeout says where the ranks of all hosts are, and SIGQUIT too', async () => {
    const running = await startLingering('sleep', '--timeout', '60');
    process.kill(running.job.launcher(), 'SIGQUIT');
    const found = await running.job.output(/tsmpirun: rank (\d) on (node\d) \(pid \d+\) has not used tsmpi yet/, 8);
    expect(found.map(([, rank, host]) => `${rank} ${host}`)).toEqual([
      ...['0 node1', '1 node1', '2 node2', '3 node2', '4 node3', '5 node3', '6 node4', '7 node4'],
    ]);
    process.kill(running.job.launcher(), 'SIGTERM');
    await running.end();
  });
});
