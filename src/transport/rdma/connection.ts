/**
 * Connection: one queue pair whose two ends have proven themselves: frames over SENDs, and what lies behind them.
 *
 *     ring:   [receive buffers, posted in turn]   [send buffers, used in turn: number mod sendCount]
 *
 * A frame takes one send buffer here and one receive there. Every few sends one is signalled; its completion frees all before
 * it. What must be said but finds no room (credits, grants, the answer to a goodbye) is kept here and said at the next poll:
 * handling a frame never waits. Units bound payload that nobody has received (../credit.ts), credits bound frames.
 *
 * Failure: a work request that fails, a broken rule, a wrong checksum or the end of the other side ends it for good.
 */

import { COPY_IN } from '../../datatype/copy-kernels.ts';
import { bytesOf, type TypedArray } from '../../datatype/element-type.ts';
import { ElementViews } from '../../datatype/element-views.ts';
import { bufferClass, RETURN_AT, unitsOf } from '../credit.ts';
import { ANNOUNCE, CLEAR, CREDIT, EAGER, FINISH, highWord, PIECE, SHORT } from '../frame.ts';
import { BUSY, NO_CREDIT, type SendAnswer, TAKEN } from '../transport.ts';
import { CreditWindow } from './credit-window.ts';
import { Exposures, type Grant } from './exposures.ts';
import { Fetching, type FetchingOwner } from './fetching.ts';
import { Incoming, type IncomingOwner, Units } from './incoming.ts';
import { OneSided } from './one-sided.ts';
import type { Offer } from './proof.ts';
import type { Shared } from './shared.ts';
import { Transfers } from './transfers.ts';
import {
  ANNOUNCE_BYTES,
  CHECKED,
  CHECKED_MESSAGES,
  EXPOSE,
  GOODBYE,
  GRANT,
  GRANT_BYTES,
  HEAD,
  HEAD_BYTES,
  HELLO,
  NOTIFY,
} from './wire.ts';

export type ConnectionEnd = 'ended' | 'lost';

/** The memory of a connection's buffers. */
export class Ring {
  readonly views: ElementViews;
  readonly receiveCount: number;
  readonly bufferBytes: number;

  constructor({ addon, limits: { receiveCount, sendCount, bufferBytes } }: Shared) {
    this.views = new ElementViews(addon.allocate((receiveCount + sendCount) * bufferBytes, false));
    this.receiveCount = receiveCount;
    this.bufferBytes = bufferBytes;
  }
}

export interface ConnectionOwner {
  /** The peer has proven that it has seen this rank's answer. */
  onConfirmed(connection: Connection): void;
  /** It is over. */
  onEnd(connection: Connection): void;
  onNotice(peer: number, value: number): void;
}

export class Connection implements FetchingOwner, IncomingOwner {
  readonly peer: number;
  /** The addon's number of it. */
  readonly number: number;
  readonly oneSided: OneSided;
  readonly fetching: Fetching;
  readonly exposures: Exposures;
  readonly transfers: Transfers;
  readonly window: CreditWindow;
  readonly units: Units = new Units();
  end: ConnectionEnd | undefined = undefined;
  /** Why it is over. */
  reason = '';
  /** This rank has said goodbye, and the peer has heard it. */
  isLeaving = false;
  hasBeenHeard = false;
  sentFrames = 0;
  readonly #shared: Shared;
  readonly #ring: Ring;
  readonly #owner: ConnectionOwner;
  readonly #incoming: Incoming;
  readonly #signalEvery: number;
  #completed = 0;
  #signalled = 0;
  #messages = 0;
  /** To be said at the next chance. */
  readonly #grants: { readonly number: number; readonly grant: Grant }[] = [];
  readonly #questions: { readonly number: number; readonly offset: number }[] = [];
  #owesFarewell = false;

