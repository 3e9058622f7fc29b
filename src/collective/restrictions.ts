/**
 * Restrictions: what each algorithm needs, as data, and the sentence that says why it cannot run.
 *
 * The idea: everything that decides is in the situation, whose fields are equal on all ranks of the call; so all ranks
 * refuse, and select, alike.
 */

import { paddedBytes, payloadBytes } from './area-turn.ts';
import { MAX_BULK_RANKS } from './bulk.ts';

/** The collectives, each with the names of its algorithms. */
export interface AlgorithmNames {
  barrier: 'dissemination' | 'tree' | 'two-level' | 'shared-counter' | 'shared-flags';
  bcast: 'binomial' | 'scatter-allgather' | 'pipelined-chain' | 'two-level' | 'shared-counter';
  reduce: 'binomial' | 'linear' | 'rabenseifner' | 'two-level' | 'shared-counter';
  allreduce:
    | 'recursive-doubling'
    | 'reduce-bcast'
    | 'rabenseifner'
    | 'ring'
    | 'two-level'
    | 'shared-counter'
    | 'shared-flags'
    | 'shared-pieces';
  gather: 'linear' | 'binomial' | 'shared-counter';
  gatherv: 'linear';
  scatter: 'linear' | 'binomial' | 'shared-counter';
  allgather: 'recursive-doubling' | 'ring' | 'bruck' | 'shared-counter';
  alltoall: 'spread' | 'pairwise' | 'bruck' | 'shared-counter';
  scatterv: 'linear';
  allgatherv: 'linear' | 'ring';
  alltoallv: 'spread' | 'pairwise';
  reduceScatter: 'recursive-halving' | 'pairwise' | 'reduce-scatterv';
  scan: 'recursive-doubling' | 'linear';
  exscan: 'recursive-doubling' | 'linear';
}

export type OperationName = keyof AlgorithmNames;

/** What a call looks like to selection: equal on all ranks. */
export interface Situation {
  /** Ranks of the communicator. */
  readonly size: number;
  /** Bytes of the whole data for bcast and reductions, of one rank's block for the others; 0 for barrier and where ranks differ. */
  readonly bytes: number;
  /** Whether the operator may combine ranks in any order; true where there is none. */
  readonly isCommutative: boolean;
  /** Whether the operator is one of the standard's, so works element by element; true where there is none. */
  readonly isBuiltIn: boolean;
  /** Bytes of a slot of the communicator's area, 0 without one. */
  readonly slotBytes: number;
  /** Whether its members can share memory for long data (bulk.ts). */
  readonly hasBulk: boolean;
  /** Hosts that the ranks are on. */
  readonly hosts: number;
  /** Whether the ranks of each host follow one another. */
  readonly isContiguous: boolean;
  /** Whether results must not depend on placement. */
  readonly isDeterministic: boolean;
}

/** What an algorithm needs, and what order of operations it keeps. */
export interface Restriction {
  /** It runs in memory shared by all ranks, and so much must fit a slot: the bytes of the situation, or a block for each rank. */
  readonly needsArea?: 'bytes' | 'blocks';
  /** It runs in memory for long data that all ranks share. */
  readonly needsBulk?: true;
  /** User operators are not for it: it divides arrays, or lets operators work in the segment. */
  readonly needsBuiltIn?: true;
  /** It combines ranks out of order. */
  readonly needsCommutative?: true;
  readonly needsPowerOfTwo?: true;
  /** It works within hosts and among them. */
  readonly needsHosts?: true;
  /** It combines the ranks of a host first: in order only where they follow one another. */
  readonly ordersByHost?: true;
  /**
   * For reductions: sizes at which ranks are combined in the one binomial tree of binomial-tree.ts; a number: up to so many
   * ranks. Only these give the same bits whatever else selection may choose elsewhere.
   */
  readonly keepsTree?: 'always' | 'powerOfTwo' | number;
}

