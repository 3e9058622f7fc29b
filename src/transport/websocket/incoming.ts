/**
 * Incoming: the receiving half of a connection: bytes of the socket become frames for the handler.
 *
 * The idea: a read into the staging buffer brings headers, heads and short payload; payload that is longer than what has come
 * is read straight to its place: the receiver's array, or a buffer of the pool. The bytes of all messages are one stream of
 * frames, so it does not matter how a message is fragmented. All that was read is handled before read() returns.
 *
 *     staging:   [header] [head] [payload] [header] [head] [pay...      -> the rest of the payload: read to its target
 *
 * Limits: whatever comes, nothing is written outside the target that was checked for it, and a frame that breaks a rule ends
 * the connection with a status code.
 */

import { ELEMENT_SHIFT } from '../../datatype/element-type.ts';
import { ElementViews } from '../../datatype/element-views.ts';
import { EAGAIN } from '../../native/errno.ts';
import { bufferClass, unitsOf } from '../credit.ts';
import { ANNOUNCE, CLEAR, CREDIT, EAGER, FINISH, joinLength, PIECE, SHORT } from '../frame.ts';
import { REST_BYTES, type SharedBuffers, STAGE_BYTES } from './shared-buffers.ts';
import { CLOSE, HeaderReader, OPCODE, unmask } from './websocket-frame.ts';
import { EAGER_BYTES, HEAD, HEAD_BYTES, PIECE_BYTES, SHORT_BYTES } from './wire.ts';

/** Shorter payload is copied by a loop: it takes less than making a view of it. */
const LOOP_BYTES = 64;

/** The connection that it is half of. */
export interface IncomingOwner {
  /** A frame gives that much credit back. Return false if it is more than was given. */
  onCredits(units: number): boolean;
  /** Unexpected payload came. Return false if it is more than the peer had credit for. */
  onCharge(units: number): boolean;
  onControlFrame(opcode: number, payload: Uint8Array): void;
  /** The connection must be closed with that code. */
  onViolation(code: number, reason: string): void;
  /** The peer sends no more; errno 0: it ended in order. */
  onStreamEnd(errno: number): void;
}

export class Incoming {
  readonly #shared: SharedBuffers;
  readonly #fd: number;
  readonly #owner: IncomingOwner;
  readonly #header: HeaderReader;
  /** Bytes that were read but are not enough to go on with. */
  readonly #rest: Uint8Array = new Uint8Array(256);
  #restLength = 0;
  /** Payload of the current websocket frame that has not come yet, and how much of it has. */
  #frameLeft = 0;
  #frameDone = 0;
  /** The head of a frame that came in parts. */
  readonly #carry: Uint8Array = new Uint8Array(HEAD_BYTES);
  readonly #carryView: DataView = new DataView(this.#carry.buffer);
  #carryLength = 0;
  /** The frame whose payload is coming: `left` bytes of it belong to `target` from `at` on. */
  #kind = 0;
  #type = 0;
  #source = 0;
  #tag = 0;
  #context = 0;
  #byteLength = 0;
  /** EAGER: the pool's buffer. */
  #buffer = 0;
  #target: Uint8Array;
  #at = 0;
  #left = 0;
  readonly #short: ElementViews = new ElementViews(new ArrayBuffer(SHORT_BYTES));
  /** Pieces that are not read to their place, or have none any more. */
  #pieceViews: ElementViews | undefined = undefined;
  #isInPlace = false;
  #isStopped = false;
  receivedBytes = 0;

  /** `expectsMask`: the peer is the connection's client. */
  constructor(shared: SharedBuffers, fd: number, expectsMask: boolean, owner: IncomingOwner) {
    this.#shared = shared;
    this.#fd = fd;
    this.#owner = owner;
    this.#header = new HeaderReader(expectsMask);
    this.#target = this.#short.u8;
  }

