/**
 * Ranks for tests: several ranks of one job in one thread, over one SharedArrayBuffer with few cells and buffers, so that
 * every kind of backpressure happens. They make progress whenever the event loop turns: await only, never wait().
 */

import { onTestFinished } from 'vitest';
import type { JobDescription } from '../../src/bootstrap/job.ts';
import type { Communicator } from '../../src/comm/communicator.ts';
import { type Rank, startRank } from '../../src/runtime/rank.ts';
import { layOut } from '../../src/segment/layout.ts';
import { Segment } from '../../src/segment/segment.ts';

const FACTS = { isTTY: false, columns: 80, rows: 24, colorDepth: 1 };

/** Failures that no test looked at. */
export const lost: string[] = [];
/** Aborts of the ranks made last. */
export const aborted: { code: number; reason: string | undefined }[] = [];

/** Start ranks; they stop when the test is over. `hostOf`: the host that each of them believes to be on. */
export function startRanks(size: number, hostOf: readonly number[] = []): Rank[] {
  const ranks = Array.from({ length: size }, (_, rank) => rank);
  const description: JobDescription = {
    id: 'test',
    version: 'test',
    size,
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
    wait: 'auto',
    deterministic: false,
    transports: [],
    explain: false,
    stdout: FACTS,
    stderr: FACTS,
  };
  const text = new TextEncoder().encode(JSON.stringify(description));
  const shape = { localSize: size, cellCount: 128, smallCount: 4, largeCount: 2, areaCount: 4, descriptionCapacity: 8192 };
  const buffer = new SharedArrayBuffer(layOut(shape).byteLength);
  Segment.create(buffer, shape, text);
  aborted.length = 0;
  const abort = (code: number, reason: string | undefined): never => {
    aborted.push({ code, reason });
    throw new Error(`abort(${code})`);
  };
  const started = ranks.map((rank) => {
    return startRank({ kind: 'thread', bootstrap: { buffer, localRank: rank, worldRank: rank } }, abort, (failed) =>
      lost.push(failed),
    );
  });
  onTestFinished(() => {
    for (const { progress } of started) progress.stop();
  });
  return started;
}

/** The worlds of so many ranks. */
export function createWorlds(size: number, hostOf: readonly number[] = []): Communicator[] {
  return startRanks(size, hostOf).map(({ world }) => world);
}
