/** What arrives at one end of a transport: a handler that keeps every frame, and gives payload back only when asked to. */

import { COPY_OUT } from '../../src/datatype/copy-kernels.ts';
import { arrayConstructor, BYTES, ELEMENT_SHIFT, OBJECT, type TypedArray } from '../../src/datatype/element-type.ts';
import type { ElementViews } from '../../src/datatype/element-views.ts';
import { ANNOUNCE, CLEAR, EAGER, FINISH, PIECE, SHORT } from '../../src/transport/frame.ts';
import type { FrameHandler, Transport } from '../../src/transport/transport.ts';

/** One frame, with its payload as the kernels read it. */
export interface Arrival {
  readonly kind: number;
  readonly type: number;
  readonly source: number;
  readonly tag: number;
  readonly context: number;
  readonly byteLength: number;
  readonly aux: number;
  /** SHORT and EAGER: the elements; PIECE: the bytes. */
  readonly payload: TypedArray | undefined;
  /** ANNOUNCE: where the payload may be fetched from, or 0. */
  readonly address: number;
  /** Give the payload's place back, as the engine does at the match. Once. */
  readonly settle: () => void;
}

const NOTHING = { type: 0, source: 0, tag: 0, context: 0, byteLength: 0, aux: 0, payload: undefined, address: 0, settle() {} };

export class Arrivals implements FrameHandler {
  readonly frames: Arrival[] = [];
  /** World rank of who sends. */
  readonly #peer: number;
  /** Keep payload where it lies until settle(): nobody has posted a receive. */
  isHolding = false;
  /** Where pieces may be read to at once; undefined: they are copied. */
  pieceTarget: Uint8Array | undefined = undefined;

  constructor(peer: number) {
    this.#peer = peer;
  }

  onEnvelope(
    transport: Transport,
    kind: number,
    type: number,
    source: number,
    tag: number,
    context: number,
    byteLength: number,
    aux: number,
    views: ElementViews,
    payloadOffset: number,
  ): void {
    const peer = this.#peer;
    const settle = (): void => {
      if (kind === SHORT) transport.returnCredit(peer);
      else if (kind === EAGER) transport.release(peer, aux);
    };
    let payload: TypedArray | undefined;
    if (kind !== ANNOUNCE) {
      const code = type & 0xff;
      const count = byteLength >> ELEMENT_SHIFT[code]!;
      payload = new (arrayConstructor(code === OBJECT ? BYTES : code))(count);
      if (count !== 0) COPY_OUT[code]!(views, payloadOffset, payload, 0, count);
    }
    const address = kind === ANNOUNCE ? views.f64[payloadOffset >> 3]! : 0;
    this.#add({ kind, type, source, tag, context, byteLength, aux, payload, address, settle });
  }

  onClear(number: number, peerNumber: number): void {
    this.#add({ ...NOTHING, kind: CLEAR, source: number, tag: peerNumber });
  }

  onFinish(number: number): void {
    this.#add({ ...NOTHING, kind: FINISH, source: number });
  }

  pieceInto(): Uint8Array | undefined {
    return this.pieceTarget;
  }

  onPiece(
    transport: Transport,
    number: number,
    offset: number,
    byteLength: number,
    aux: number,
    _views: ElementViews,
    payloadOffset: number,
  ): void {
    const payload = new Uint8Array(Math.max(byteLength, 0) + 2);
    if (byteLength > 0 && payloadOffset >= 0) transport.copyPayload(payloadOffset, payload, 1, byteLength);
    else if (byteLength > 0) payload.set(this.pieceTarget!.subarray(offset, offset + byteLength), 1);
    const settle = (): void => transport.release(this.#peer, aux);
    this.#add({ ...NOTHING, kind: PIECE, source: number, tag: byteLength, byteLength: offset, aux, payload, settle });
  }

  #add(arrival: Arrival): void {
    this.frames.push(arrival);
    if (!this.isHolding) arrival.settle();
  }
}