/** Restrictions by operation and algorithm: every algorithm of the catalogue. */
export const RESTRICTIONS: { readonly [Name in OperationName]: Readonly<Record<AlgorithmNames[Name], Restriction>> } = {
  barrier: {
    dissemination: {},
    tree: {},
    'two-level': { needsHosts: true },
    'shared-counter': { needsArea: 'bytes' },
    'shared-flags': { needsArea: 'bytes' },
  },
  bcast: {
    binomial: {},
    'scatter-allgather': {},
    'pipelined-chain': {},
    'two-level': { needsHosts: true },
    'shared-counter': { needsArea: 'bytes' },
  },
  reduce: {
    binomial: { keepsTree: 'always' },
    linear: {},
    rabenseifner: { needsBuiltIn: true, needsCommutative: true, keepsTree: 2 },
    'two-level': { needsHosts: true, ordersByHost: true },
    'shared-counter': { needsArea: 'bytes', needsBuiltIn: true, keepsTree: 'always' },
  },
  allreduce: {
    'recursive-doubling': { keepsTree: 'powerOfTwo' },
    'reduce-bcast': { keepsTree: 'always' },
    rabenseifner: { needsBuiltIn: true, needsCommutative: true, keepsTree: 2 },
    ring: { needsBuiltIn: true, needsCommutative: true, keepsTree: 2 },
    'two-level': { needsHosts: true, ordersByHost: true },
    'shared-counter': { needsArea: 'bytes', needsBuiltIn: true, keepsTree: 'always' },
    'shared-flags': { needsArea: 'bytes', needsBuiltIn: true, keepsTree: 3 },
    'shared-pieces': { needsBulk: true, needsBuiltIn: true, needsCommutative: true, keepsTree: 3 },
  },
  gather: {
    linear: {},
    binomial: {},
    'shared-counter': { needsArea: 'bytes' },
  },
  gatherv: {
    linear: {},
  },
  scatter: {
    linear: {},
    binomial: {},
    'shared-counter': { needsArea: 'blocks' },
  },
  allgather: {
    'recursive-doubling': { needsPowerOfTwo: true },
    ring: {},
    bruck: {},
    'shared-counter': { needsArea: 'bytes' },
  },
  alltoall: {
    spread: {},
    pairwise: {},
    bruck: {},
    'shared-counter': { needsArea: 'blocks' },
  },
  scatterv: { linear: {} },
  allgatherv: { linear: {}, ring: {} },
  alltoallv: { spread: {}, pairwise: {} },
  reduceScatter: {
    'recursive-halving': { needsBuiltIn: true, needsCommutative: true, keepsTree: 2 },
    pairwise: { needsBuiltIn: true, needsCommutative: true, keepsTree: 2 },
    'reduce-scatterv': { keepsTree: 'always' },
  },
  // A scan's order of operations is one for all ranks and places as long as the algorithm is one.
  scan: { 'recursive-doubling': { keepsTree: 'always' }, linear: {} },
  exscan: { 'recursive-doubling': { keepsTree: 'always' }, linear: {} },
};

/** Operations that reduce. */
const REDUCING: ReadonlySet<OperationName> = new Set(['reduce', 'allreduce', 'reduceScatter', 'scan', 'exscan']);

/** Return why an algorithm cannot run in a situation, or undefined when it can. */
export function refusal(operation: OperationName, algorithm: string, situation: Situation): string | undefined {
  const restriction: Restriction = restrictionOf(operation, algorithm);
  const { needsArea, needsBulk, needsBuiltIn, needsCommutative, needsPowerOfTwo, needsHosts, ordersByHost } = restriction;
  const { size, bytes, slotBytes, hosts } = situation;
  if (needsArea !== undefined) {
    if (slotBytes === 0) return 'the ranks have no shared area: they are not all on one host, or none was left';
    const wanted = needsArea === 'bytes' ? bytes : paddedBytes(bytes) * size;
    const room = payloadBytes(slotBytes);
    if (wanted > room) return `${wanted} bytes do not fit the ${room} bytes of a slot of the shared area`;
  }
  if (needsBulk && !situation.hasBulk) {
    return `the ranks share no memory for long data: they are not up to ${MAX_BULK_RANKS} processes of one host with the native addon, or no shared area was left`;
  }
  if (needsBuiltIn && !situation.isBuiltIn) return 'the operator is not built in, and the algorithm divides or shares its arrays';
  if (needsCommutative && !situation.isCommutative) return 'the operator is not commutative';
  if (needsPowerOfTwo && (size & (size - 1)) !== 0) return `${size} ranks are no power of two`;
  if (needsHosts && hosts === 1) return 'all ranks are on one host';
  if (needsHosts && hosts === size) return 'every rank is on a host of its own';
  if (ordersByHost && !situation.isCommutative && !situation.isContiguous) {
    return 'the operator is not commutative, and the ranks of a host do not follow one another';
  }
  return undefined;
}

/** Return what an algorithm needs, in words; empty: nothing. */
export function needsOf(operation: OperationName, algorithm: string): string {
  const restriction = restrictionOf(operation, algorithm);
  const { needsArea, needsBulk, needsBuiltIn, needsCommutative, needsPowerOfTwo, needsHosts, ordersByHost } = restriction;
  const needs: string[] = [];
  if (needsArea !== undefined) needs.push(`ranks of one host, ${needsArea === 'bytes' ? 'n bytes' : 'p n bytes'} within a slot`);
  if (needsBulk) needs.push(`up to ${MAX_BULK_RANKS} ranks of one host, processes with the native addon`);
  if (needsBuiltIn && needsCommutative) needs.push('a commutative operator of the standard');
  else if (needsBuiltIn) needs.push('an operator of the standard');
  if (needsPowerOfTwo) needs.push('p a power of two');
  if (needsHosts) needs.push('several hosts, one of them with several ranks');
  if (ordersByHost) needs.push('hosts whose ranks follow one another where the operator is not commutative');
  return needs.join('; ');
}

/** Return whether an algorithm's reductions have the one fixed order of operations; true where nothing is reduced. */
export function isReproducible(operation: OperationName, algorithm: string, size: number): boolean {
  if (!REDUCING.has(operation)) return true;
  const { keepsTree } = restrictionOf(operation, algorithm);
  if (typeof keepsTree === 'number') return size <= keepsTree;
  return keepsTree === 'always' || (keepsTree === 'powerOfTwo' && (size & (size - 1)) === 0);
}

function restrictionOf(operation: OperationName, algorithm: string): Restriction {
  return (RESTRICTIONS[operation] as Record<string, Restriction>)[algorithm]!;
}
