/**
 * Effective bandwidth: all ranks send to both neighbours of a ring at once and receive from both, in the ring of their
 * numbers and, in turn, in one of random order. After b_eff (Koniges, Rabenseifner and Solchenbach, IPDPS 2001).
 *
 * A row is the bandwidth of all ranks together for one size; below the rows stands the mean over the sizes. Unlike b_eff: one
 * way to send (nonblocking), one random ring, no rings of fewer ranks, and sizes up to 1 MiB instead of 1/128 of the memory.
 */

import { type Communicator, type Request, waitAll, whenAll } from 'tsmpi';
import { seededRandom } from '../lib/statistics.ts';
import type { Settings } from '../records.ts';
import { createBuffers } from './buffers.ts';
import type { Operation } from './measure.ts';
import { iterationsOf } from './point-to-point.ts';

const UP = 1;
const DOWN = 2;
const SEED = 1;

/** The ranks before and after this one. */
type Neighbours = readonly [below: number, above: number];

/** Return the exchange of messages of a size with all neighbours. All ranks call this. */
export function createEffective(comm: Communicator, settings: Settings, size: number): Operation {
  const natural = Array.from({ length: comm.size }, (_, rank) => rank);
  const rings = [natural, shuffled(natural)].map((order) => neighbours(order, comm.rank));
  const [out, fromBelow, fromAbove] = [comm.rank + 1, 0, 0].map((fill) => createBuffers(size, fill, settings.isRotating));
  const requests: Request<unknown>[] = new Array(4);
  let done = 0;
  const post = (): void => {
    const [below, above] = rings[done & 1]!;
    requests[0] = comm.recv(fromBelow!.views[done & fromBelow!.mask]!, below, UP);
    requests[1] = comm.recv(fromAbove!.views[done & fromAbove!.mask]!, above, DOWN);
    const view = out!.views[done & out!.mask]!;
    requests[2] = comm.send(view, above, UP);
    requests[3] = comm.send(view, below, DOWN);
    done++;
  };
  const verify = (): void => {
    const at = done - 1;
    const [below] = rings[at & 1]!;
    const [found] = fromBelow!.views[at & fromBelow!.mask]!;
    if (size > 0 && found !== ((below + 1) & 255)) throw new Error(`rank ${below} sent ${(below + 1) & 255}: got ${found}`);
  };
  return {
    run: settings.isAwaited
      ? async (count) => {
          for (let k = 0; k < count; k++) {
            post();
            await whenAll(requests);
          }
          verify();
        }
      : (count) => {
          for (let k = 0; k < count; k++) {
            post();
            waitAll(requests);
          }
          verify();
        },
    parts: 1,
    clock: 'slowest',
    isTimed: true,
    isCollective: false,
    iterations: Math.max(10, iterationsOf(4 * size)),
  };
}

function neighbours(order: readonly number[], rank: number): Neighbours {
  const at = order.indexOf(rank);
  return [order[(at + order.length - 1) % order.length]!, order[(at + 1) % order.length]!];
}

/** Return them in a random order, the same on all ranks. */
function shuffled(ranks: readonly number[]): number[] {
  const random = seededRandom(SEED);
  const keyed = ranks.map((rank) => [random(), rank] as const);
  return keyed.sort(([a], [b]) => a - b).map(([, rank]) => rank);
}
