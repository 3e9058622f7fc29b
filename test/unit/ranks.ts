/**
 * Ranks for tests: several ranks of one job in one thread, over one SharedArrayBuffer with few cells and buffers, so that
 * every kind of backpressure happens. They make progress whenever the event loop turns: await only, never wait().
 */

import { onTestFinished } from 'vitest';
import type { JobDescription, WaitMode } from '../../src/bootstrap/job.ts';
import type { Communicator } from '../../src/comm/communicator.ts';
import { type Rank, startRank } from '../../src/runtime/rank.ts';
import { layOut } from '../../src/segment/layout.ts';
import { Segment } from '../../src/segment/segment.ts';

const FACTS = { isTTY: false, columns: 80, rows: 24, colorDepth: 1 };

/** Failures that no test looked at. */
export const lost: string[] = [];
/** Aborts of the ranks made last. */
export const aborted: { code: number; reason: string | undefined }[] = [];

export interface RankSettings {
  /** 'park' where the thread is busy with many ranks: they give it away at once. */
  readonly wait?: WaitMode;
  /** Shared areas for collectives; without one they go by messages. */
  readonly areaCount?: number;
  /** The host that each of them believes to be on; all on one by default. */
  readonly hostOf?: readonly number[];
}

/** Start ranks; they stop when the test is over. */
export function startRanks(size: number, settings?: RankSettings): Rank[] {
  const started = makeRanks(size, settings);
  onTestFinished(() => {
    for (const { progress } of started) progress.stop();
  });
  return started;
}

/** Start ranks that whoever calls stops. */
export function makeRanks(size: number, { wait = 'auto', areaCount = 4, hostOf = [] }: RankSettings = {}): Rank[] {
  const ranks = Array.from({ length: size }, (_, rank) => rank);
  const description: JobDescription = {
    id: 'test',
    version: 'test',
    size,
    key: '',
    addresses: [],
    hosts: [{ name: 'here', slots: size }],
    hostOfRank: ranks.map((rank) => hostOf[rank] ?? 0),
    programOfRank: ranks.map(() => 0),
    hostIndex: 0,
    localRanks: ranks,
    rankKind: 'thread',
    agentPid: process.pid,
    // More ranks than cores: nothing spins, all of them live in one thread.
    cores: 0,
    threadsPerRank: 1,
    boundCores: [],
    wait,
    deterministic: false,
    transports: [],
    tls: false,
    heartbeatMs: 10_000,
    explain: false,
    stdout: FACTS,
    stderr: FACTS,
  };
  const text = new TextEncoder().encode(JSON.stringify(description));
  const shape = { localSize: size, cellCount: 128, smallCount: 4, largeCount: 2, areaCount, descriptionCapacity: 8192 };
  const buffer = new SharedArrayBuffer(layOut(shape).byteLength);
  Segment.create(buffer, shape, text);
  aborted.length = 0;
  const abort = (code: number, reason: string | undefined): never => {
    aborted.push({ code, reason });
    throw new Error(`abort(${code})`);
  };
  return ranks.map((rank) => {
    const place = { kind: 'thread', bootstrap: { buffer, localRank: rank, worldRank: rank } } as const;
    return startRank(
      place,
      abort,
      (failed) => lost.push(failed),
      () => {},
    );
  });
}

/** The worlds of so many ranks. */
export function createWorlds(size: number, hostOf: readonly number[] = []): Communicator[] {
  return startRanks(size, { hostOf }).map(({ world }) => world);
}
