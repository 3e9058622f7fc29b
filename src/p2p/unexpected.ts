/**
 * UnexpectedMessage: a message that arrived before its receive, and the pool for payload that came inside the frame.
 *
 * Ownership: a SHORT payload is copied into a pool slot of 32 bytes, freed at the match; an EAGER payload stays in the
 * sender's buffer until the match; an ANNOUNCE has none. So memory is bounded by credits, buffers and one entry for each
 * send that the senders still have open.
 */

import { ElementViews } from '../datatype/element-views.ts';
import type { Transport } from '../transport/transport.ts';
import type { Matchable } from './matching-queue.ts';

const SLOT_BYTES = 32;
const SLOTS = 1024;

export class UnexpectedMessage implements Matchable {
  next: Matchable | null = null;
  previous: Matchable | null = null;
  later: Matchable | null = null;
  sequence = -1;
  readonly transport: Transport;
  readonly kind: number;
  readonly type: number;
  readonly source: number;
  readonly tag: number;
  readonly byteLength: number;
  readonly aux: number;
  /** Where the payload lies (SHORT: a pool slot), or the frame's payload words of an ANNOUNCE, in a slot as well. */
  readonly views: ElementViews;
  readonly payloadOffset: number;

  constructor(
    transport: Transport,
    kind: number,
    type: number,
    source: number,
    tag: number,
    byteLength: number,
    aux: number,
    views: ElementViews,
    payloadOffset: number,
  ) {
    this.transport = transport;
    this.kind = kind;
    this.type = type;
    this.source = source;
    this.tag = tag;
    this.byteLength = byteLength;
    this.aux = aux;
    this.views = views;
    this.payloadOffset = payloadOffset;
  }
}

/** Slots of 32 bytes, in chunks that are kept once made. */
export class PayloadPool {
  readonly #chunks: ElementViews[] = [];
  readonly #free: number[] = [];
  readonly #indexOf = new Map<ElementViews, number>();

  /** Copy 32 bytes into a free slot. Return the slot's number. */
  keep(views: ElementViews, payloadOffset: number): number {
    if (this.#free.length === 0) this.#grow();
    const slot = this.#free.pop()!;
    const from = payloadOffset >> 2;
    const to = this.offsetOf(slot) >> 2;
    const target = this.viewsOf(slot).i32;
    const source = views.i32;
    for (let k = 0; k < SLOT_BYTES / 4; k++) target[to + k] = source[from + k]!;
    return slot;
  }

  viewsOf(slot: number): ElementViews {
    return this.#chunks[Math.floor(slot / SLOTS)]!;
  }

  offsetOf(slot: number): number {
    return (slot % SLOTS) * SLOT_BYTES;
  }

  /** Free the slot at that place. */
  release(views: ElementViews, offset: number): void {
    this.#free.push(this.#indexOf.get(views)! * SLOTS + offset / SLOT_BYTES);
  }

  #grow(): void {
    const chunk = new ElementViews(new ArrayBuffer(SLOTS * SLOT_BYTES));
    const index = this.#chunks.push(chunk) - 1;
    this.#indexOf.set(chunk, index);
    for (let k = SLOTS - 1; k >= 0; k--) this.#free.push(index * SLOTS + k);
  }
}
