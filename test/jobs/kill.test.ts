/** kill -9 of launcher, agent or a rank leaves nothing behind, whatever the ranks do at that moment. */

import { describe, expect, test } from 'vitest';
import { firstOf } from '../long.ts';
import { Job, processState, program } from './run-job.ts';

const linger = program('linger.mjs');
const RANKS = 3;

/** Start a job whose ranks do that, and wait until all of them do. */
async function startLingering(mode: string, ...options: string[]): Promise<{ job: Job; ranks: number[] }> {
  const job = new Job(['-n', String(RANKS), '--quiet', ...options, linger, mode]);
  const ready = await job.output(/ready (\d+)/, RANKS);
  return { job, ranks: ready.map((match) => Number(match[1])) };
}

describe.each(firstOf(6, ['spin', 'sleep', 'stop', 'child', 'session', 'block', 'deaf']))('ranks that %s', (mode) => {
  test('launcher', async () => {
    const { job } = await startLingering(mode);
    process.kill(job.pid, 'SIGKILL');
    expect((await job.end()).signal).toBe('SIGKILL');
  });

  test('one rank', async () => {
    const { job, ranks } = await startLingering(mode);
    process.kill(ranks[1], 'SIGKILL');
    const { code, lastLine } = await job.end();
    expect(code).toBe(137);
    expect(lastLine).toMatch(new RegExp(`^tsmpirun: rank \\d on \\S+ \\(pid ${ranks[1]}\\): killed by SIGKILL$`));
  });

  // A process in a session of its own outlives kill -9 of the agent (src/agent/watchdog.ts says why).
  if (mode === 'session') return;

  test('agent', async () => {
    const { job } = await startLingering(mode);
    const agent = job.agent();
    process.kill(agent, 'SIGKILL');
    const { code, lastLine } = await job.end();
    expect(code).toBe(1);
    expect(lastLine).toMatch(new RegExp(`^tsmpirun: lost the agent on \\S+ \\(pid ${agent}\\): killed by SIGKILL$`));
  });
});

describe.each(firstOf(2, ['spin', 'block', 'sleep', 'child']))('ranks as threads that %s', (mode) => {
  test.each(['launcher', 'agent', 'ranks'])('%s', async (victim) => {
    const { job, ranks } = await startLingering(mode, '--ranks', 'thread');
    const pid = victim === 'launcher' ? job.pid : victim === 'agent' ? job.agent() : ranks[0];
    process.kill(pid, 'SIGKILL');
    const { code } = await job.end();
    expect(code).toBe(victim === 'launcher' ? null : victim === 'agent' ? 1 : 137);
  });
});

describe.each(['wait', 'await'])('ranks in the middle of messages, by %s', (how) => {
  /** Start them, and strike after some time: wherever they are by then. */
  async function strike(victim: (job: Job, ranks: number[]) => number, afterMs: number): Promise<{ job: Job; since: number }> {
    const job = new Job(['-n', String(RANKS), '--quiet', program('traffic.mjs'), how]);
    const ready = await job.output(/ready (\d+)/, RANKS);
    await new Promise((resolve) => setTimeout(resolve, afterMs));
    process.kill(
      victim(
        job,
        ready.map((match) => Number(match[1])),
      ),
      'SIGKILL',
    );
    return { job, since: performance.now() };
  }

  test.each(firstOf(2, [1, 2, 3, 4]))('one rank is the cause, and the job has ended soon (seed %i)', async (seed) => {
    let pid = 0;
    const { job, since } = await strike((_job, ranks) => (pid = ranks[seed % RANKS]!), seed * 13);
    const { code, stderr } = await job.end();
    expect(code).toBe(137);
    expect(stderr).toMatch(new RegExp(`^tsmpirun: rank \\d on \\S+ \\(pid ${pid}\\): killed by SIGKILL\n$`));
    // A second, and as much again for a machine with other things to do.
    expect(performance.now() - since).toBeLessThan(2000);
  });

  test('agent, launcher', async () => {
    const agent = await strike((job) => job.agent(), 50);
    expect((await agent.job.end()).code).toBe(1);
    const launcher = await strike((job) => job.pid, 50);
    expect((await launcher.job.end()).signal).toBe('SIGKILL');
  });
});

test('a rank in a session of its own is ended with the job', async () => {
  const { job } = await startLingering('session');
  process.kill(job.pid, 'SIGTERM');
  expect((await job.end()).code).toBe(143);
});

test('launcher and agent at once: the watchdog ends the ranks', async () => {
  const { job } = await startLingering('child');
  const agent = job.agent();
  process.kill(job.pid, 'SIGKILL');
  process.kill(agent, 'SIGKILL');
  await job.end();
});

test.each(['TERM', 'KILL'])('the watchdog alone, then the launcher by SIG%s', async (signal) => {
  const { job } = await startLingering('sleep');
  const watchdog = job.watchdog();
  process.kill(watchdog, 'SIGKILL');
  while (!['', 'Z'].includes(processState(watchdog))) await new Promise((resolve) => setTimeout(resolve, 5));
  process.kill(job.pid, `SIG${signal}`);
  expect((await job.end()).code).toBe(signal === 'TERM' ? 143 : null);
});

test('the launcher while ranks are still being started', async () => {
  const job = new Job(['-n', '8', '--quiet', linger, 'child']);
  await job.output(/ready/);
  process.kill(job.pid, 'SIGKILL');
  await job.end();
});
