/**
 * Reduction through slots in shared memory.
 *
 * Each rank writes its contribution to its slot, adds one to a counter, and leaves; when all have, the root reduces the
 * slots where they lie (area-turn.ts).
 *
 * Cost: p additions to one word, (p - 1) n γ at the root; no messages.
 * Needs: an area, a built-in operator (no user code sees the segment), n within a slot.
 * Order: kept; the tree of the binomial reduction to the same root.
 * Wins when: n is small and the ranks share a host.
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
import type { ReduceArguments } from '../arguments.ts';
import type { Area, Port, Schedule } from '../schedule.ts';

/** Run a reduction. */
export function sharedCounter(port: Port, args: ReduceArguments): Schedule {
  return run(port, port.area!, takeTurn(port.area!), args);
}

function* run(port: Port, area: Area, turn: number, { input, output, op, code, root }: ReduceArguments): Schedule {
  const { rank, size } = port;
  const count = input.length;
  if (!mayEnter(area, turn)) yield* enter(area, port, turn);
  writePayload(area, port, turn, code, input, 0, count);
  if (arrive(area, port, turn)) publish(area, turn);
  if (rank === root) {
    if (!hasAllArrived(area, turn)) {
      yield untilAllArrived(area, port, turn);
      area.settled = turn;
    }
    reduceSlots(area, size, turn, op, code, count, root);
    readPayload(area, port, resultRank(size, root), turn, code, output!, 0, count);
  }
  finish(area, port, turn);
}
