/**
 * Cost: where the time of a run went, what it sent and what it held, over all ranks, and how much of the exchange was hidden.
 */

import { availableParallelism } from 'node:os';
import { isMainThread } from 'node:worker_threads';
import { type Communicator, job } from 'tsmpi';
import type { Traffic } from './traffic.ts';

export interface Cost {
  readonly seconds: number;
  readonly stepsPerSecond: number;
  readonly simulatedDaysPerMinute: number;
  /** Nodes advanced by a stage. */
  readonly nodeStagesPerSecond: number;
  readonly cores: number;
  /** Mean over the ranks, in seconds. */
  readonly regions: {
    readonly computing: number;
    readonly exchange: number;
    readonly diagnostics: number;
    readonly output: number;
  };
  /** Largest over mean, of the ranks' computing time and of their elements. */
  readonly imbalance: { readonly computing: number; readonly elements: number };
  /** Of all ranks together. */
  readonly perStep: { readonly messages: number; readonly bytes: number };
  /**
   * An exchange by itself, in µs, with all ranks starting together; what one costs beside computation, waiting for slower
   * ranks included; and the share of the first that is gone in the second. Means over the ranks; null with one rank.
   */
  readonly overlap: { readonly aloneUs: number; readonly besideUs: number; readonly hidden: number } | null;
  /** Bytes resident: of each rank's process, or of the process that its threads share, divided by them. */
  readonly memory: { readonly perRankMean: number; readonly perRankMost: number };
}

/** What a run did, for its cost: seconds of the loop, steps, days, nodes of all ranks, elements and threads of this one. */
export interface Work {
  readonly seconds: number;
  readonly steps: number;
  readonly days: number;
  readonly nodes: number;
  readonly elements: number;
  readonly threads: number;
}

const STAGES = 3;

/** Gather the ranks' figures and return them on rank 0. Collective. */
export function gatherCost(comm: Communicator, traffic: Traffic, work: Work): Cost | undefined {
  const { seconds, steps } = work;
  const exchange = traffic.exchangeSeconds + traffic.sampleSeconds;
  const own = Float64Array.of(
    Math.max(0, seconds - exchange - traffic.diagnosticSeconds - traffic.outputSeconds),
    exchange,
    traffic.diagnosticSeconds,
    traffic.outputSeconds,
    (1e6 * traffic.sampleSeconds) / Math.max(1, traffic.samples),
    (1e6 * traffic.exchangeSeconds) / Math.max(1, traffic.exchanges),
    traffic.messages,
    traffic.bytes,
    process.memoryUsage.rss() / (isMainThread ? 1 : job.localSize),
    work.elements,
  );
  const all = comm.gather(own).wait();
  if (all === undefined) return undefined;
  const columns = Array.from(own, (_, k) => Array.from({ length: comm.size }, (__, rank) => all[rank * own.length + k]));
  const [computing, exchanging, diagnostics, output, alone, beside, messages, bytes, memory, elements] = columns.map(describe);
  const hidden = Math.max(0, 1 - beside.mean / alone.mean);
  return {
    seconds,
    stepsPerSecond: steps / seconds,
    simulatedDaysPerMinute: (60 * work.days) / seconds,
    nodeStagesPerSecond: (STAGES * steps * work.nodes) / seconds,
    cores: Math.min(comm.size * work.threads, availableParallelism() * job.hosts.length),
    regions: {
      ...{ computing: computing.mean, exchange: exchanging.mean },
      ...{ diagnostics: diagnostics.mean, output: output.mean },
    },
    imbalance: { computing: computing.most / computing.mean, elements: elements.most / elements.mean },
    perStep: { messages: messages.sum / Math.max(1, steps), bytes: bytes.sum / Math.max(1, steps) },
    overlap: comm.size === 1 || traffic.exchanges === 0 ? null : { aloneUs: alone.mean, besideUs: beside.mean, hidden },
    memory: { perRankMean: memory.mean, perRankMost: memory.most },
  };
}

function describe(values: readonly number[]): { sum: number; mean: number; most: number } {
  const sum = values.reduce((total, value) => total + value, 0);
  return { sum, mean: sum / values.length, most: Math.max(...values) };
}
