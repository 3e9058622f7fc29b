/**
 * Entry of the thread host: a child process of the agent whose worker threads are the ranks.
 *
 * Its main thread makes the segment, starts the workers, watches them, is their relay, and reports; it runs no program. A worker's
 * uncaught error is written whole to that rank's stderr here, since Node hands it to the main thread. When the agent is
 * gone the process kills its whole group.
 */

import { closeSync } from 'node:fs';
import { inspect } from 'node:util';
import { Worker } from 'node:worker_threads';
import { writeAll } from '../base/thread-stdio.ts';
import type { JobDescription } from '../bootstrap/job.ts';
import { loadAddon } from '../native/loader.ts';
import { createThreadMemory } from '../segment/backing.ts';
import { CONTROL, NOTICE } from '../segment/layout.ts';
import type { Segment } from '../segment/segment.ts';
import { ThreadParking } from '../segment/thread-parking.ts';
import { RankMonitor } from './rank-monitor.ts';
import { hasRelay, RelayHub } from './relay-hub.ts';
import type { FromThreadHost, ThreadRankStart, ToThreadHost } from './thread-host-protocol.ts';
import type { ThreadRankData } from './thread-rank.ts';

const STUCK_LOOK_MS = 100;
const SAMPLE_MS = 1000;

/** Ranks that live, by local rank. */
const live = new Set<number>();
const ended = new Map<number, string>();
let memory: Segment | undefined;
let monitor: RankMonitor | undefined;
let relay: RelayHub | undefined;
let starts: readonly ThreadRankStart[] = [];
/** Ranks whose end was not told. */
let untold = 0;
let isLooking = false;

function tell(message: FromThreadHost): void {
  process.send?.(message);
}

function start(ranks: readonly ThreadRankStart[], description: string, peerCount: number): void {
  let segment: Segment;
  try {
    segment = createThreadMemory(ranks.length, new TextEncoder().encode(description), peerCount);
  } catch (error) {
    tell({ kind: 'failed', message: (error as Error).message });
    return;
  }
  memory = segment;
  starts = ranks;
  untold = ranks.length;
  const watched = new RankMonitor(
    segment,
    ranks.map(({ rank }) => rank),
  );
  monitor = watched;
  const sample = (): void => {
    watched.sample();
    const finalizing = watched.newFinalizing();
    if (finalizing.length > 0) tell({ kind: 'finalizing', ranks: finalizing });
  };
  setInterval(sample, SAMPLE_MS).unref();
  if (hasRelay(JSON.parse(description) as JobDescription)) relay = openRelay(segment);
  for (const rank of ranks) startRank(rank, segment, watched);
  tell({ kind: 'started', segmentByteLength: segment.buffer.byteLength });
}

function openRelay(segment: Segment): RelayHub {
  return new RelayHub(segment, loadAddon().addon, (place, hub) => new ThreadParking(segment, place, hub, undefined), {
    onOffer: (offer) => tell({ kind: 'relay', offer }),
    onFailed: (message) => tell({ kind: 'relayFailed', message }),
  });
}

function startRank(rank: ThreadRankStart, segment: Segment, watched: RankMonitor): void {
  const { local, file, args, stdin, stdout, stderr } = rank;
  segment.i32[segment.control(local, CONTROL.core)] = rank.core;
  const tsmpi = { buffer: segment.buffer as SharedArrayBuffer, localRank: local, worldRank: rank.rank };
  const workerData: ThreadRankData = { tsmpi, file, args, stdin, stdout, stderr };
  const worker = new Worker(new URL('./thread-rank.js', import.meta.url), {
    workerData,
    env: rank.env,
    name: `rank ${rank.rank}`,
    stdin: true,
    stdout: true,
    stderr: true,
  });
  live.add(local);
  let note: string | undefined;
  worker.once('error', (error: unknown) => {
    if ((error as NodeJS.ErrnoException | null)?.code === 'ERR_WORKER_OUT_OF_MEMORY') {
      note = "out of memory: it reached the heap limit of Node (raise it with --node-args '--max-old-space-size=MIB')";
    }
    const text = error instanceof Error ? inspect(error) : `Uncaught ${inspect(error)}`;
    writeAll(stderr, Buffer.from(`${text}\n`));
  });
  worker.once('exit', (code) => {
    const aborted = watched.aborted(local);
    live.delete(local);
    ended.set(local, `exited with code ${aborted?.code ?? code}`);
    const facts = { aborted: aborted?.reason, usedTsmpi: watched.usedTsmpi(local), note };
    const tellExit = (): void => {
      if (--untold === 0) relay?.stop();
      tell({ kind: 'exit', rank: rank.rank, code: aborted?.code ?? code, ...facts });
    };
    // The input's descriptor stays: a socket over it in the worker has closed it already, and its number may be another's.
    for (const fd of [stdout, stderr]) closeSync(fd);
    watched.markDeparted(local);
    wakeAll(segment, watched);
    relay?.wake();
    // Nobody may learn of its end before what it sent has come.
    const arrived = code === 0 ? relay?.flush() : undefined;
    if (arrived === undefined) tellExit();
    else void arrived.then(tellExit);
    if (code === 0) lookForStuck(watched);
  });
}

/** Ranks that wait look again. */
function wakeAll(segment: Segment, watched: RankMonitor): void {
  for (const local of live) {
    if (watched.takeSleepingFlag(local)) Atomics.notify(segment.i32, segment.control(local, CONTROL.sleeping));
  }
}

function lookForStuck(watched: RankMonitor): void {
  if (isLooking) return;
  isLooking = true;
  setInterval(() => {
    const pairs = watched.findStuck((local) => live.has(local));
    if (pairs.length > 0) tell({ kind: 'stuck', pairs });
  }, STUCK_LOOK_MS);
}

/** Ranks that look for a notice end in their own time; the agent kills this process when that is over. */
function evict(): void {
  const isHeeded = [...live].some((local) => monitor?.heeds(local));
  if (!isHeeded) process.kill(process.pid, 'SIGTERM');
  monitor?.setNotice(NOTICE.evicted);
  if (memory !== undefined && monitor !== undefined) wakeAll(memory, monitor);
}

process.on('message', (message: ToThreadHost) => {
  if (message.kind === 'start') start(message.ranks, message.description, message.peerCount);
  else if (message.kind === 'where') {
    const where = starts.map(({ local }) =>
      monitor!.whereabouts(local, { pid: process.pid, ended: ended.get(local), isStopped: false }),
    );
    tell({ kind: 'where', where });
  } else if (message.kind === 'relay') relay?.onOffer(message.offer);
  else if (message.kind === 'evict') evict();
  else if (memory !== undefined && monitor !== undefined) {
    if (message.kind === 'peers') monitor.setPorts(message.ports);
    else {
      monitor.setPeerStates(message.states);
      lookForStuck(monitor);
    }
    wakeAll(memory, monitor);
  }
});
process.on('disconnect', () => process.kill(0, 'SIGKILL'));
