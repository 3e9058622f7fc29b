/**
 * The rounds of a collective write: ranks send runs and bytes to the servers, which put them into place and write.
 *
 * What is written in a window are its longest stretches without a hole: nothing is read first, so neighbours in the
 * same file and holes between runs are safe. Where ranks write the same byte, the one of the highest rank stands.
 */

import type { Step } from '../../collective/schedule.ts';
import type { Phase } from './agreement.ts';
import type { PackedMemory } from './packed-memory.ts';
import type { Outcome, Work } from './piecework.ts';
import { type Announced, encodeRuns, type Portion, type TwoPhase, WINDOW_BYTES } from './two-phase.ts';

/** Below so many bytes a loop is faster than `set` of a subarray. */
const SET_BYTES = 192;

/** What the rounds need of their file. */
export interface WritePort {
  send(data: Float64Array | Uint8Array, dest: number): Step;
  recv(into: Float64Array | Uint8Array, source: number): Step;
  /** Wait for work of this rank. */
  work<T>(text: string, work: Work<T>): { step: Step; outcome(): Outcome<T> };
}

/** What a rank sent for a window. */
interface Delivery {
  readonly runs: Float64Array;
  readonly bytes: Uint8Array;
}

/** Send, receive, write. Return the first error of this rank's own; it goes on taking what others send. */
export function* writeRounds(
  port: WritePort,
  plan: TwoPhase,
  memory: PackedMemory,
  write: (bytes: Uint8Array, offset: number) => Work<void>,
): Phase<unknown> {
  let failure: unknown;
  let window: Window | undefined;
  for (let round = 0; round < plan.rounds; round++) {
    let step: Step | undefined;
    const deliveries = plan.announced(round).map(({ source, runs, byteLength }: Announced): Delivery => {
      const delivery = { runs: new Float64Array(2 * runs), bytes: new Uint8Array(byteLength) };
      step = port.recv(delivery.runs, source);
      step = port.recv(delivery.bytes, source);
      return delivery;
    });
    for (const [server, dest] of plan.servers.entries()) {
      const portion = plan.portion(server, round);
      if (portion === undefined) continue;
      step = port.send(encodeRuns(portion), dest);
      step = port.send(collect(portion, memory), dest);
    }
    if (step !== undefined) yield step;
    if (deliveries.length === 0 || failure !== undefined) continue;
    window ??= new Window();
    const { step: written, outcome } = port.work('writeAtAll', window.write(deliveries, write));
    yield written;
    const came = outcome();
    if ('error' in came) failure = came.error;
  }
  return failure;
}

/** The bytes of a portion, one run behind the other. */
function collect({ lengths, places, byteLength }: Portion, memory: PackedMemory): Uint8Array {
  const isStretch = places.every((place, k) => k === 0 || place === places[k - 1]! + lengths[k - 1]!);
  if (isStretch) return memory.slice(places[0]!, byteLength);
  const bytes = new Uint8Array(byteLength);
  let at = 0;
  for (const [k, place] of places.entries()) {
    bytes.set(memory.slice(place, lengths[k]!), at);
    at += lengths[k]!;
  }
  return bytes;
}

/** Puts what ranks sent into place; used again for each window. */
class Window {
  readonly #bytes = new Uint8Array(WINDOW_BYTES);
  /** 1: given by a rank. */
  readonly #mask = new Uint8Array(WINDOW_BYTES);

  *write(deliveries: readonly Delivery[], write: (bytes: Uint8Array, offset: number) => Work<void>): Work<void> {
    const [only] = deliveries;
    if (deliveries.length === 1 && only!.runs.length === 2) {
      yield* write(only!.bytes, only!.runs[0]!);
      return;
    }
    let low = Number.POSITIVE_INFINITY;
    let high = 0;
    for (const { runs } of deliveries) {
      for (let k = 0; k < runs.length; k += 2) {
        low = Math.min(low, runs[k]!);
        high = Math.max(high, runs[k]! + runs[k + 1]!);
      }
    }
    const bytes = this.#bytes.subarray(0, high - low);
    const mask = this.#mask.subarray(0, high - low).fill(0);
    for (const delivery of deliveries) place(delivery, low, bytes, mask);
    for (let from = mask.indexOf(1); from >= 0; ) {
      const hole = mask.indexOf(0, from);
      const to = hole < 0 ? mask.length : hole;
      yield* write(bytes.subarray(from, to), low + from);
      from = hole < 0 ? -1 : mask.indexOf(1, to);
    }
  }
}

function place({ runs, bytes }: Delivery, low: number, into: Uint8Array, mask: Uint8Array): void {
  let at = 0;
  for (let k = 0; k < runs.length; k += 2) {
    const from = runs[k]! - low;
    const length = runs[k + 1]!;
    if (length < SET_BYTES) for (let b = 0; b < length; b++) into[from + b] = bytes[at + b]!;
    else into.set(bytes.subarray(at, at + length), from);
    mask.fill(1, from, from + length);
    at += length;
  }
}
