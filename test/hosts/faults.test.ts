/**
 * The table of faults and moments: each fault in the middle of each thing that a job does, eight ranks on four hosts. Exit
 * code, last line (the cause, never its consequence), time, and that every host is clean afterwards.
 *
 * A few of them run here; TSMPI_FAULT_RUNS=N runs all, N times each, and prints how long each took to end.
 */

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type JobResult, program } from '../jobs/run-job.ts';
import { FOUR, HostJob } from './host-job.ts';
import { missingHosts, named, TestHosts } from './test-hosts.ts';

/** What the job is in the middle of; at `login` its agents are on their way. */
const MOMENTS = ['login', 'start', 'point-to-point', 'collective', 'finalize'] as const;
type Moment = (typeof MOMENTS)[number];

/** Long enough that what is found out by silence takes longer than any limit here. */
const LONG_HEARTBEAT_S = 30;
const SHORT_HEARTBEAT_S = 4;
/** A machine under load is late with everything. */
const SLACK_MS = 8000;

interface Fault {
  /** Do it; before there are ranks it throws while there is nothing to do it to. */
  inject(running: HostJob, hosts: TestHosts): void;
  /** Moments that it can happen at; undefined: all. */
  readonly moments?: readonly Moment[];
  /** What is found out by silence needs a short one. */
  readonly heartbeatSeconds?: number;
  /** undefined: the launcher itself is killed. */
  readonly exitCode: number | undefined;
  lastLine(moment: Moment): RegExp;
}

const IN_RANKS: readonly Moment[] = MOMENTS.filter((moment) => moment !== 'login');
const rank5 = (how: string) => new RegExp(`^tsmpirun: rank 5 on node3 \\(pid \\d+\\): ${how}$`);
const node3 = (how: string) => (moment: Moment) =>
  new RegExp(`^tsmpirun: ${moment === 'login' ? 'no agent came up on node3' : 'lost the agent on node3 \\(pid \\d+\\)'}: ${how}`);
/** Rank 5 does what its input says. */
const tell = (words: string) => (running: HostJob) => running.job.child.stdin!.end(`${words}\n`);

const FAULTS: Readonly<Record<string, Fault>> = {
  'a rank throws': { inject: tell('broken'), moments: IN_RANKS, exitCode: 1, lastLine: () => rank5('exited with code 1') },
  'a rank exits with 7': { inject: tell('7'), moments: IN_RANKS, exitCode: 7, lastLine: () => rank5('exited with code 7') },
  'a rank exits with 0 too early': {
    inject: tell('0'),
    moments: IN_RANKS,
    exitCode: 1,
    lastLine: (moment) =>
      rank5(`ended${moment === 'start' ? ' without ever using tsmpi' : ''} while ranks? [\\d, -]+ waits? for it`),
  },
  'kill -9 of a rank': {
    inject: (running) => process.kill(running.rank(5), 'SIGKILL'),
    moments: IN_RANKS,
    exitCode: 137,
    lastLine: () => rank5('killed by SIGKILL'),
  },
  'kill -9 of an agent': {
    inject: (running) => process.kill(running.agent('node3'), 'SIGKILL'),
    exitCode: 1,
    lastLine: node3('ssh exited with code 255'),
  },
  'kill -9 of an ssh': {
    inject: (running) => process.kill(running.ssh('node3'), 'SIGKILL'),
    exitCode: 1,
    lastLine: node3('ssh was killed by SIGKILL'),
  },
  'kill -9 of the launcher': {
    inject: (running) => {
      running.ssh('node3');
      process.kill(running.job.launcher(), 'SIGKILL');
    },
    exitCode: undefined,
    lastLine: () => /^/,
  },
  'a host is cut off': {
    inject: (_, hosts) => hosts.cut('node3'),
    // How long a login may take is no matter of the heartbeat.
    moments: IN_RANKS,
    heartbeatSeconds: SHORT_HEARTBEAT_S,
    exitCode: 1,
    lastLine: node3(`it was silent for ${SHORT_HEARTBEAT_S} s$`),
  },
};

