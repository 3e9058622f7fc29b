/**
 * Incoming: the receiving half of a connection: what lies in a receive buffer becomes a frame for the handler.
 *
 * The idea: a frame is looked at where it came: its number, its checksum, what it gives back, its length; then it goes to the
 * handler, and the buffer may receive again. Only eager payload is copied out first, since it may wait for its receive.
 * Limits: nothing is believed before the first frame has proven who sent it, and a frame that breaks a rule ends the connection.
 */

import { timingSafeEqual } from 'node:crypto';
import type { ElementViews } from '../../datatype/element-views.ts';
import { bufferClass, unitsOf, WINDOW } from '../credit.ts';
import { ANNOUNCE, CLEAR, CREDIT, EAGER, FINISH, joinLength, PIECE, SHORT } from '../frame.ts';
import type { CreditWindow } from './credit-window.ts';
import type { Exposures, Grant } from './exposures.ts';
import type { Fetching } from './fetching.ts';
import type { Shared } from './shared.ts';
import {
  ANNOUNCE_BYTES,
  CHECKED,
  EXPOSE,
  GOODBYE,
  GRANT,
  GRANT_BYTES,
  HEAD,
  HEAD_BYTES,
  HELLO,
  NOTIFY,
  PROOF_BYTES,
  SHORT_BYTES,
} from './wire.ts';

/** Unexpected payload, in units of ../credit.ts. */
export class Units {
  /** What may be sent. */
  available: number = WINDOW;
  /** What was matched and the peer has not been told of. */
  owed = 0;
  /** What of the peer's payload nobody has received. */
  charged = 0;
}

/** The connection that it is half of. */
export interface IncomingOwner {
  readonly window: CreditWindow;
  readonly units: Units;
  readonly fetching: Fetching;
  readonly exposures: Exposures;
  /** The peer has proven that it has seen this rank's answer. */
  onHello(): void;
  /** The peer wants a grant of a message of this rank. */
  onExpose(number: number, offset: number): void;
  onNotify(value: number): void;
  /** The peer leaves, or has heard that this rank does. */
  onGoodbye(isAnswer: boolean): void;
  onCorrupt(reason: string): void;
  lose(reason: string): void;
}

export class Incoming {
  readonly #shared: Shared;
  readonly #views: ElementViews;
  readonly #owner: IncomingOwner;
  /** What must come first; undefined: it came. */
  #hello: Uint8Array | undefined;
  frames = 0;

  constructor(shared: Shared, views: ElementViews, hello: Uint8Array | undefined, owner: IncomingOwner) {
    this.#shared = shared;
    this.#views = views;
    this.#hello = hello;
    this.#owner = owner;
  }

  get isConfirmed(): boolean {
    return this.#hello === undefined;
  }

  /** A frame of so many bytes lies there, at a byte offset of the ring. */
  handle(at: number, byteLength: number): void {
    if (this.#check(at, byteLength)) this.#dispatch(at);
  }

  /** Whether the frame there is whole, the next one, and within its credits. */
  #check(at: number, byteLength: number): boolean {
    const { i32, u8 } = this.#views;
    const { window, units } = this.#owner;
    const head = at >> 2;
    if (byteLength < HEAD_BYTES) return this.#violate(`a frame of ${byteLength} bytes`);
    if ((i32[head + HEAD.flags]! & CHECKED) !== 0) {
      const crc = i32[head + HEAD.crc]!;
      i32[head + HEAD.crc] = 0;
      if (this.#shared.addon.crc32c(u8, at, byteLength, 0) !== crc) {
        this.#owner.onCorrupt(`a frame of ${byteLength} bytes`);
        return false;
      }
    }
    this.frames++;
    if (i32[head + HEAD.number] !== (this.frames | 0)) return this.#violate('a frame that is not the next one');
    if (!window.onCredits(i32[head + HEAD.credits]!)) return this.#violate('more credits than were out');
    const given = i32[head + HEAD.units]!;
    units.available += given;
    if (given < 0 || units.available > WINDOW) return this.#violate('more units than were out');
    const payload = byteLength - HEAD_BYTES;
    const kind = i32[head + HEAD.kindType]! & 0xff;
    return (
      payload === this.#payloadBytes(kind, head) || this.#violate(`a frame of kind ${kind} with ${payload} bytes of payload`)
    );
  }