  /** The connection is over; what the peer still sends is of no interest. */
  stop(): void {
    this.#isStopped = true;
    if (this.#left > 0 && this.#kind === EAGER) this.#shared.pool.release(this.#buffer);
    this.#left = 0;
  }

  /** Handle bytes that came with the upgrade, at most REST_BYTES of them. */
  handle(bytes: Uint8Array): void {
    this.#shared.staging.set(bytes.subarray(0, REST_BYTES));
    this.receivedBytes += bytes.byteLength;
    this.#parse(bytes.byteLength);
  }

  /** Read once from the socket and handle what came. Return whether anything did. */
  read(): boolean {
    if (this.#left > 0 && this.#frameLeft > 0) return this.#readPayload();
    const { staging, addon } = this.#shared;
    const kept = this.#restLength;
    const count = addon.receive(this.#fd, staging, kept, STAGE_BYTES);
    if (count <= 0) return this.#onNothing(count);
    this.receivedBytes += count;
    if (kept > 0) for (let k = 0; k < kept; k++) staging[k] = this.#rest[k]!;
    this.#restLength = 0;
    this.#parse(kept + count);
    // More is there, most likely.
    if (count === STAGE_BYTES && this.#left > 0 && this.#frameLeft > 0) this.#readPayload();
    return true;
  }

  #onNothing(count: number): boolean {
    if (count === -EAGAIN) return false;
    this.#owner.onStreamEnd(-count);
    return true;
  }

  /** Read payload straight to its place. */
  #readPayload(): boolean {
    // The program gave its array away (structuredClone): its bytes are lost, the stream must go on.
    if (this.#target.byteLength === 0) this.#divert();
    const want = Math.min(this.#left, this.#frameLeft);
    const count = this.#shared.addon.receive(this.#fd, this.#target, this.#at, want);
    if (count <= 0) return this.#onNothing(count);
    this.receivedBytes += count;
    this.#advance(count);
    return true;
  }

  /** So many bytes of payload lie in the target, still masked. */
  #advance(count: number): void {
    if (this.#header.isKeyed) unmask(this.#target, this.#at, this.#at + count, this.#header.key, this.#frameDone);
    this.#at += count;
    this.#left -= count;
    this.#frameLeft -= count;
    this.#frameDone += count;
    if (this.#left === 0) this.#deliver();
  }

  #parse(end: number): void {
    const { staging, stagingView } = this.#shared;
    let begin = 0;
    while (!this.#isStopped) {
      if (this.#frameLeft === 0) {
        const taken = this.#readHeader(begin, end);
        if (taken === 0) break;
        begin += taken;
        continue;
      }
      const available = Math.min(this.#frameLeft, end - begin);
      if (available === 0) break;
      if (this.#left > 0) {
        const count = Math.min(available, this.#left);
        this.#place(begin, count);
        begin += count;
        this.#advance(count);
      } else if (available >= HEAD_BYTES && this.#carryLength === 0 && !this.#header.isKeyed) {
        this.#frameLeft -= HEAD_BYTES;
        this.#frameDone += HEAD_BYTES;
        this.#open(stagingView, begin);
        begin += HEAD_BYTES;
      } else {
        const count = Math.min(available, HEAD_BYTES - this.#carryLength);
        this.#carry.set(staging.subarray(begin, begin + count), this.#carryLength);
        const { isKeyed, key } = this.#header;
        if (isKeyed) unmask(this.#carry, this.#carryLength, this.#carryLength + count, key, this.#frameDone);
        begin += count;
        this.#frameLeft -= count;
        this.#frameDone += count;
        this.#carryLength += count;
        if (this.#carryLength < HEAD_BYTES) continue;
        this.#carryLength = 0;
        this.#open(this.#carryView, 0);
      }
    }
    if (this.#isStopped) return;
    // Less than a header, or than a control frame.
    this.#restLength = end - begin;
    for (let k = 0; k < this.#restLength; k++) this.#rest[k] = staging[begin + k]!;
  }

  /** Read the header of a websocket frame, and a control frame altogether. Return the bytes taken, 0: more must come. */
  #readHeader(begin: number, end: number): number {
    const header = this.#header;
    const taken = header.read(this.#shared.staging, begin, end);
    if (taken < 0) {
      this.#owner.onViolation(-taken, header.violation);
      return 0;
    }
    if (taken === 0) return 0;
    if (header.opcode < OPCODE.close) {
      this.#frameLeft = header.byteLength;
      this.#frameDone = 0;
      return taken;
    }
    const from = begin + taken;
    if (end - from < header.byteLength) return 0;
    const payload = this.#shared.staging.slice(from, from + header.byteLength);
    if (header.isKeyed) unmask(payload, 0, payload.byteLength, header.key, 0);
    this.#owner.onControlFrame(header.opcode, payload);
    return taken + header.byteLength;
  }

  /** Copy staged payload to its target. */
  #place(begin: number, count: number): void {
    const { staging } = this.#shared;
    if (this.#target.byteLength === 0) this.#divert();
    const at = this.#at;
    if (count > LOOP_BYTES) this.#target.set(staging.subarray(begin, begin + count), at);
    else for (let k = 0; k < count; k++) this.#target[at + k] = staging[begin + k]!;
  }

  #divert(): void {
    this.#pieceViews ??= new ElementViews(new ArrayBuffer(PIECE_BYTES));
    this.#target = this.#pieceViews.u8;
    this.#at = 0;
  }

  /** A frame's head lies at that place. */
  #open(view: DataView, at: number): void {
    const kindType = view.getInt32(at + HEAD.kindType, true);
    this.#kind = kindType & 0xff;
    this.#type = kindType >>> 8;
    this.#source = view.getInt32(at + HEAD.source, true);
    this.#tag = view.getInt32(at + HEAD.tag, true);
    this.#context = view.getInt32(at + HEAD.context, true);
    const high = view.getInt32(at + HEAD.lengthHigh, true);
    this.#byteLength = joinLength(view.getInt32(at + HEAD.lengthLow, true), high);
    const wrong = this.#owner.onCredits(view.getInt32(at, true))
      ? this.#take(view.getInt32(at + HEAD.aux, true), high)
      : 'more credit than there is';
    if (wrong !== undefined) this.#owner.onViolation(CLOSE.policy, `a frame that cannot be: ${wrong}`);
  }

  /** Make a place for the payload, or hand the frame on. Return what is wrong with it, if anything is. */
  #take(aux: number, high: number): string | undefined {
    const { handler, pool } = this.#shared;
    const length = this.#byteLength;
    if (high < 0 || high > 0x1f_ffff) return `a length of ${length} bytes`;
    switch (this.#kind) {
      case SHORT:
        if (this.#isWrongType()) return `element type ${this.#type}`;
        if (length > SHORT_BYTES) return `a short message of ${length} bytes`;
        if (!this.#owner.onCharge(1)) return 'a short message without credit';
        this.#expect(this.#short.u8, 0, length);
        return;
      case EAGER: {
        if (this.#isWrongType()) return `element type ${this.#type}`;
        if (length > EAGER_BYTES) return `an eager message of ${length} bytes`;
        const size = bufferClass(length);
        if (!this.#owner.onCharge(unitsOf(size))) return 'an eager message without credit';
        this.#buffer = pool.acquire(size);
        this.#expect(pool.viewsOf(this.#buffer).u8, pool.offsetOf(this.#buffer), length);
        return;
      }
      case ANNOUNCE: {
        if (this.#isWrongType()) return `element type ${this.#type}`;
        const { nothing, transport } = this.#shared;
        const { type, source, tag, context } = { type: this.#type, source: this.#source, tag: this.#tag, context: this.#context };
        handler!.onEnvelope(transport, ANNOUNCE, type, source, tag, context, length, aux, nothing, 0);
        return;
      }
      case CLEAR:
        handler!.onClear(this.#source, this.#tag);
        return;
      case FINISH:
        handler!.onFinish(this.#source);
        return;
      case PIECE:
        return this.#takePiece();
      case CREDIT:
        return;
      default:
        return `kind ${this.#kind}`;
    }
  }

  #takePiece(): string | undefined {
    const bytes = this.#tag;
    if (bytes > PIECE_BYTES || bytes < -1) return `a piece of ${bytes} bytes`;
    const into = bytes > 0 ? this.#shared.handler!.pieceInto(this.#source) : undefined;
    this.#isInPlace = into !== undefined;
    if (into === undefined) {
      this.#pieceViews ??= new ElementViews(new ArrayBuffer(PIECE_BYTES));
      this.#expect(this.#pieceViews.u8, 0, Math.max(bytes, 0));
    } else if (this.#byteLength + bytes > into.byteLength && into.byteLength !== 0) {
      return `a piece of ${bytes} bytes at ${this.#byteLength} of a message of ${into.byteLength}`;
    } else this.#expect(into, this.#byteLength, bytes);
    return;
  }

  #isWrongType(): boolean {
    return (this.#type & 0xff) >= ELEMENT_SHIFT.length;
  }

  /** Payload of so many bytes comes now. */
  #expect(target: Uint8Array, at: number, byteLength: number): void {
    this.#target = target;
    this.#at = at;
    this.#left = byteLength;
    if (byteLength === 0) this.#deliver();
  }

  /** All of a frame's payload is there. */
  #deliver(): void {
    const { handler, pool, transport } = this.#shared;
    const length = this.#byteLength;
    if (this.#kind === SHORT) {
      handler!.onEnvelope(transport, SHORT, this.#type, this.#source, this.#tag, this.#context, length, 0, this.#short, 0);
    } else if (this.#kind === EAGER) {
      const buffer = this.#buffer;
      const [views, at] = [pool.viewsOf(buffer), pool.offsetOf(buffer)];
      handler!.onEnvelope(transport, EAGER, this.#type, this.#source, this.#tag, this.#context, length, buffer, views, at);
    } else {
      const views = this.#isInPlace ? this.#shared.nothing : this.#pieceViews!;
      this.#shared.piece = views.u8;
      handler!.onPiece(transport, this.#source, length, this.#tag, -1, views, this.#isInPlace ? -1 : 0);
    }
  }
}
