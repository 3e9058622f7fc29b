/**
 * Barrier by combine and broadcast on a binomial tree.
 *
 * Each rank waits for its children, tells its parent, and is told by it that all have arrived.
 *
 * Cost: 2 ceil(log2 p) α; 2 (p - 1) messages of 0 bytes.
 * Needs: nothing.
 * Order: no data.
 * Wins when: messages are dearer than rounds: many more ranks than cores, or very many ranks.
 * See: Mellor-Crummey, Scott: Algorithms for scalable synchronization (1991), combining trees.
 */

import type { BarrierArguments } from '../arguments.ts';
import { broadcastDown, signalUp } from '../binomial-tree.ts';
import type { Port, Schedule } from '../schedule.ts';

const NOTHING = new Uint8Array(0);

/** Run a barrier. */
export function* tree(port: Port, _: BarrierArguments): Schedule {
  yield* signalUp(port);
  yield* broadcastDown(port, NOTHING, 0);
}
