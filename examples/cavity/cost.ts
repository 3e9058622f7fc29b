/**
 * Cost: where the time of a run went, what it sent and what it held, over all ranks.
 */

import { availableParallelism } from 'node:os';
import { type Communicator, job, type ProfileReport, profile } from 'tsmpi';

const NOTHING = { calls: 0, seconds: 0, imbalance: 1, operations: {} } as const;

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
  /** Messages and bytes of all ranks together; exchanges and reductions of the mean rank. */
  readonly perStep: {
    readonly exchanges: number;
    readonly reductions: number;
    readonly messages: number;
    readonly bytes: number;
  };
  /** The most bytes that were resident: of each rank's process, or of the process that its threads share, divided by them. */
  readonly memory: { readonly perRankMean: number; readonly perRankMost: number };
}

/** Gather the ranks' figures and return them on rank 0. Collective. `steps` were taken in the region of computing. */
export function gatherCost(comm: Communicator, steps: number, cells: number): Cost | undefined {
  const report = profile().wait();
  const blocks = comm.gather(cells).wait();
  if (report === undefined || blocks === undefined) return undefined;
  const [computing, exchange, reduction] = (['computing', 'exchange', 'reduction'] as const).map((name) =>
    readRegion(report, name),
  );
  // What lies in the others is not counted in the region of computing, though it lies in that.
  const seconds = computing.seconds + exchange.seconds + reduction.seconds;
  const allCells = blocks.reduce((sum, value) => sum + value, 0);
  const cores = Math.min(comm.size, availableParallelism() * job.hosts.length);
  const cellUpdatesPerSecond = (steps * allCells) / seconds;
  return {
    seconds,
    stepsPerSecond: steps / seconds,
    cellUpdatesPerSecond,
    cellUpdatesPerSecondAndCore: cellUpdatesPerSecond / cores,
    cores,
    regions: { computing: computing.seconds, exchange: exchange.seconds, reduction: reduction.seconds },
    imbalance: { computing: computing.imbalance, cells: (Math.max(...blocks) * comm.size) / allCells },
    perStep: {
      exchanges: exchange.calls / comm.size / steps,
      reductions: reduction.calls / comm.size / steps,
      messages: (exchange.messages + reduction.messages) / steps,
      bytes: (exchange.bytes + reduction.bytes) / steps,
    },
    memory: { perRankMean: report.memoryBytes, perRankMost: report.maxMemoryBytes },
  };
}

/** Return a region's figures; a collective is one message of each rank. A rank alone enters none for the exchange. */
function readRegion({ regions }: ProfileReport, name: string) {
  const { calls, seconds, imbalance, operations } = regions.find((region) => region.name === name) ?? NOTHING;
  const sent = Object.entries(operations).filter(([operation]) => operation !== 'recv');
  return {
    ...{ calls, seconds, imbalance },
    messages: sent.reduce((sum, [, operation]) => sum + operation.calls, 0),
    bytes: sent.reduce((sum, [, operation]) => sum + operation.bytes, 0),
  };
}
