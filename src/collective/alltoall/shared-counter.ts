/**
 * All to all through slots in shared memory.
 *
 * Each rank writes all its blocks to its slot and adds one to a counter; when all have, each reads its block of every slot.
 *
 * Cost: p additions to one word; 2 p n bytes copied by each; no messages.
 * Needs: an area, the blocks of all ranks within one slot.
 * Order: no operator.
 * Wins when: n is small, the ranks share a host and are few.
 * See: Graham, Shipman: MPI support for multi-core architectures: optimized shared memory collectives (2008).
 */

import { ELEMENT_SHIFT, elementCode } from '../../datatype/element-type.ts';
import {
  arrive,
  enter,
  finish,
  hasAllArrived,
  mayEnter,
  paddedBytes,
  publish,
  readPayload,
  takeTurn,
  untilAllArrived,
  writePayload,
} from '../area-turn.ts';
import type { AlltoallArguments } from '../arguments.ts';
import type { Area, Port, Schedule } from '../schedule.ts';

/** Run an all-to-all. */
export function sharedCounter(port: Port, args: AlltoallArguments): Schedule {
  return run(port, port.area!, takeTurn(port.area!), args);
}

function* run(port: Port, area: Area, turn: number, { data, into, count }: AlltoallArguments): Schedule {
  const { rank, size } = port;
  const source = data ?? into;
  const sourceCode = elementCode(source);
  const code = elementCode(into);
  const stride = paddedBytes(count << ELEMENT_SHIFT[code]!);
  if (!mayEnter(area, turn)) yield* enter(area, port, turn);
  for (let dest = 0; dest < size; dest++) {
    writePayload(area, port, turn, sourceCode, source, dest * count, count, dest * stride);
  }
  if (arrive(area, port, turn)) publish(area, turn);
  if (!hasAllArrived(area, turn)) {
    yield untilAllArrived(area, port, turn);
    area.settled = turn;
  }
  for (let from = 0; from < size; from++) {
    readPayload(area, port, from, turn, code, into, from * count, count, rank * stride);
  }
  finish(area, port, turn);
}
