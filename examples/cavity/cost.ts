/**
 * Cost: where the time of a run went, what it sent and what it held, over all ranks.
 */

import { availableParallelism } from 'node:os';
import { isMainThread } from 'node:worker_threads';
import { type Communicator, job } from 'tsmpi';
import type { Traffic } from './traffic.ts';

export interface Cost {
  readonly seconds: number;
  readonly stepsPerSecond: number;
  readonly cellUpdatesPerSecond: number;
  readonly cellUpdatesPerSecondAndCore: number;
  readonly cores: number;
  /** Mean over the ranks, in seconds. */
  readonly regions: { readonly computing: number; readonly exchange: number; readonly reduction: number };
  /** Largest over mean, of the ranks' computing time and of their cells. */
  readonly imbalance: { readonly computing: number; readonly cells: number };
  /** Of all ranks together; the exchanges of the rank that has most. */
  readonly perStep: {
    readonly exchanges: number;
    readonly reductions: number;
    readonly messages: number;
    readonly bytes: number;
  };
  /** Bytes resident: of each rank's process, or of the process that its threads share, divided by them. */
  readonly memory: { readonly perRankMean: number; readonly perRankMost: number };
}

/** Gather the ranks' figures and return them on rank 0. Collective. `seconds` is the loop over `steps`. */
export function gatherCost(
  comm: Communicator,
  traffic: Traffic,
  seconds: number,
  steps: number,
  cells: number,
): Cost | undefined {
  const own = Float64Array.of(
    Math.max(0, seconds - traffic.exchangeSeconds - traffic.reductionSeconds),
    traffic.exchangeSeconds,
    traffic.reductionSeconds,
    traffic.exchanges,
    traffic.reductions,
    traffic.messages,
    traffic.bytes,
    process.memoryUsage.rss() / (isMainThread ? 1 : job.localSize),
    cells,
  );
  const all = comm.gather(own).wait();
  if (all === undefined) return undefined;
  const columns = Array.from(own, (_, k) => Array.from({ length: comm.size }, (__, rank) => all[rank * own.length + k]));
  const [computing, exchange, reduction, exchanges, reductions, messages, bytes, memory, blocks] = columns.map(describe);
  const cores = Math.min(comm.size, availableParallelism() * job.hosts.length);
  const cellUpdatesPerSecond = (steps * blocks.sum) / seconds;
  return {
    seconds,
    stepsPerSecond: steps / seconds,
    cellUpdatesPerSecond,
    cellUpdatesPerSecondAndCore: cellUpdatesPerSecond / cores,
    cores,
    regions: { computing: computing.mean, exchange: exchange.mean, reduction: reduction.mean },
    imbalance: { computing: computing.most / computing.mean, cells: blocks.most / blocks.mean },
    perStep: {
      exchanges: exchanges.most / steps,
      reductions: reductions.most / steps,
      messages: messages.sum / steps,
      bytes: bytes.sum / steps,
    },
    memory: { perRankMean: memory.mean, perRankMost: memory.most },
  };
}

function describe(values: readonly number[]): { sum: number; mean: number; most: number } {
  const sum = values.reduce((total, value) => total + value, 0);
  return { sum, mean: sum / values.length, most: Math.max(...values) };
}
