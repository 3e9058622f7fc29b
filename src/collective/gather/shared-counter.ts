/**
 * Gather through slots in shared memory.
 *
 * Each rank writes its block to its slot, adds one to a counter, and leaves; when all have, the root reads the slots.
 *
 * Cost: p additions to one word; p n bytes copied at the root; no messages.
 * Needs: an area, n within a slot.
 * Order: no operator.
 * Wins when: n is small and the ranks share a host.
 * See: Graham, Shipman: MPI support for multi-core architectures: optimized shared memory collectives (2008).
 */

import { elementCode } from '../../datatype/element-type.ts';
import {
  arrive,
  enter,
  finish,
  hasAllArrived,
  mayEnter,
  publish,
  readPayload,
  takeTurn,
  untilAllArrived,
  writePayload,
} from '../area-turn.ts';
import type { GatherArguments } from '../arguments.ts';
import type { Area, Port, Schedule } from '../schedule.ts';

/** Run a gather. */
export function sharedCounter(port: Port, args: GatherArguments): Schedule {
  return run(port, port.area!, takeTurn(port.area!), args);
}

function* run(port: Port, area: Area, turn: number, { data, into, count, root }: GatherArguments): Schedule {
  const { rank, size } = port;
  if (!mayEnter(area, turn)) yield* enter(area, port, turn);
  if (rank !== root) writePayload(area, port, turn, elementCode(data), data!, 0, count);
  if (arrive(area, port, turn)) publish(area, turn);
  if (rank === root) {
    if (!hasAllArrived(area, turn)) {
      yield untilAllArrived(area, port, turn);
      area.settled = turn;
    }
    const code = elementCode(into);
    for (let source = 0; source < size; source++) {
      if (source !== root) readPayload(area, port, source, turn, code, into!, source * count, count);
    }
    if (data !== undefined) into!.set(data as never, root * count);
  }
  finish(area, port, turn);
}
