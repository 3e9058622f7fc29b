/**
 * Reduction in two levels: up a binomial tree within each host, then up one of the hosts' leaders.
 *
 * With a commutative operator the root leads its host; otherwise the lowest rank does, so that ranks are combined in
 * order, and passes the result on.
 *
 * Cost: ceil(log2 s) (α + n β + n γ) within a host of s ranks, ceil(log2 h) (α + n β + n γ) among h hosts, and α + n β once
 * or twice more for a root other than 0 when not commutative; at most p + 1 messages of n bytes, of which about h leave a host.
 * Needs: several hosts, one of them with several ranks; for an operator that is not commutative, hosts whose ranks follow
 * one another.
 * Order: kept where the ranks of each host follow one another; the bracketing depends on placement.
 * Wins when: n is small and messages within a host are much cheaper than those between hosts.
 * See: Karonis, de Supinski, Foster, Gropp, Lusk, Bresnahan: Exploiting hierarchy in parallel computer networks to optimize
 * collective operation performance (2000).
 */

import { createArray } from '../../datatype/element-type.ts';
import type { ReduceArguments } from '../arguments.ts';
import { reduceUp } from '../binomial-tree.ts';
import { levelsOf } from '../hosts.ts';
import type { Port, Schedule } from '../schedule.ts';
import { binomial } from './binomial.ts';

/** Run a reduction. */
export function* twoLevel(port: Port, { input, output, op, code, root }: ReduceArguments): Schedule {
  const { local, localLeader, leaders } = levelsOf(port, op.isCommutative ? root : -1);
  const { hostOf, ranksOf } = port.hosts!;
  const isRoot = port.rank === root;
  const host = hostOf[root]!;
  // What this rank's host gives, where this rank leads it.
  const part = isRoot ? output : leaders === undefined ? undefined : createArray(code, input.length);
  yield* reduceUp(local, input, part, op, code, localLeader);
  if (leaders !== undefined) {
    const whole = leaders.rank === host ? part : undefined;
    yield* binomial(leaders, { input: part!, output: whole, op, code, root: host });
    if (whole !== undefined && !isRoot) yield port.send(whole, root);
  } else if (isRoot) yield port.recv(output!, ranksOf[host]![0]!);
}