  /** `offer`: what the peer takes; `hello`: the proof that must come first; undefined: this rank has asked for the connection. */
  constructor(
    shared: Shared,
    peer: number,
    number: number,
    ring: Ring,
    offer: Offer,
    hello: Uint8Array | undefined,
    owner: ConnectionOwner,
  ) {
    const { addon, limits, regions } = shared;
    this.#shared = shared;
    this.peer = peer;
    this.number = number;
    this.#ring = ring;
    this.#owner = owner;
    this.#incoming = new Incoming(shared, ring.views, hello, this);
    this.#signalEvery = Math.max(1, limits.sendCount >> 2);
    this.window = new CreditWindow(offer.receiveCount, limits.receiveCount);
    this.oneSided = new OneSided(addon, number, limits.oneSidedCount, Math.min(limits.readsOut, offer.readsIn));
    this.transfers = new Transfers(regions, this.oneSided, limits.workBytes);
    this.fetching = new Fetching(addon, regions, limits.workBytes, this);
    this.exposures = new Exposures(addon, regions, limits.verifies);
  }

  /** Whether the peer has proven itself: frames may be sent. */
  get isConfirmed(): boolean {
    return this.#incoming.isConfirmed;
  }

  get receivedFrames(): number {
    return this.#incoming.frames;
  }

