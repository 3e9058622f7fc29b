/**
 * Catalogue: every algorithm by operation and name, and what `tsmpi info --collectives` prints of it.
 */

import { bruck as allgatherBruck } from './allgather/bruck.ts';
import { recursiveDoubling as allgatherRecursiveDoubling } from './allgather/recursive-doubling.ts';
import { ring as allgatherRing } from './allgather/ring.ts';
import { sharedCounter as allgatherSharedCounter } from './allgather/shared-counter.ts';
import { linear as allgathervLinear } from './allgatherv/linear.ts';
import { ring as allgathervRing } from './allgatherv/ring.ts';
import { rabenseifner as allreduceRabenseifner } from './allreduce/rabenseifner.ts';
import { recursiveDoubling as allreduceRecursiveDoubling } from './allreduce/recursive-doubling.ts';
import { reduceBcast } from './allreduce/reduce-bcast.ts';
import { ring as allreduceRing } from './allreduce/ring.ts';
import { sharedCounter as allreduceSharedCounter } from './allreduce/shared-counter.ts';
import { sharedFlags as allreduceSharedFlags } from './allreduce/shared-flags.ts';
import { sharedPieces } from './allreduce/shared-pieces.ts';
import { twoLevel as allreduceTwoLevel } from './allreduce/two-level.ts';
import { bruck as alltoallBruck } from './alltoall/bruck.ts';
import { pairwise } from './alltoall/pairwise.ts';
import { sharedCounter as alltoallSharedCounter } from './alltoall/shared-counter.ts';
import { spread as alltoallSpread } from './alltoall/spread.ts';
import { pairwise as alltoallvPairwise } from './alltoallv/pairwise.ts';
import { spread as alltoallvSpread } from './alltoallv/spread.ts';
import type {
  AllgatherArguments,
  AllgathervArguments,
  AllreduceArguments,
  AlltoallArguments,
  AlltoallvArguments,
  BarrierArguments,
  BcastArguments,
  GatherArguments,
  GathervArguments,
  ReduceArguments,
  ReduceScatterArguments,
  ScanArguments,
  ScatterArguments,
  ScattervArguments,
} from './arguments.ts';
import { dissemination } from './barrier/dissemination.ts';
import { sharedCounter as barrierSharedCounter } from './barrier/shared-counter.ts';
import { sharedFlags as barrierSharedFlags } from './barrier/shared-flags.ts';
import { tree as barrierTree } from './barrier/tree.ts';
import { twoLevel as barrierTwoLevel } from './barrier/two-level.ts';
import { binomial as bcastBinomial } from './bcast/binomial.ts';
import { pipelinedChain } from './bcast/pipelined-chain.ts';
import { scatterAllgather } from './bcast/scatter-allgather.ts';
import { sharedCounter as bcastSharedCounter } from './bcast/shared-counter.ts';
import { twoLevel as bcastTwoLevel } from './bcast/two-level.ts';
import { linear as exscanLinear } from './exscan/linear.ts';
import { recursiveDoubling as exscanRecursiveDoubling } from './exscan/recursive-doubling.ts';
import { binomial as gatherBinomial } from './gather/binomial.ts';
import { linear as gatherLinear } from './gather/linear.ts';
import { sharedCounter as gatherSharedCounter } from './gather/shared-counter.ts';
import { linear as gathervLinear } from './gatherv/linear.ts';
import type { Algorithm } from './plan.ts';
import { binomial as reduceBinomial } from './reduce/binomial.ts';
import { linear as reduceLinear } from './reduce/linear.ts';
import { rabenseifner as reduceRabenseifner } from './reduce/rabenseifner.ts';
import { sharedCounter as reduceSharedCounter } from './reduce/shared-counter.ts';
import { twoLevel as reduceTwoLevel } from './reduce/two-level.ts';
import { pairwise as reduceScatterPairwise } from './reduce-scatter/pairwise.ts';
import { recursiveHalving } from './reduce-scatter/recursive-halving.ts';
import { reduceScatterv } from './reduce-scatter/reduce-scatterv.ts';
import { type AlgorithmNames, needsOf, type OperationName } from './restrictions.ts';
import { linear as scanLinear } from './scan/linear.ts';
import { recursiveDoubling as scanRecursiveDoubling } from './scan/recursive-doubling.ts';
import { binomial as scatterBinomial } from './scatter/binomial.ts';
import { linear as scatterLinear } from './scatter/linear.ts';
import { sharedCounter as scatterSharedCounter } from './scatter/shared-counter.ts';
import { linear as scattervLinear } from './scatterv/linear.ts';
import { RULES, type Rule } from './selection.ts';

