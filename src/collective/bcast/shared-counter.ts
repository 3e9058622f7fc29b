/**
 * Broadcast through the root's slot in shared memory.
 *
 * The root writes its slot, says so by one store that the others watch, and leaves; all count themselves, so that the
 * next turn knows when the slot has been read (area-turn.ts).
 *
 * Cost: one store and p additions; n bytes copied by each; no messages.
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
  isReady,
  mayEnter,
  publish,
  publishReady,
  readPayload,
  takeTurn,
  untilReady,
  writePayload,
} from '../area-turn.ts';
import type { BcastArguments } from '../arguments.ts';
import type { Area, Port, Schedule } from '../schedule.ts';

/** Run a broadcast. */
export function sharedCounter(port: Port, args: BcastArguments): Schedule {
  return run(port, port.area!, takeTurn(port.area!), args);
}

function* run(port: Port, area: Area, turn: number, { data, root }: BcastArguments): Schedule {
  const code = elementCode(data);
  if (!mayEnter(area, turn)) yield* enter(area, port, turn);
  if (port.rank === root) {
    writePayload(area, port, turn, code, data, 0, data.length);
    publishReady(area, port, turn);
  }
  if (arrive(area, port, turn)) publish(area, turn);
  if (port.rank !== root) {
    if (!isReady(area, turn)) yield untilReady(area, port, turn);
    readPayload(area, port, root, turn, code, data, 0, data.length);
  }
  finish(area, port, turn);
}