  /** Whether the next frame would be taken. */
  get hasRoom(): boolean {
    if (this.end !== undefined || this.isLeaving || this.#owesFarewell) return false;
    return this.#canPost && this.window.canSend;
  }

  /** Sends whose completion is still to come. */
  get uncompleted(): number {
    return Math.max(0, this.#signalled - this.#completed);
  }

  // ---- frames of the engine ------------------------------------------------------------------

  sendShort(
    type: number,
    source: number,
    tag: number,
    context: number,
    data: TypedArray,
    count: number,
    byteLength: number,
  ): SendAnswer {
    if (this.units.available < 1) return NO_CREDIT;
    const at = this.#claim();
    if (at < 0) return BUSY;
    if (count !== 0) COPY_IN[type & 0xff]!(data, 0, count, this.#ring.views, at + HEAD_BYTES);
    this.units.available--;
    this.#shared.copiedIn += byteLength;
    this.#ship(at, SHORT | (type << 8), source, tag, context, byteLength, 0, byteLength);
    return TAKEN;
  }

  sendEager(
    type: number,
    source: number,
    tag: number,
    context: number,
    data: TypedArray,
    count: number,
    byteLength: number,
  ): SendAnswer {
    const units = unitsOf(bufferClass(byteLength));
    if (this.units.available < units) return NO_CREDIT;
    const at = this.#claim();
    if (at < 0) return BUSY;
    COPY_IN[type & 0xff]!(data, 0, count, this.#ring.views, at + HEAD_BYTES);
    this.units.available -= units;
    this.#shared.copiedIn += byteLength;
    this.#ship(at, EAGER | (type << 8), source, tag, context, byteLength, 0, byteLength);
    return TAKEN;
  }

  sendAnnounce(
    type: number,
    source: number,
    tag: number,
    context: number,
    byteLength: number,
    number: number,
    data: TypedArray | undefined,
  ): SendAnswer {
    const at = this.#claim();
    if (at < 0) return BUSY;
    const payload = (at + HEAD_BYTES) >> 3;
    const { f64 } = this.#ring.views;
    f64[payload] = 0;
    let length = 8;
    if (data !== undefined) {
      const bytes = bytesOf(data).subarray(0, byteLength);
      f64[payload] = this.#shared.addon.addressOf(bytes);
      this.#writeGrant(payload + 1, this.exposures.open(number, bytes));
      length = ANNOUNCE_BYTES;
    }
    this.#ship(at, ANNOUNCE | (type << 8), source, tag, context, byteLength, number, length);
    return TAKEN;
  }

  sendControl(kind: number, number: number, peerNumber: number): SendAnswer {
    const at = this.#claim();
    if (at < 0) return BUSY;
    // Either says that this rank reads no more of it.
    if (kind === FINISH || kind === CLEAR) this.fetching.close(number);
    this.#ship(at, kind, number, peerNumber, 0, 0, 0, 0);
    return TAKEN;
  }

  sendPiece(number: number, data: Uint8Array, from: number, offset: number, byteLength: number): SendAnswer {
    const at = this.#claim();
    if (at < 0) return BUSY;
    const length = Math.max(0, byteLength);
    if (length > 0) this.#ring.views.u8.set(data.subarray(from, from + length), at + HEAD_BYTES);
    this.#shared.copiedIn += length;
    this.#ship(at, PIECE, number, byteLength, 0, offset, 0, length);
    return TAKEN;
  }

  sendNotice(value: number): SendAnswer {
    return this.sendControl(NOTIFY, value, 0);
  }

  sendHello(proof: Uint8Array): void {
    const at = this.#claim();
    this.#ring.views.u8.set(proof, at + HEAD_BYTES);
    this.#ship(at, HELLO, 0, 0, 0, 0, 0, proof.byteLength);
  }

  /** Say that this rank leaves; nothing else is sent after it. */
  sendGoodbye(): boolean {
    if (this.end !== undefined || !this.#canPost || !this.window.canSendLast) return false;
    this.isLeaving = true;
    this.#ship(this.#nextBuffer(), GOODBYE, 0, 0, 0, 0, 0, 0, true);
    return true;
  }

  // ---- what comes ----------------------------------------------------------------------------

  /** A frame lies in that receive buffer. */
  onReceive(buffer: number, byteLength: number): void {
    const at = buffer * this.#ring.bufferBytes;
    if (this.end === undefined) this.#incoming.handle(at, byteLength);
    this.repost(buffer);
  }

  /** Let a receive buffer take the next frame. */
  repost(buffer: number): void {
    if (this.end !== undefined) return;
    const outcome = this.#shared.addon.rdmaPostReceive(this.number, buffer);
    if (outcome < 0) this.lose(`a receive could not be posted (errno ${-outcome})`);
    else this.window.onPosted();
  }

  /** The send of that frame has completed, and so have all before it. */
  onSent(id: number): void {
    this.#completed = id;
  }

  /** A work request failed. */
  onFailure(status: number): void {
    this.lose(this.#shared.addon.rdmaStatusText(status));
  }

  /** Say what is owed and could not be said before. Return whether anything was. */
  flush(): boolean {
    if (this.end !== undefined) return false;
    let hasMoved = this.transfers.advance();
    while (this.#grants.length > 0) {
      const at = this.#claim();
      if (at < 0) break;
      const { number, grant } = this.#grants.shift()!;
      this.#writeGrant((at + HEAD_BYTES) >> 3, grant);
      this.#ship(at, GRANT, number, 0, 0, 0, 0, GRANT_BYTES);
      hasMoved = true;
    }
    while (this.#questions.length > 0) {
      const at = this.#claim();
      if (at < 0) break;
      const { number, offset } = this.#questions.shift()!;
      this.#ring.views.f64[(at + HEAD_BYTES) >> 3] = offset;
      this.#ship(at, EXPOSE, number, 0, 0, 0, 0, 8);
      hasMoved = true;
    }
    if (this.#owesFarewell && this.#canPost && this.window.canSendLast) {
      this.#owesFarewell = false;
      this.#ship(this.#nextBuffer(), GOODBYE, 0, 1, 0, 0, 0, 0, true);
      this.#finish('ended', `rank ${this.peer} has ended`);
      return true;
    }
    const mustReturn = this.window.mustReturn || this.units.owed >= RETURN_AT;
    if (mustReturn && this.#canPost && this.window.canSendLast && !this.isLeaving) {
      this.#ship(this.#nextBuffer(), CREDIT, 0, 0, 0, 0, 0, 0);
      hasMoved = true;
    }
    return hasMoved;
  }

  /** Whether everything that was taken has left this process. */
  isFlushed(): boolean {
    if (this.end !== undefined) return true;
    if (this.#completed === this.sentFrames) return this.oneSided.isEmpty;
    // What was sent unsignalled is asked about by a frame that is.
    if (this.#signalled <= this.#completed && this.#canPost && this.window.canSendLast) {
      this.#ship(this.#nextBuffer(), CREDIT, 0, 0, 0, 0, 0, 0, true);
    }
    return false;
  }

  /** Payload was matched that cost so many units. */
  giveBack(units: number): void {
    this.units.charged -= units;
    this.units.owed += units;
  }

  askFor(number: number, offset: number): void {
    this.#questions.push({ number, offset });
  }

  onHello(): void {
    this.#owner.onConfirmed(this);
  }

  onExpose(number: number, offset: number): void {
    this.#grants.push({ number, grant: this.exposures.grant(number, offset) });
  }

  onNotify(value: number): void {
    this.#owner.onNotice(this.peer, value);
  }

  onGoodbye(isAnswer: boolean): void {
    // Both leave: neither needs an answer.
    if (isAnswer || this.isLeaving) this.hasBeenHeard = true;
    else this.#owesFarewell = true;
  }

  onCorrupt(reason: string): void {
    this.lose(`a checksum is wrong: ${reason}`);
  }

  /** The other side is gone, or this one cannot go on. */
  lose(reason: string): void {
    // Behind a goodbye the end is no loss, whether or not there was time to answer.
    if (this.isLeaving) this.#finish('ended', 'this rank has ended');
    else if (this.#owesFarewell) this.#finish('ended', `rank ${this.peer} has ended`);
    else this.#finish('lost', `the connection with rank ${this.peer} was lost: ${reason}`);
  }

  /** The queue pair is gone. */
  stop(): void {
    this.transfers.stop();
    this.oneSided.stop();
    this.fetching.stop();
    this.exposures.stop();
  }

  get #canPost(): boolean {
    return this.sentFrames - this.#completed < this.#shared.limits.sendCount;
  }

  #nextBuffer(): number {
    const { limits } = this.#shared;
    return (limits.receiveCount + (this.sentFrames % limits.sendCount)) * limits.bufferBytes;
  }

  /** Return where the next frame is to be built, as a byte offset of the ring; -1: no room for it. */
  #claim(): number {
    return this.hasRoom ? this.#nextBuffer() : -1;
  }

  /** Fill the head of the frame there and send it. */
  #ship(
    at: number,
    kindType: number,
    source: number,
    tag: number,
    context: number,
    byteLength: number,
    aux: number,
    payloadBytes: number,
    mustSignal = false,
  ): void {
    const { i32, u8 } = this.#ring.views;
    const head = at >> 2;
    const total = HEAD_BYTES + payloadBytes;
    const id = (this.sentFrames + 1) | 0;
    i32[head + HEAD.credits] = this.window.onSend();
    i32[head + HEAD.units] = this.units.owed;
    i32[head + HEAD.kindType] = kindType;
    i32[head + HEAD.source] = source;
    i32[head + HEAD.tag] = tag;
    i32[head + HEAD.context] = context;
    i32[head + HEAD.lengthLow] = byteLength;
    i32[head + HEAD.lengthHigh] = highWord(byteLength);
    i32[head + HEAD.aux] = aux;
    i32[head + HEAD.number] = id;
    i32[head + HEAD.crc] = 0;
    const isChecked = this.#shared.limits.verifies || this.#messages < CHECKED_MESSAGES;
    i32[head + HEAD.flags] = isChecked ? CHECKED : 0;
    if (isChecked) {
      this.#messages++;
      i32[head + HEAD.crc] = this.#shared.addon.crc32c(u8, at, total, 0);
    }
    this.units.owed = 0;
    const isSignalled = mustSignal || id - this.#signalled >= this.#signalEvery;
    const outcome = this.#shared.addon.rdmaPostSend(this.number, at, total, id, isSignalled);
    if (outcome < 0) {
      this.lose(`a send could not be posted (errno ${-outcome})`);
      return;
    }
    this.sentFrames = id;
    if (isSignalled) this.#signalled = id;
  }

  #writeGrant(at: number, { offset, byteLength, address, key, crc, isChecked }: Grant): void {
    const { f64, i32 } = this.#ring.views;
    f64[at] = offset;
    f64[at + 1] = byteLength;
    f64[at + 2] = address;
    f64[at + 3] = key;
    i32[2 * at + 8] = crc;
    i32[2 * at + 9] = isChecked ? 1 : 0;
  }

  #finish(end: ConnectionEnd, reason: string): void {
    if (this.end !== undefined) return;
    this.end = end;
    this.reason = reason;
    this.oneSided.isClosed = true;
    this.fetching.stop();
    this.#owner.onEnd(this);
  }
}
