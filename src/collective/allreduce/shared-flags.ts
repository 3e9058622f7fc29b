/**
 * Allreduce by a flag for each rank in shared memory.
 *
 * Each rank writes its contribution to its slot and raises its flag; when it has seen all flags it reduces all slots by
 * itself, into its own array: for two ranks, flag and contribution of the other come in one cache line.
 *
 * Cost: p stores to lines of their own, (p - 1) n γ and p n bytes read by each rank; no messages.
 * Needs: an area, a built-in operator (no user code sees the segment), n within a slot.
 * Order: kept; strictly from the left, for at most 3 ranks the tree of the binomial reduction.
 * Wins when: n is small, the ranks share a host, are few, and each has a core.
 * See: Graham, Shipman: MPI support for multi-core architectures: optimized shared memory collectives (2008).
 */

import {
  enter,
  finish,
  hasRaised,
  mayEnter,
  raiseFlag,
  readPayload,
  reducePayload,
  takeTurn,
  untilRaised,
  writePayload,
} from '../area-turn.ts';
import type { AllreduceArguments } from '../arguments.ts';
import type { Area, Port, Schedule } from '../schedule.ts';

/** Run an allreduce. */
export function sharedFlags(port: Port, args: AllreduceArguments): Schedule {
  return run(port, port.area!, takeTurn(port.area!), args);
}

function* run(port: Port, area: Area, turn: number, { input, output, op, code }: AllreduceArguments): Schedule {
  const { size } = port;
  const count = input.length;
  if (!mayEnter(area, turn)) yield* enter(area, port, turn);
  writePayload(area, port, turn, code, input, 0, count);
  raiseFlag(area, port, turn);
  for (let rank = 0; rank < size; rank++) {
    if (rank !== port.rank && !hasRaised(area, size, rank, turn)) yield untilRaised(area, port, rank, turn);
    if (rank === 0) readPayload(area, port, 0, turn, code, output, 0, count);
    else reducePayload(area, port, rank, turn, op, code, output, count);
  }
  area.settled = turn;
  finish(area, port, turn);
}
