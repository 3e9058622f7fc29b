/** Signals to the launcher: Ctrl-C, Ctrl-Z, Ctrl-\, SIGTERM, SIGHUP. */

import { describe, expect, test } from 'vitest';
import { Job, processState, program } from './run-job.ts';

const linger = program('linger.mjs');
const traps = program('traps.mjs');

async function start(...args: string[]): Promise<{ job: Job; ranks: number[] }> {
  const job = new Job(['-n', '2', '--quiet', ...args]);
  const ready = await job.output(/ready (\d+)/, 2);
  return { job, ranks: ready.map((match) => Number(match[1])) };
}

/** Resolve when a process is in one of those states. */
async function state(pid: number, states: string): Promise<void> {
  for (const limit = performance.now() + 5000; !states.includes(processState(pid)); ) {
    if (performance.now() > limit) throw new Error(`process ${pid} is ${processState(pid)}, not one of ${states}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

describe('SIGINT', () => {
  test('the first goes to the ranks; those that do not handle it die of it: 130', async () => {
    const { job } = await start(linger, 'sleep');
    job.child.kill('SIGINT');
    const { code, lastLine } = await job.end();
    expect(code).toBe(130);
    expect(lastLine).toBe('tsmpirun: interrupted');
  });

  test('a rank that handles it ends as it likes', async () => {
    const { job } = await start(traps, 'SIGINT', '0');
    job.child.kill('SIGINT');
    expect(await job.end()).toMatchObject({ code: 0, stderr: '' });
    const other = await start(traps, 'SIGINT', '5');
    other.job.child.kill('SIGINT');
    const { code, stdout } = await other.job.end();
    expect(code).toBe(5);
    expect(stdout).toContain('got SIGINT');
  });

  test('the second ends the job', async () => {
    const { job } = await start(linger, 'deaf');
    job.child.kill('SIGINT');
    job.child.kill('SIGQUIT');
    await job.output(/has not used tsmpi yet/, 2);
    job.child.kill('SIGINT');
    const { code, lastLine } = await job.end();
    expect(code).toBe(130);
    expect(lastLine).toBe('tsmpirun: interrupted');
  });

  test('ends ranks that are threads', async () => {
    const { job } = await start('--ranks', 'thread', linger, 'block');
    job.child.kill('SIGINT');
    expect((await job.end()).code).toBe(130);
  });
});

describe('SIGTERM', () => {
  test('goes to the ranks, which have the grace to end: 143', async () => {
    const { job } = await start(traps, 'SIGTERM', '0');
    job.child.kill('SIGTERM');
    const { code, stdout, lastLine } = await job.end();
    expect(code).toBe(143);
    expect(stdout.match(/got SIGTERM/g)).toHaveLength(2);
    expect(lastLine).toBe('tsmpirun: ended by SIGTERM');
  });

  test('ranks that do not end are killed after the grace', async () => {
    const { job } = await start('--grace', '0.3', linger, 'deaf');
    const started = performance.now();
    job.child.kill('SIGTERM');
    expect((await job.end()).code).toBe(143);
    expect(performance.now() - started).toBeGreaterThan(290);
  });
});

test('SIGHUP is ignored when stdout is no terminal', async () => {
  const { job } = await start(linger, 'sleep');
  job.child.kill('SIGHUP');
  job.child.kill('SIGQUIT');
  await job.output(/has not used tsmpi yet/, 2);
  job.child.kill('SIGTERM');
  expect((await job.end()).code).toBe(143);
});

test('SIGQUIT prints where every rank stands and ends nothing', async () => {
  const { job, ranks } = await start(linger, 'spin');
  job.child.kill('SIGQUIT');
  await job.output(new RegExp(`tsmpirun: rank \\d \\(pid ${ranks[0]}\\) has not used tsmpi yet`));
  expect(processState(job.pid)).toMatch(/[RS]/);
  job.child.kill('SIGTERM');
  await job.end();
});

test.each(['process', 'thread'])('SIGTSTP stops ranks as %s and then the launcher; SIGCONT wakes all', async (kind) => {
  const { job, ranks } = await start('--ranks', kind, '--timeout', '3', traps, 'SIGTERM', '0');
  job.child.kill('SIGTSTP');
  await state(job.pid, 'T');
  for (const pid of ranks) await state(pid, 'T');
  // Longer than what is left of --timeout: a stopped job's clock stands.
  await new Promise((resolve) => setTimeout(resolve, 3500));
  job.child.kill('SIGCONT');
  for (const pid of [job.pid, ...ranks]) await state(pid, 'RS');
  job.child.kill('SIGTERM');
  expect((await job.end()).code).toBe(143);
});