/** Argument records by operation. */
export interface ArgumentsOf {
  barrier: BarrierArguments;
  bcast: BcastArguments;
  reduce: ReduceArguments;
  allreduce: AllreduceArguments;
  gather: GatherArguments;
  gatherv: GathervArguments;
  scatter: ScatterArguments;
  allgather: AllgatherArguments;
  alltoall: AlltoallArguments;
  scatterv: ScattervArguments;
  allgatherv: AllgathervArguments;
  alltoallv: AlltoallvArguments;
  reduceScatter: ReduceScatterArguments;
  scan: ScanArguments;
  exscan: ScanArguments;
}

/** The algorithms. */
export const CATALOGUE: {
  readonly [Name in OperationName]: Readonly<Record<AlgorithmNames[Name], Algorithm<ArgumentsOf[Name]>>>;
} = {
  barrier: {
    dissemination,
    tree: barrierTree,
    'two-level': barrierTwoLevel,
    'shared-counter': barrierSharedCounter,
    'shared-flags': barrierSharedFlags,
  },
  bcast: {
    binomial: bcastBinomial,
    'scatter-allgather': scatterAllgather,
    'pipelined-chain': pipelinedChain,
    'two-level': bcastTwoLevel,
    'shared-counter': bcastSharedCounter,
  },
  reduce: {
    binomial: reduceBinomial,
    linear: reduceLinear,
    rabenseifner: reduceRabenseifner,
    'two-level': reduceTwoLevel,
    'shared-counter': reduceSharedCounter,
  },
  allreduce: {
    'recursive-doubling': allreduceRecursiveDoubling,
    'reduce-bcast': reduceBcast,
    rabenseifner: allreduceRabenseifner,
    ring: allreduceRing,
    'two-level': allreduceTwoLevel,
    'shared-counter': allreduceSharedCounter,
    'shared-flags': allreduceSharedFlags,
    'shared-pieces': sharedPieces,
  },
  gather: {
    linear: gatherLinear,
    binomial: gatherBinomial,
    'shared-counter': gatherSharedCounter,
  },
  gatherv: {
    linear: gathervLinear,
  },
  scatter: {
    linear: scatterLinear,
    binomial: scatterBinomial,
    'shared-counter': scatterSharedCounter,
  },
  allgather: {
    'recursive-doubling': allgatherRecursiveDoubling,
    ring: allgatherRing,
    bruck: allgatherBruck,
    'shared-counter': allgatherSharedCounter,
  },
  alltoall: {
    spread: alltoallSpread,
    pairwise,
    bruck: alltoallBruck,
    'shared-counter': alltoallSharedCounter,
  },
  scatterv: { linear: scattervLinear },
  allgatherv: { linear: allgathervLinear, ring: allgathervRing },
  alltoallv: { spread: alltoallvSpread, pairwise: alltoallvPairwise },
  reduceScatter: {
    'recursive-halving': recursiveHalving,
    pairwise: reduceScatterPairwise,
    'reduce-scatterv': reduceScatterv,
  },
  scan: { 'recursive-doubling': scanRecursiveDoubling, linear: scanLinear },
  exscan: { 'recursive-doubling': exscanRecursiveDoubling, linear: exscanLinear },
};

