/**
 * Selection: which algorithm does a collective, apart from the algorithms.
 *
 * The idea: for each operation an ordered list of rules. The first rule whose limits hold and whose algorithm can run
 * (restrictions.ts) wins; the last rule of each list always does. With --deterministic, rules whose algorithm does not
 * combine ranks in the one fixed tree are passed over. A forced algorithm is taken or refused, never replaced.
 *
 * Limits: all limits are upper ones, so that a plan (plan.ts) needs to look only at the limits themselves.
 */

import { MpiError } from '../base/errors.ts';
import {
  type AlgorithmNames,
  isReproducible,
  type OperationName,
  RESTRICTIONS,
  refusal,
  type Situation,
} from './restrictions.ts';

/** One line of the table. */
export interface Rule<Algorithm extends string = string> {
  readonly algorithm: Algorithm;
  /** Only for so many bytes (Situation.bytes), or so many times the ranks, at most. */
  readonly maxBytes?: number;
  readonly maxTotalBytes?: number;
  /** Only for so many ranks at most. */
  readonly maxSize?: number;
  /** Why, for whoever asks. */
  readonly why: string;
}

/** The table. Limits in bytes were taken from the literature's models; tsmpi bench tells when to move one. */
export const RULES: { readonly [Name in OperationName]: readonly Rule<AlgorithmNames[Name]>[] } = {
  barrier: [
    { algorithm: 'shared-flags', maxSize: 2, why: 'two ranks of one host: a flag each' },
    { algorithm: 'shared-counter', why: 'ranks of one host: a counter in shared memory' },
    { algorithm: 'two-level', why: 'several hosts: few messages between them' },
    { algorithm: 'dissemination', maxSize: 256, why: 'fewest rounds' },
    { algorithm: 'tree', why: 'very many ranks: fewest messages' },
  ],
  bcast: [
    { algorithm: 'shared-counter', why: 'ranks of one host, data within a slot: through shared memory' },
    { algorithm: 'two-level', maxBytes: 32768, why: 'several hosts, short data: few messages between them' },
    { algorithm: 'binomial', maxSize: 2, why: 'two ranks: one message' },
    { algorithm: 'binomial', maxBytes: 32768, why: 'short data: fewest rounds' },
    { algorithm: 'scatter-allgather', maxBytes: 1 << 20, why: 'long data: no rank sends it more than about twice' },
    { algorithm: 'pipelined-chain', maxSize: 32, why: 'very long data, few ranks: all links of a chain at work' },
    { algorithm: 'scatter-allgather', why: 'very long data, many ranks: a chain would take long to fill' },
  ],
  reduce: [
    { algorithm: 'shared-counter', why: 'ranks of one host, data within a slot: through shared memory' },
    { algorithm: 'two-level', maxBytes: 8192, why: 'several hosts, short data: few messages between them' },
    { algorithm: 'binomial', maxBytes: 8192, why: 'short data: fewest rounds' },
    { algorithm: 'binomial', maxSize: 2, why: 'two ranks: one message' },
    { algorithm: 'rabenseifner', why: 'long data: the work of combining is shared' },
    { algorithm: 'binomial', why: 'ranks must be combined in order, on whole arrays' },
  ],
  allreduce: [
    { algorithm: 'shared-flags', maxSize: 2, why: 'two ranks of one host, data within a slot: a flag each' },
    { algorithm: 'shared-counter', why: 'ranks of one host, data within a slot: through shared memory' },
    { algorithm: 'two-level', maxBytes: 65536, why: 'several hosts, data not long: few messages between them' },
    { algorithm: 'recursive-doubling', maxBytes: 8192, why: 'short data: fewest rounds' },
    {
      algorithm: 'shared-pieces',
      maxSize: 16,
      why: 'long data, few processes of one host: half the copies of messages',
    },
    { algorithm: 'rabenseifner', maxBytes: 1 << 19, why: 'long data: the work of combining is shared, in few rounds' },
    { algorithm: 'ring', maxSize: 64, why: 'very long data: the work is shared, with neighbours only' },
    { algorithm: 'rabenseifner', why: 'very long data, many ranks: a ring has too many rounds' },
    { algorithm: 'recursive-doubling', why: 'ranks must be combined in order, on whole arrays' },
    { algorithm: 'reduce-bcast', why: 'one order of operations whatever the placement' },
  ],
  gather: [
    { algorithm: 'shared-counter', why: 'ranks of one host, blocks within a slot: through shared memory' },
    { algorithm: 'linear', maxSize: 4, why: 'few ranks' },
    { algorithm: 'binomial', maxBytes: 4096, why: 'short blocks: fewest messages at the root' },
    { algorithm: 'linear', why: 'long blocks: every byte moves once' },
  ],
  gatherv: [{ algorithm: 'linear', why: 'only the root knows the lengths' }],
  scatter: [
    { algorithm: 'shared-counter', why: 'ranks of one host, all blocks within a slot: through shared memory' },
    { algorithm: 'linear', maxSize: 4, why: 'few ranks' },
    { algorithm: 'binomial', maxBytes: 4096, why: 'short blocks: fewest messages at the root' },
    { algorithm: 'linear', why: 'long blocks: every byte moves once' },
  ],
  allgather: [
    { algorithm: 'shared-counter', why: 'ranks of one host, blocks within a slot: through shared memory' },
    { algorithm: 'recursive-doubling', maxTotalBytes: 1 << 19, why: 'fewest rounds, a power of two' },
    { algorithm: 'bruck', maxTotalBytes: 1 << 16, why: 'short blocks: fewest rounds' },
    { algorithm: 'ring', why: 'long blocks: neighbours only' },
  ],
  alltoall: [
    { algorithm: 'shared-counter', why: 'ranks of one host, all blocks within a slot: through shared memory' },
    { algorithm: 'spread', maxSize: 4, why: 'few ranks: everything at once' },
    { algorithm: 'bruck', maxBytes: 256, why: 'tiny blocks: fewest messages' },
    { algorithm: 'spread', maxBytes: 32768, why: 'middling blocks: everything at once' },
    { algorithm: 'pairwise', why: 'long blocks: one partner at a time' },
  ],
  scatterv: [{ algorithm: 'linear', why: 'only the root knows the lengths' }],
  allgatherv: [
    { algorithm: 'linear', maxSize: 4, why: 'few ranks: one round' },
    { algorithm: 'ring', why: 'many ranks: neighbours only' },
  ],
  alltoallv: [
    { algorithm: 'spread', maxSize: 32, why: 'few ranks: everything at once' },
    { algorithm: 'pairwise', why: 'many ranks: one partner at a time' },
  ],
  reduceScatter: [
    { algorithm: 'recursive-halving', maxBytes: 1 << 19, why: 'short data: fewest rounds' },
    { algorithm: 'pairwise', why: 'long data: every byte moves once' },
    { algorithm: 'reduce-scatterv', why: 'ranks must be combined in order, or on whole arrays' },
  ],
  scan: [{ algorithm: 'recursive-doubling', why: 'fewest rounds, one order of operations' }],
  exscan: [{ algorithm: 'recursive-doubling', why: 'fewest rounds, one order of operations' }],
};

