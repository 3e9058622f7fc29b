/**
 * Cost: where the time of a run went, what it sent and what it held, over all ranks, and how much of the exchange was hidden.
 */

import { availableParallelism } from 'node:os';
import { type Communicator, job, profile } from 'tsmpi';

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
  /** The most bytes that were resident: of each rank's process, or of the process that its threads share, divided by them. */
  readonly memory: { readonly perRankMean: number; readonly perRankMost: number };
}

/** What a run did, for its cost: steps, days, nodes of all ranks; elements, neighbouring ranks and threads of this one. */
export interface Work {
  readonly steps: number;
  readonly days: number;
  readonly nodes: number;
  readonly elements: number;
  readonly neighbors: number;
  readonly threads: number;
}

const STAGES = 3;
const NOTHING = { calls: 0, seconds: 0, imbalance: 1, operations: {} } as const;

/** Gather the ranks' figures and return them on rank 0. Collective. */
export function gatherCost(comm: Communicator, work: Work): Cost | undefined {
  const report = profile().wait();
  const all = comm.gather(Float64Array.of(work.elements, work.neighbors)).wait();
  if (report === undefined || all === undefined) return undefined;
  const { steps } = work;
  const read = (name: string) => report.regions.find((region) => region.name === name) ?? NOTHING;
  const [computing, diagnostics, output] = [read('computing'), read('diagnostics'), read('output')];
  const [start, end, alone] = [read('start of exchange'), read('end of exchange'), read('exchange alone')];
  // What lies in the others is not counted in the region of computing, though they lie in that.
  const exchange = start.seconds + end.seconds + alone.seconds;
  const seconds = computing.seconds + exchange + diagnostics.seconds + output.seconds;
  const [elements, neighbors] = [0, 1].map((column) => all.filter((_, k) => k % 2 === column));
  const exchanges = (start.calls + alone.calls) / comm.size;
  const bytes = sum([start, end, alone].flatMap(({ operations }) => Object.values(operations).map((each) => each.bytes)));
  const usOf = (ofMeanRank: number, calls: number): number => (1e6 * ofMeanRank * comm.size) / Math.max(1, calls);
  const [aloneUs, besideUs] = [usOf(alone.seconds, alone.calls), usOf(start.seconds + end.seconds, start.calls)];
  const isOverlapped = comm.size > 1 && start.calls > 0;
  return {
    seconds,
    stepsPerSecond: steps / seconds,
    simulatedDaysPerMinute: (60 * work.days) / seconds,
    nodeStagesPerSecond: (STAGES * steps * work.nodes) / seconds,
    cores: Math.min(comm.size * work.threads, availableParallelism() * job.hosts.length),
    regions: {
      ...{ computing: computing.seconds, exchange },
      ...{ diagnostics: diagnostics.seconds, output: output.seconds },
    },
    imbalance: { computing: computing.imbalance, elements: (Math.max(...elements) * comm.size) / sum(elements) },
    perStep: { messages: (exchanges * sum(neighbors)) / Math.max(1, steps), bytes: bytes / Math.max(1, steps) },
    overlap: isOverlapped ? { aloneUs, besideUs, hidden: Math.max(0, 1 - besideUs / aloneUs) } : null,
    memory: { perRankMean: report.memoryBytes, perRankMost: report.maxMemoryBytes },
  };
}

function sum(values: ArrayLike<number>): number {
  return Array.from(values).reduce((total, value) => total + value, 0);
}
