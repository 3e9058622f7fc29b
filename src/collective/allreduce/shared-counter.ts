/**
 * Allreduce by a counter in shared memory.
 *
 * Each rank writes its contribution to its slot and adds one to a counter; the last to arrive reduces all slots where
 * they lie and tells the others, who read the result (area-turn.ts says why no slot is written too early).
 *
 * Cost: p additions to one word, (p - 1) n γ at the last rank, 2 n bytes copied by each; no messages.
 * Needs: an area, a built-in operator (no user code sees the segment), n within a slot.
 * Order: kept; the tree of the binomial reduction to rank 0.
 * Wins when: n is small and the ranks share a host, above all when there are more of them than cores.
 * See: Graham, Shipman: MPI support for multi-core architectures: optimized shared memory collectives (2008).
 */

import {
  arrive,
  enter,
  finish,
  hasAllArrived,
  mayEnter,
  publish,
  readPayload,
  reduceSlots,
  resultRank,
  takeTurn,
  untilAllArrived,
  writePayload,
} from '../area-turn.ts';
import type { AllreduceArguments } from '../arguments.ts';
import type { Area, Port, Schedule } from '../schedule.ts';

/** Run an allreduce. */
export function sharedCounter(port: Port, args: AllreduceArguments): Schedule {
  return run(port, port.area!, takeTurn(port.area!), args);
}

function* run(port: Port, area: Area, turn: number, { input, output, op, code }: AllreduceArguments): Schedule {
  const { size } = port;
  const count = input.length;
  if (!mayEnter(area, turn)) yield* enter(area, port, turn);
  writePayload(area, port, turn, code, input, 0, count);
  if (arrive(area, port, turn)) {
    reduceSlots(area, size, turn, op, code, count, 0);
    publish(area, turn);
  }
  if (!hasAllArrived(area, turn)) {
    yield untilAllArrived(area, port, turn);
    area.settled = turn;
  }
  readPayload(area, port, resultRank(size, 0), turn, code, output, 0, count);
  finish(area, port, turn);
}
