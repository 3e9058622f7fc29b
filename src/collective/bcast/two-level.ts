/**
 * Broadcast in two levels: down a binomial tree of hosts, then in each host down one of its ranks.
 *
 * The root leads its host, so that its data needs no hop within it first.
 *
 * Cost: ceil(log2 h) (α + n β) among h hosts, ceil(log2 s) (α + n β) within a host of s ranks; p - 1 messages of n bytes, of
 * which h - 1 leave a host.
 * Needs: several hosts, one of them with several ranks.
 * Order: no operator.
 * Wins when: n is small and messages within a host are much cheaper than those between hosts.
 * See: Karonis, de Supinski, Foster, Gropp, Lusk, Bresnahan: Exploiting hierarchy in parallel computer networks to optimize
 * collective operation performance (2000).
 */

import type { BcastArguments } from '../arguments.ts';
import { broadcastDown } from '../binomial-tree.ts';
import { levelsOf } from '../hosts.ts';
import type { Port, Schedule } from '../schedule.ts';

/** Run a broadcast. */
export function* twoLevel(port: Port, { data, root }: BcastArguments): Schedule {
  const { local, localLeader, leaders } = levelsOf(port, root);
  if (leaders !== undefined) yield* broadcastDown(leaders, data, port.hosts!.hostOf[root]!);
  yield* broadcastDown(local, data, localLeader);
}