/** What each algorithm is, in one line. */
export const SUMMARIES: { readonly [Name in OperationName]: Readonly<Record<AlgorithmNames[Name], string>> } = {
  barrier: {
    dissemination: 'ceil(log2 p) rounds: tell the rank 2^k above, hear from the rank 2^k below',
    tree: 'combine up a binomial tree, broadcast down: 2 (p - 1) messages',
    'two-level': 'trees within hosts, dissemination among their leaders',
    'shared-counter': 'one counter in shared memory; the last to arrive tells all',
    'shared-flags': 'a flag a rank in shared memory; each watches all',
  },
  bcast: {
    binomial: 'down a binomial tree: ceil(log2 p) (α + n β)',
    'scatter-allgather': 'scatter down a binomial tree, allgather on a ring: about 2 n β',
    'pipelined-chain': 'along a chain, in pieces: about n β for very long data',
    'two-level': 'down a binomial tree of hosts, then of the ranks of each',
    'shared-counter': "through the root's slot in shared memory",
  },
  reduce: {
    binomial: 'up a binomial tree, ranks in order: ceil(log2 p) (α + n β + n γ)',
    linear: 'on the root, strictly from the left: (p - 1) (α + n β + n γ)',
    rabenseifner: 'reduce-scatter by recursive halving, binomial gather: about 2 n β + n γ',
    'two-level': 'up a binomial tree within each host, then up one of hosts',
    'shared-counter': "through slots in shared memory, in the binomial tree's order",
  },
  allreduce: {
    'recursive-doubling': 'ceil(log2 p) rounds of whole arrays, ranks in order',
    'reduce-bcast': 'binomial reduction to rank 0, binomial broadcast; one order of operations',
    rabenseifner: 'reduce-scatter by recursive halving, allgather by recursive doubling: about 2 n β + n γ',
    ring: 'reduce-scatter and allgather on a ring: 2 (p - 1) rounds, about 2 n β + n γ',
    'two-level': 'reduce within each host, allreduce among their leaders, broadcast within each',
    'shared-counter': 'slots in shared memory; the last to arrive reduces and tells all',
    'shared-flags': 'slots and flags in shared memory; each reduces for itself',
    'shared-pieces': 'pieces in shared memory; each rank reduces its own share of them where they lie',
  },
  gather: {
    linear: 'everybody sends to the root: (p - 1) (α + n β)',
    binomial: 'up a binomial tree: ceil(log2 p) α + (p - 1) n β',
    'shared-counter': 'through slots in shared memory',
  },
  gatherv: {
    linear: 'everybody sends to the root: (p - 1) α + n β',
  },
  scatter: {
    linear: 'the root sends to everybody: (p - 1) (α + n β)',
    binomial: 'down a binomial tree: ceil(log2 p) α + (p - 1) n β',
    'shared-counter': "through the root's slot in shared memory",
  },
  allgather: {
    'recursive-doubling': 'log2 p rounds of doubling ranges, p a power of two: log2 p α + (p - 1) n β',
    ring: 'blocks go round a ring: (p - 1) (α + n β)',
    bruck: 'ceil(log2 p) rounds of doubling ranges, then a turn: ceil(log2 p) α + (p - 1) n β',
    'shared-counter': 'through slots in shared memory',
  },
  alltoall: {
    spread: 'everything posted at once: (p - 1) (α + n β)',
    pairwise: 'one partner at a time: (p - 1) (α + n β)',
    bruck: 'ceil(log2 p) packed messages: ceil(log2 p) (α + p/2 n β)',
    'shared-counter': 'through slots in shared memory',
  },
  scatterv: { linear: 'the root sends to everybody: (p - 1) α + n β' },
  allgatherv: {
    linear: 'everything posted at once: (p - 1) α + n β',
    ring: 'blocks go round a ring: (p - 1) α + n β',
  },
  alltoallv: {
    spread: 'everything posted at once: (p - 1) α + n β',
    pairwise: 'one partner at a time: (p - 1) α + n β',
  },
  reduceScatter: {
    'recursive-halving': 'log2 q rounds of halving ranges: (log2 q + 2) α + 2 n β + n γ',
    pairwise: 'one partner at a time: (p - 1) α + n β + n γ',
    'reduce-scatterv': 'binomial reduction to rank 0, scatter from there; one order of operations',
  },
  scan: {
    'recursive-doubling': 'ceil(log2 p) rounds of whole arrays, ranks in order',
    linear: 'rank after rank, strictly from the left: (p - 1) (α + n β + n γ)',
  },
  exscan: {
    'recursive-doubling': 'ceil(log2 p) rounds of whole arrays, ranks in order',
    linear: 'rank after rank, strictly from the left: (p - 1) (α + n β + n γ)',
  },
};

/** One line of the listing. */
export interface CatalogueLine {
  readonly operation: OperationName;
  readonly algorithm: string;
  readonly summary: string;
  /** What it needs, in words; empty: nothing. */
  readonly needs: string;
  /** When selection takes it: the rule's place in its operation's list, limits and reason; empty: only by force. */
  readonly when: readonly { readonly order: number; readonly why: string }[];
}

/** List all algorithms with when each is selected, in the order of the catalogue. */
export function listCatalogue(): CatalogueLine[] {
  const lines: CatalogueLine[] = [];
  for (const operation of Object.keys(SUMMARIES) as OperationName[]) {
    for (const [algorithm, summary] of Object.entries(SUMMARIES[operation])) {
      const when = RULES[operation].flatMap((rule, index) =>
        rule.algorithm === algorithm ? [{ order: index + 1, why: describeRule(rule) }] : [],
      );
      lines.push({ operation, algorithm, summary, needs: needsOf(operation, algorithm), when });
    }
  }
  return lines;
}

function describeRule({ maxBytes, maxTotalBytes, maxSize, why }: Rule): string {
  const limits = [
    maxSize === undefined ? '' : `p <= ${maxSize}`,
    maxBytes === undefined ? '' : `n <= ${maxBytes}`,
    maxTotalBytes === undefined ? '' : `p n <= ${maxTotalBytes}`,
  ].filter((limit) => limit !== '');
  return limits.length === 0 ? why : `${limits.join(', ')}: ${why}`;
}
