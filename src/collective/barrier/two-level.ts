/**
 * Barrier in two levels: within each host up and down a binomial tree, among the hosts' leaders by dissemination.
 *
 * Cost: 2 ceil(log2 s) α within hosts of s ranks, ceil(log2 h) α among h hosts; 2 (p - h) + h ceil(log2 h) messages of 0 bytes.
 * Needs: several hosts, one of them with several ranks.
 * Order: no data.
 * Wins when: messages within a host are much cheaper than those between hosts.
 * See: Karonis, de Supinski, Foster, Gropp, Lusk, Bresnahan: Exploiting hierarchy in parallel computer networks to optimize
 * collective operation performance (2000).
 */

import type { BarrierArguments } from '../arguments.ts';
import { broadcastDown, signalUp } from '../binomial-tree.ts';
import { levelsOf } from '../hosts.ts';
import type { Port, Schedule } from '../schedule.ts';
import { dissemination } from './dissemination.ts';

const NOTHING = new Uint8Array(0);

/** Run a barrier. */
export function* twoLevel(port: Port, _: BarrierArguments): Schedule {
  const { local, leaders } = levelsOf(port);
  yield* signalUp(local);
  if (leaders !== undefined) yield* dissemination(leaders, undefined);
  yield* broadcastDown(local, NOTHING, 0);
}