  /** Return how much payload a frame of that kind has. */
  #payloadBytes(kind: number, head: number): number {
    const { i32, f64 } = this.#views;
    switch (kind) {
      case SHORT:
      case EAGER:
        return i32[head + HEAD.lengthLow]!;
      case PIECE:
        return Math.max(0, i32[head + HEAD.tag]!);
      case ANNOUNCE:
        return f64[(head >> 1) + (HEAD_BYTES >> 3)] === 0 ? 8 : ANNOUNCE_BYTES;
      case GRANT:
        return GRANT_BYTES;
      case EXPOSE:
        return 8;
      case HELLO:
        return PROOF_BYTES;
      default:
        return 0;
    }
  }

  #dispatch(at: number): void {
    const views = this.#views;
    const { i32, f64, u8 } = views;
    const owner = this.#owner;
    const { handler, transport } = this.#shared;
    const head = at >> 2;
    const kindType = i32[head + HEAD.kindType]!;
    const kind = kindType & 0xff;
    const source = i32[head + HEAD.source]!;
    const tag = i32[head + HEAD.tag]!;
    const payload = at + HEAD_BYTES;
    if (this.#hello !== undefined) {
      this.#onHello(kind, u8.subarray(payload, payload + PROOF_BYTES));
      return;
    }
    switch (kind) {
      case SHORT:
      case EAGER:
      case ANNOUNCE:
        this.#onEnvelope(at, kind, kindType >>> 8, source, tag);
        return;
      case CLEAR:
        owner.exposures.close(source);
        handler!.onClear(source, tag);
        return;
      case FINISH:
        owner.exposures.close(source);
        handler!.onFinish(source);
        return;
      case PIECE: {
        const offset = joinLength(i32[head + HEAD.lengthLow]!, i32[head + HEAD.lengthHigh]!);
        this.#shared.piece = u8;
        handler!.onPiece(transport, source, offset, tag, -1, views, tag < 0 ? -1 : payload);
        return;
      }
      case CREDIT:
        return;
      case GRANT:
        owner.fetching.onGrant(source, this.#readGrant(payload >> 3));
        return;
      case EXPOSE:
        owner.onExpose(source, f64[payload >> 3]!);
        return;
      case NOTIFY:
        owner.onNotify(source);
        return;
      case GOODBYE:
        owner.onGoodbye(tag === 1);
        return;
      default:
        this.#violate(`a frame of kind ${kind}`);
    }
  }

  #onHello(kind: number, proof: Uint8Array): void {
    if (kind !== HELLO || !timingSafeEqual(proof, this.#hello!)) {
      this.#violate('its first frame was no proof');
      return;
    }
    this.#hello = undefined;
    this.#owner.onHello();
  }

  #onEnvelope(at: number, kind: number, type: number, source: number, tag: number): void {
    const views = this.#views;
    const { i32, f64, u8 } = views;
    const { units, fetching } = this.#owner;
    const { handler, transport, pool, announced } = this.#shared;
    const head = at >> 2;
    const context = i32[head + HEAD.context]!;
    const byteLength = joinLength(i32[head + HEAD.lengthLow]!, i32[head + HEAD.lengthHigh]!);
    const payload = at + HEAD_BYTES;
    if (kind === ANNOUNCE) {
      const number = i32[head + HEAD.aux]!;
      const address = f64[payload >> 3]!;
      announced.f64[0] = address;
      if (address !== 0) fetching.onAnnounced(number, address, byteLength, this.#readGrant((payload >> 3) + 1));
      handler!.onEnvelope(transport, ANNOUNCE, type, source, tag, context, byteLength, number, announced, 0);
      return;
    }
    units.charged += kind === SHORT ? 1 : unitsOf(bufferClass(byteLength));
    // What is owed but not yet sent back is no credit of the peer's either.
    if (units.charged + units.owed > WINDOW || (kind === SHORT && byteLength > SHORT_BYTES)) {
      this.#violate('more payload than there was credit for');
      return;
    }
    if (kind === SHORT) {
      handler!.onEnvelope(transport, SHORT, type, source, tag, context, byteLength, 0, views, payload);
      return;
    }
    const kept = pool.acquire(bufferClass(byteLength));
    const keptViews = pool.viewsOf(kept);
    const offset = pool.offsetOf(kept);
    keptViews.u8.set(u8.subarray(payload, payload + byteLength), offset);
    this.#shared.copiedOut += byteLength;
    handler!.onEnvelope(transport, EAGER, type, source, tag, context, byteLength, kept, keptViews, offset);
  }

  #readGrant(at: number): Grant {
    const { f64, i32 } = this.#views;
    const [offset, byteLength, address, key] = [f64[at]!, f64[at + 1]!, f64[at + 2]!, f64[at + 3]!];
    return { offset, byteLength, address, key, crc: i32[2 * at + 8]!, isChecked: i32[2 * at + 9] === 1 };
  }

  #violate(reason: string): false {
    this.#owner.lose(`what came broke the protocol: ${reason}`);
    return false;
  }
}