/** What selection says. */
export interface Choice {
  readonly algorithm: string;
  readonly why: string;
}

/**
 * Choose the algorithm for an operation. `forced` names the only one to take.
 *
 * @throws MpiError ERR_MPI_ARG when the forced algorithm does not exist or cannot run.
 */
export function select(operation: OperationName, situation: Situation, forced?: string): Choice {
  if (forced !== undefined) {
    checkAlgorithm(operation, forced);
    const reason = refusal(operation, forced, situation);
    if (reason === undefined) return { algorithm: forced, why: `forced by ${forceVariable(operation)}` };
    throw new MpiError('ERR_MPI_ARG', `${forceVariable(operation)}=${forced} cannot run: ${reason}`);
  }
  const rule = RULES[operation].find((candidate) => holds(operation, candidate, situation));
  // The last rule of each list holds in every situation.
  return { algorithm: rule!.algorithm, why: rule!.why };
}

function holds(operation: OperationName, rule: Rule, situation: Situation): boolean {
  const { size, bytes, isDeterministic } = situation;
  if (rule.maxBytes !== undefined && bytes > rule.maxBytes) return false;
  if (rule.maxTotalBytes !== undefined && bytes * size > rule.maxTotalBytes) return false;
  if (rule.maxSize !== undefined && size > rule.maxSize) return false;
  if (isDeterministic && !isReproducible(operation, rule.algorithm, size)) return false;
  return refusal(operation, rule.algorithm, situation) === undefined;
}

/** Return the name of the variable that forces an operation's algorithm. */
export function forceVariable(operation: OperationName): string {
  return `TSMPI_COLLECTIVE_${operation.replace(/[A-Z]/g, '_$&').toUpperCase()}`;
}

/** Throw unless the operation has an algorithm of that name. */
export function checkAlgorithm(operation: OperationName, algorithm: string): void {
  if (Object.hasOwn(RESTRICTIONS[operation], algorithm)) return;
  const known = Object.keys(RESTRICTIONS[operation]).join(', ');
  throw new MpiError('ERR_MPI_ARG', `${forceVariable(operation)}=${algorithm} names no algorithm: ${known} were expected`);
}

/**
 * Return which algorithm the environment forces for each operation, to be read once.
 *
 * @throws MpiError ERR_MPI_ARG for an operation or algorithm that does not exist.
 */
export function readForced(environment: Readonly<Record<string, string | undefined>>): Map<OperationName, string> {
  const forced = new Map<OperationName, string>();
  const operations = Object.keys(RESTRICTIONS) as OperationName[];
  for (const [variable, algorithm] of Object.entries(environment)) {
    if (!variable.startsWith('TSMPI_COLLECTIVE_') || algorithm === undefined || algorithm === '') continue;
    const operation = operations.find((name) => forceVariable(name) === variable);
    if (operation === undefined) {
      throw new MpiError(
        'ERR_MPI_ARG',
        `${variable} names no collective: ${operations.map(forceVariable).join(', ')} were expected`,
      );
    }
    checkAlgorithm(operation, algorithm);
    forced.set(operation, algorithm);
  }
  return forced;
}
