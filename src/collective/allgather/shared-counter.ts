/**
 * Allgather through slots in shared memory.
 *
 * Each rank writes its block to its slot and adds one to a counter; when all have, each reads all slots.
 *
 * Cost: p additions to one word; p n bytes copied by each; no messages.
 * Needs: an area, n within a slot.
 * Order: no operator.
 * Wins when: n is small and the ranks share a host, above all when there are more of them than cores.
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
import type { AllgatherArguments } from '../arguments.ts';
import type { Area, Port, Schedule } from '../schedule.ts';

/** Run an allgather. */
export function sharedCounter(port: Port, args: AllgatherArguments): Schedule {
  return run(port, port.area!, takeTurn(port.area!), args);
}

function* run(port: Port, area: Area, turn: number, { data, into, count }: AllgatherArguments): Schedule {
  const { rank, size } = port;
  const code = elementCode(into);
  if (!mayEnter(area, turn)) yield* enter(area, port, turn);
  if (data !== undefined) writePayload(area, port, turn, elementCode(data), data, 0, count);
  else writePayload(area, port, turn, code, into, rank * count, count);
  if (arrive(area, port, turn)) publish(area, turn);
  if (!hasAllArrived(area, turn)) {
    yield untilAllArrived(area, port, turn);
    area.settled = turn;
  }
  for (let source = 0; source < size; source++) readPayload(area, port, source, turn, code, into, source * count, count);
  finish(area, port, turn);
}
