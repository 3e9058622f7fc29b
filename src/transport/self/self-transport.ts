/**
 * A rank's messages to itself.
 *
 * Reach: this rank only. Ordering: handled at once, in the order of the calls. Limits: payload up to 16 KiB is kept in
 * buffers of its own until it is received, 64 at most; anything else is announced and copied once, array to array, by
 * the engine. Progress: none needed. Backpressure: NO_CREDIT when the buffers are in use. Failure: none.
 */

import { COPY_IN } from '../../datatype/copy-kernels.ts';
import type { TypedArray } from '../../datatype/element-type.ts';
import { ElementViews } from '../../datatype/element-views.ts';
import { ANNOUNCE, CLEAR, EAGER, SHORT } from '../frame.ts';
import { type Capabilities, type FrameHandler, NO_CREDIT, type SendAnswer, TAKEN, type Transport } from '../transport.ts';

const SHORT_BYTES = 32;
const EAGER_BYTES = 16_384;
const BUFFERS = 64;
/** Short messages to itself that may wait unmatched. */
const SHORT_CREDIT = 256;

export class SelfTransport implements Transport {
  readonly name = 'self';
  readonly capabilities: Capabilities = {
    shortBytes: SHORT_BYTES,
    eagerBytes: EAGER_BYTES,
    pieceBytes: EAGER_BYTES,
    canFetch: false,
    fetchesAlone: false,
    pollCost: 1,
  };
  readonly #rank: number;
  readonly #handler: FrameHandler;
  readonly #staging: ElementViews = new ElementViews(new ArrayBuffer(64));
  /** Made on first use; index = aux. */
  readonly #buffers: ElementViews[] = [];
  readonly #free: number[] = [];
  #unmatched = 0;

  constructor(rank: number, handler: FrameHandler) {
    this.#rank = rank;
    this.#handler = handler;
  }

  canReach(peer: number): string | undefined {
    return peer === this.#rank ? undefined : `rank ${peer} is another rank`;
  }

  sendShort(
    _peer: number,
    type: number,
    source: number,
    tag: number,
    context: number,
    data: TypedArray,
    count: number,
    byteLength: number,
  ): SendAnswer {
    if (this.#unmatched >= SHORT_CREDIT) return NO_CREDIT;
    this.#unmatched++;
    if (count !== 0) COPY_IN[type & 0xff]!(data, 0, count, this.#staging, 0);
    this.#handler.onEnvelope(this, SHORT, type, source, tag, context, byteLength, 0, this.#staging, 0);
    return TAKEN;
  }

  sendEager(
    _peer: number,
    type: number,
    source: number,
    tag: number,
    context: number,
    data: TypedArray,
    count: number,
    byteLength: number,
  ): SendAnswer {
    let index = this.#free.pop();
    if (index === undefined) {
      if (this.#buffers.length === BUFFERS) return NO_CREDIT;
      index = this.#buffers.push(new ElementViews(new ArrayBuffer(EAGER_BYTES))) - 1;
    }
    const views = this.#buffers[index]!;
    COPY_IN[type & 0xff]!(data, 0, count, views, 0);
    this.#handler.onEnvelope(this, EAGER, type, source, tag, context, byteLength, index, views, 0);
    return TAKEN;
  }

  sendAnnounce(
    _peer: number,
    type: number,
    source: number,
    tag: number,
    context: number,
    byteLength: number,
    number: number,
    _data: TypedArray | undefined,
  ): SendAnswer {
    this.#staging.f64[0] = 0;
    this.#handler.onEnvelope(this, ANNOUNCE, type, source, tag, context, byteLength, number, this.#staging, 0);
    return TAKEN;
  }

  sendControl(_peer: number, kind: number, number: number, peerNumber: number): SendAnswer {
    if (kind === CLEAR) this.#handler.onClear(number, peerNumber);
    else this.#handler.onFinish(number);
    return TAKEN;
  }

  /** A message to itself is copied by the engine. */
  sendPiece(): SendAnswer {
    throw new Error('a message to itself has no pieces');
  }

  canFetch(): string {
    return 'a message to itself is copied by the engine';
  }

  fetch(): number {
    return -1;
  }

  copyPayload(): void {
    throw new Error('a message to itself has no pieces');
  }

  returnCredit(): void {
    this.#unmatched--;
  }

  release(_peer: number, aux: number): void {
    this.#free.push(aux);
  }

  poll(): boolean {
    return false;
  }

  prepareSleep(): boolean {
    return false;
  }

  isFlushed(): boolean {
    return true;
  }
}
