/**
 * Barrier by a counter in shared memory.
 *
 * Each rank adds one; the last to arrive tells the others by one store, which they all watch (area-turn.ts).
 *
 * Cost: p additions to one word, one store; no messages.
 * Needs: an area.
 * Order: no data.
 * Wins when: the ranks share a host, above all when there are more of them than cores: each is scheduled once.
 * See: Mellor-Crummey, Scott: Algorithms for scalable synchronization (1991), centralized barrier.
 */

import { arrive, enter, finish, hasAllArrived, mayEnter, publish, takeTurn, untilAllArrived } from '../area-turn.ts';
import type { BarrierArguments } from '../arguments.ts';
import type { Area, Port, Schedule } from '../schedule.ts';

/** Run a barrier. */
export function sharedCounter(port: Port, _: BarrierArguments): Schedule {
  return run(port, port.area!, takeTurn(port.area!));
}

function* run(port: Port, area: Area, turn: number): Schedule {
  if (!mayEnter(area, turn)) yield* enter(area, port, turn);
  if (arrive(area, port, turn)) publish(area, turn);
  if (!hasAllArrived(area, turn)) {
    yield untilAllArrived(area, port, turn);
    area.settled = turn;
  }
  finish(area, port, turn);
}
