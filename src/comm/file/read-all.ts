/**
 * The rounds of a collective read: ranks name runs, servers read each window once and send everybody his bytes.
 *
 * A window is read from the first wanted byte to the last, holes too: one long read is faster than many short ones. With the
 * bytes goes where the file ended, if it did, so that nobody takes what is not there.
 */

import type { Step } from '../../collective/schedule.ts';
import type { Phase } from './agreement.ts';
import type { PackedMemory } from './packed-memory.ts';
import type { Work } from './piecework.ts';
import { encodeRuns, type Portion, type TwoPhase } from './two-phase.ts';
import type { WritePort } from './write-all.ts';

/** What came of it: bytes read, counted up to the first that is not there, and this rank's own error. */
export interface ReadResult {
  readonly byteLength: number;
  readonly failure: unknown;
}

/** A rank's runs and the bytes for them. */
interface Order {
  readonly source: number;
  readonly runs: Float64Array;
  readonly bytes: Uint8Array;
}

export function* readRounds(
  port: WritePort,
  plan: TwoPhase,
  memory: PackedMemory,
  read: (into: Uint8Array, offset: number) => Work<number>,
): Phase<ReadResult> {
  let failure: unknown;
  let byteLength = memory.byteLength;
  for (let round = 0; round < plan.rounds; round++) {
    let step: Step | undefined;
    const orders = plan.announced(round).map(({ source, runs, byteLength }): Order => {
      const order = { source, runs: new Float64Array(2 * runs), bytes: new Uint8Array(byteLength) };
      step = port.recv(order.runs, source);
      return order;
    });
    const portions = plan.servers.flatMap((source, server) => {
      const portion = plan.portion(server, round);
      if (portion === undefined) return [];
      step = port.send(encodeRuns(portion), source);
      return [{ source, portion, bytes: new Uint8Array(portion.byteLength), end: new Float64Array(1) }];
    });
    if (step !== undefined) yield step;
    step = undefined;
    let end = 0;
    if (orders.length > 0 && failure === undefined) {
      const { step: served, outcome } = port.work('readAtAll', serve(orders, read));
      yield served;
      const came = outcome();
      if ('error' in came) failure = came.error;
      else end = came.value;
    }
    for (const { source, bytes, end: fileEnd } of portions) {
      step = port.recv(fileEnd, source);
      step = port.recv(bytes, source);
    }
    for (const { source, bytes } of orders) {
      step = port.send(Float64Array.of(end), source);
      step = port.send(bytes, source);
    }
    if (step !== undefined) yield step;
    for (const { portion, bytes, end } of portions) byteLength = Math.min(byteLength, take(portion, bytes, end[0]!, memory));
  }
  return { byteLength, failure };
}

/** Read what was ordered. Return where the file ended; Infinity: behind all of it. */
function* serve(orders: readonly Order[], read: (into: Uint8Array, offset: number) => Work<number>): Work<number> {
  let low = Number.POSITIVE_INFINITY;
  let high = 0;
  for (const { runs } of orders) {
    for (let k = 0; k < runs.length; k += 2) {
      low = Math.min(low, runs[k]!);
      high = Math.max(high, runs[k]! + runs[k + 1]!);
    }
  }
  const window = new Uint8Array(high - low);
  const count = yield* read(window, low);
  for (const { runs, bytes } of orders) {
    let at = 0;
    for (let k = 0; k < runs.length; k += 2) {
      const from = runs[k]! - low;
      bytes.set(window.subarray(from, from + runs[k + 1]!), at);
      at += runs[k + 1]!;
    }
  }
  return count < window.byteLength ? low + count : Number.POSITIVE_INFINITY;
}

/** Fill the program's data with what is there. Return up to where that reaches in the packed bytes; Infinity: all was there. */
function take({ offsets, lengths, places }: Portion, bytes: Uint8Array, end: number, memory: PackedMemory): number {
  let at = 0;
  let reached = Number.POSITIVE_INFINITY;
  for (const [k, offset] of offsets.entries()) {
    const length = lengths[k]!;
    const valid = Math.max(0, Math.min(length, end - offset));
    memory.fill(places[k]!, bytes.subarray(at, at + valid));
    if (valid < length) reached = Math.min(reached, places[k]! + valid);
    at += length;
  }
  return reached;
}
