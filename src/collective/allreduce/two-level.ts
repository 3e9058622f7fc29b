/**
 * Allreduce in two levels: a binomial reduction within each host, an allreduce of the hosts' leaders, a binomial broadcast
 * within each host.
 *
 * The leaders use recursive doubling, for long data and where they may Rabenseifner's algorithm: so n bytes a host and
 * round, and not n bytes a rank, go between hosts.
 *
 * Cost: ceil(log2 s) (2 α + 2 n β + n γ) within hosts of s ranks, and that of recursive doubling or Rabenseifner for h hosts;
 * at most 2 (p - h) + 2 r log2 r + 2 (h - r) messages, (2 (p - h) + r log2 r + 2 (h - r)) n bytes for r = 2^floor(log2 h).
 * Needs: several hosts, one of them with several ranks; for an operator that is not commutative, hosts whose ranks follow
 * one another.
 * Order: kept where the ranks of each host follow one another; the bracketing depends on placement.
 * Wins when: n is not long and messages within a host are much cheaper than those between hosts.
 * See: Karonis, de Supinski, Foster, Gropp, Lusk, Bresnahan: Exploiting hierarchy in parallel computer networks to optimize
 * collective operation performance (2000).
 */

import { isBuiltIn } from '../../datatype/operator.ts';
import type { AllreduceArguments } from '../arguments.ts';
import { broadcastDown, reduceUp } from '../binomial-tree.ts';
import { levelsOf } from '../hosts.ts';
import type { Port, Schedule } from '../schedule.ts';
import { rabenseifner } from './rabenseifner.ts';
import { recursiveDoubling } from './recursive-doubling.ts';

/** As in selection.ts for ranks without a host in common. */
const LONG_BYTES = 8192;

/** Run an allreduce. */
export function* twoLevel(port: Port, { input, output, op, code }: AllreduceArguments): Schedule {
  const { local, leaders } = levelsOf(port);
  yield* reduceUp(local, input, output, op, code, 0);
  if (leaders !== undefined) {
    const among = isBuiltIn(op) && output.byteLength > LONG_BYTES ? rabenseifner : recursiveDoubling;
    yield* among(leaders, { input: output, output, op, code });
  }
  yield* broadcastDown(local, output, 0);
}