/** What runs without the flag: each fault and each moment. */
const FEW: readonly (readonly [keyof typeof FAULTS, Moment])[] = [
  ['a rank throws', 'collective'],
  ['a rank throws', 'finalize'],
  ['a rank exits with 7', 'start'],
  ['a rank exits with 0 too early', 'point-to-point'],
  ['a rank exits with 0 too early', 'finalize'],
  ['kill -9 of a rank', 'point-to-point'],
  ['kill -9 of an agent', 'login'],
  ['kill -9 of an agent', 'collective'],
  ['kill -9 of an ssh', 'start'],
  ['kill -9 of an ssh', 'login'],
  ['kill -9 of the launcher', 'finalize'],
  ['kill -9 of the launcher', 'point-to-point'],
  ['a host is cut off', 'collective'],
];
const runs = Number(process.env.TSMPI_FAULT_RUNS ?? 0);
const ALL = Object.entries(FAULTS).flatMap(([name, { moments = MOMENTS }]) => moments.map((moment) => [name, moment] as const));

describe.skipIf(missingHosts)(named('faults in the middle of things'), () => {
  let hosts: TestHosts;
  beforeAll(async () => {
    hosts = await TestHosts.up(4);
  });
  afterAll(() => hosts?.down());

  /** Break a job in the middle of that; return how it ended, and after how long nothing was left of it. */
  const breakJob = async (fault: Fault, moment: Moment): Promise<{ result: JobResult; tookMs: number }> => {
    const heartbeat = ['--heartbeat', String(fault.heartbeatSeconds ?? LONG_HEARTBEAT_S)];
    const args = [...FOUR, ...heartbeat, '--stdin', '5', program('break.mjs'), moment === 'login' ? 'start' : moment];
    const running = new HostJob(hosts, args, { holdInput: true });
    if (moment !== 'login') await running.ready(8);
    const fromMs = await injectWhenPossible(() => fault.inject(running, hosts));
    const result = await running.job.end();
    // What a host does that is cut off ends there by itself; what held its login finds out when it heals.
    const endedMs = performance.now();
    if (fault.heartbeatSeconds !== undefined) expect(running.ranks('node3')).toEqual([]);
    hosts.heal('node3');
    expect(await hosts.leftovers()).toEqual([]);
    return { result, tookMs: (fault.heartbeatSeconds === undefined ? performance.now() : endedMs) - fromMs };
  };

  test.each(runs > 0 ? ALL : FEW)(
    '%s in the middle of %s',
    async (name, moment) => {
      const fault = FAULTS[name]!;
      const tookMs: number[] = [];
      for (let run = 0; run < Math.max(runs, 1); run++) {
        const { result, tookMs: took } = await breakJob(fault, moment);
        const { code, signal, lastLine } = result;
        expect(lastLine, result.stderr).toMatch(fault.lastLine(moment));
        expect({ code, signal }).toEqual(
          fault.exitCode === undefined ? { code: null, signal: 'SIGKILL' } : { code: fault.exitCode, signal: null },
        );
        const silenceMs = (fault.heartbeatSeconds ?? 0) * 1000;
        expect(took).toBeLessThan(silenceMs + 1000 + SLACK_MS);
        tookMs.push(took);
      }
      if (runs > 0) console.log(`${name}, ${moment}: ${runs} runs, ended after ${summarize(tookMs)} ms`);
    },
    Math.max(runs, 1) * 60_000,
  );
});

/** Do it as soon as it can be done; return when it was done. */
async function injectWhenPossible(inject: () => void): Promise<number> {
  const limitMs = performance.now() + 20_000;
  for (;;) {
    try {
      const nowMs = performance.now();
      inject();
      return nowMs;
    } catch (error) {
      if (performance.now() > limitMs) throw error;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

function summarize(values: readonly number[]): string {
  const sorted = [...values].sort((a, b) => a - b).map((value) => value.toFixed(0));
  return `${sorted[0]} (least), ${sorted[sorted.length >> 1]} (median), ${sorted.at(-1)} (most)`;
}
