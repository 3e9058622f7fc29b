/**
 * Scatter through the root's slot in shared memory.
 *
 * As the broadcast of that name, but each rank reads its own block only.
 *
 * Cost: one store and p additions; p n bytes copied at the root, n elsewhere; no messages.
 * Needs: an area, the blocks of all ranks within one slot.
 * Order: no operator.
 * Wins when: n is small and the ranks share a host.
 * See: Graham, Shipman: MPI support for multi-core architectures: optimized shared memory collectives (2008).
 */

import { ELEMENT_SHIFT, elementCode } from '../../datatype/element-type.ts';
import {
  arrive,
  enter,
  finish,
  isReady,
  mayEnter,
  paddedBytes,
  publish,
  publishReady,
  readPayload,
  takeTurn,
  untilReady,
  writePayload,
} from '../area-turn.ts';
import type { ScatterArguments } from '../arguments.ts';
import type { Area, Port, Schedule } from '../schedule.ts';

/** Run a scatter. */
export function sharedCounter(port: Port, args: ScatterArguments): Schedule {
  return run(port, port.area!, takeTurn(port.area!), args);
}

function* run(port: Port, area: Area, turn: number, { data, into, count, root }: ScatterArguments): Schedule {
  const { rank, size } = port;
  if (!mayEnter(area, turn)) yield* enter(area, port, turn);
  if (rank === root) {
    const code = elementCode(data);
    const stride = paddedBytes(count << ELEMENT_SHIFT[code]!);
    for (let dest = 0; dest < size; dest++) {
      if (dest !== root) writePayload(area, port, turn, code, data!, dest * count, count, dest * stride);
    }
    publishReady(area, port, turn);
  }
  if (arrive(area, port, turn)) publish(area, turn);
  if (rank !== root) {
    const code = elementCode(into);
    if (!isReady(area, turn)) yield untilReady(area, port, turn);
    readPayload(area, port, root, turn, code, into!, 0, count, rank * paddedBytes(count << ELEMENT_SHIFT[code]!));
  } else if (into !== undefined) {
    into.set(data!.subarray(root * count, (root + 1) * count) as never);
  }
  finish(area, port, turn);
}
