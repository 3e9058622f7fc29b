/**
 * Barrier by a flag for each rank in shared memory.
 *
 * Each rank raises its own flag and watches those of the others (area-turn.ts).
 *
 * Cost: p stores, each to a line of its own, p (p - 1) loads; no messages.
 * Needs: an area.
 * Order: no data.
 * Wins when: the ranks share a host, are few, and each has a core: one line goes each way, and no line is fought for.
 * See: Mellor-Crummey, Scott: Algorithms for scalable synchronization (1991).
 */

import { compareWith, enter, finish, hasRaised, mayEnter, raiseFlag, takeTurn, untilRaised } from '../area-turn.ts';
import type { BarrierArguments } from '../arguments.ts';
import type { Area, Port, Schedule } from '../schedule.ts';

/** Run a barrier. */
export function sharedFlags(port: Port, _: BarrierArguments): Schedule {
  return run(port, port.area!, takeTurn(port.area!));
}

function* run(port: Port, area: Area, turn: number): Schedule {
  const { size } = port;
  if (!mayEnter(area, turn)) yield* enter(area, port, turn);
  raiseFlag(area, port, turn);
  for (let rank = 0; rank < size; rank++) {
    if (rank === port.rank) continue;
    if (!hasRaised(area, size, rank, turn)) yield untilRaised(area, port, rank, turn);
    compareWith(area, port, rank, turn);
  }
  area.settled = turn;
  finish(area, port, turn);
}
