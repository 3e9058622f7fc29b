/**
 * A rank's end of the relay: frames for ranks of other hosts go into the inbox of this host's agent, and come from there.
 *
 * Reach: ranks of other hosts. Ordering: one way per pair, in the order taken. Limits: 24 bytes in a cell, 16 KiB at once,
 * longer messages announced, then pulled from memory to memory by the agents, or without the addon in pieces of 128 KiB.
 * Progress: the agents move what lies in buffers and what is pulled, whatever the ranks do. Backpressure: BUSY while the agent's inbox or the rank's large buffers are full, or while the agent holds frames for that peer;
 * NO_CREDIT beyond WINDOW units of payload that the receiver has not matched, or without a small buffer. Failure: a link
 * between agents that is lost leaves its peers BUSY; whether the job goes on is for its launcher to say.
 *
 * This rank's inbox is emptied by the shm transport, which hands over the relay's cells (handle). Eager payload is copied out
 * of the relay's buffers at once, so that what one rank leaves unmatched takes no room from the others.
 */

import { COPY_IN } from '../../datatype/copy-kernels.ts';
import type { TypedArray } from '../../datatype/element-type.ts';
import { ElementViews } from '../../datatype/element-views.ts';
import type { Addon } from '../../native/addon.ts';
import { type BufferPool, releaseBuffer } from '../../segment/buffer-pool.ts';
import { InboxProducer } from '../../segment/inbox.ts';
import { BUFFER_HEADER_BYTES, CONTROL, LARGE_BYTES, PEER, SMALL_BYTES } from '../../segment/layout.ts';
import type { Parking } from '../../segment/parking.ts';
import type { Segment } from '../../segment/segment.ts';
import { bufferClass, RETURN_AT, unitsOf, WINDOW } from '../credit.ts';
import { EagerPool } from '../eager-pool.ts';
import {
  ANNOUNCE,
  CALL,
  CLEAR,
  CREDIT,
  EAGER,
  FINISH,
  FRAME,
  highWord,
  joinLength,
  PIECE,
  PULL,
  PULLED,
  RELAYED,
  SHORT,
  SIGNAL,
} from '../frame.ts';
import {
  BUSY,
  type Capabilities,
  type FrameHandler,
  NO_CREDIT,
  type SendAnswer,
  TAKEN,
  type Transport,
  UNDER_WAY,
} from '../transport.ts';

/** Payload of a cell ends where `to` begins. */
const SHORT_BYTES: number = (FRAME.to - FRAME.payload) << 2;

export interface RelayOptions {
  readonly segment: Segment;
  readonly worldRank: number;
  /** Ranks of the job. */
  readonly size: number;
  readonly isLocal: (worldRank: number) => boolean;
  readonly parking: Parking;
  /** This rank's buffers in the segment. */
  readonly small: BufferPool;
  readonly large: BufferPool;
  /** undefined: memory is not pulled. */
  readonly addon: Addon | undefined;
}

export class RelayTransport implements Transport {
  readonly name = 'relay';
  readonly capabilities: Capabilities;
  readonly #options: RelayOptions;
  readonly #segment: Segment;
  readonly #views: ElementViews;
  readonly #i32: Int32Array;
  readonly #u8: Uint8Array;
  /** The relay's place in the segment. */
  readonly #place: number;
  readonly #sleeping: number;
  readonly #producer: InboxProducer;
  readonly #pool = new EagerPool();
  /** By world rank: units that may be sent there, and units matched that it has not been told of. */
  readonly #credit: Int32Array;
  readonly #owed: Int32Array;
  /** Peers that wait to be told. */
  readonly #debts = new Set<number>();
  /** What refused since the last prepareSleep(). */
  readonly #held = new Set<number>();
  #isFull = false;
  /** What became of the pull from a peer: UNDER_WAY, 0, or an errno. */
  readonly #pulls = new Map<number, number>();
  /** Peers that this rank cannot connect to, and has not told so. */
  readonly #calls = new Set<number>();
  /** A peer cannot connect to this rank. */
  onCall: (peer: number) => void = () => {};
  /** A rank of another host says what comes before an RDMA connection (SIGNAL in frame.ts). */
  onSignal: (from: number, what: number, address: number) => void = () => {};
  /** Frames taken for each peer, and frames that came from it. */
  readonly #sent: Float64Array;
  readonly #received: Float64Array;

  constructor(options: RelayOptions) {
    const { segment, size } = options;
    this.#options = options;
    const canFetch = options.addon !== undefined;
    this.capabilities = {
      ...{ shortBytes: SHORT_BYTES, eagerBytes: SMALL_BYTES, pieceBytes: LARGE_BYTES, pollCost: 1 },
      ...{ canFetch, fetchesAlone: canFetch },
    };
    this.#segment = segment;
    this.#views = new ElementViews(segment.buffer);
    this.#i32 = segment.i32;
    this.#u8 = segment.u8;
    this.#place = segment.layout.localSize;
    this.#sleeping = segment.control(this.#place, CONTROL.sleeping);
    this.#producer = new InboxProducer(segment);
    this.#credit = new Int32Array(size).fill(WINDOW);
    this.#owed = new Int32Array(size);
    this.#sent = new Float64Array(size);
    this.#received = new Float64Array(size);
  }

  canReach(peer: number): string | undefined {
    return this.#options.isLocal(peer) ? `rank ${peer} is on this host` : undefined;
  }

  /** Say why frames for a peer do not leave; '': they do. */
  describeTrouble(peer: number): string {
    return this.#isHeld(peer) ? `the relay takes nothing for rank ${peer}: it computes, or its agent does not answer` : '';
  }

  sendShort(
    peer: number,
    type: number,
    source: number,
    tag: number,
    context: number,
    data: TypedArray,
    count: number,
    byteLength: number,
  ): SendAnswer {
    if (this.#credit[peer]! < 1) return NO_CREDIT;
    const cell = this.#claim(peer);
    if (cell < 0) return BUSY;
    if (count !== 0) COPY_IN[type & 0xff]!(data, 0, count, this.#views, (cell + FRAME.payload) << 2);
    this.#credit[peer]!--;
    this.#deliver(cell, peer, SHORT | (type << 8), source, tag, context, byteLength, 0);
    return TAKEN;
  }

  sendEager(
    peer: number,
    type: number,
    source: number,
    tag: number,
    context: number,
    data: TypedArray,
    count: number,
    byteLength: number,
  ): SendAnswer {
    const units = unitsOf(bufferClass(byteLength));
    if (this.#credit[peer]! < units) return NO_CREDIT;
    const { small } = this.#options;
    const buffer = small.take(this.#place);
    if (buffer < 0) return NO_CREDIT;
    COPY_IN[type & 0xff]!(data, 0, count, this.#views, (buffer << 2) + BUFFER_HEADER_BYTES);
    const cell = this.#claim(peer);
    if (cell < 0) {
      small.untake(buffer);
      return BUSY;
    }
    this.#credit[peer]! -= units;
    this.#deliver(cell, peer, EAGER | (type << 8), source, tag, context, byteLength, buffer >> 4);
    return TAKEN;
  }

  sendAnnounce(
    peer: number,
    type: number,
    source: number,
    tag: number,
    context: number,
    byteLength: number,
    number: number,
    data: TypedArray | undefined,
  ): SendAnswer {
    const { addon } = this.#options;
    const address = data === undefined || addon === undefined ? 0 : addon.addressOf(data);
    const cell = this.#claim(peer);
    if (cell < 0) return BUSY;
    this.#views.f64[(cell + FRAME.payload) >> 1] = address;
    this.#deliver(cell, peer, ANNOUNCE | (type << 8), source, tag, context, byteLength, number);
    return TAKEN;
  }

  sendControl(peer: number, kind: number, number: number, peerNumber: number): SendAnswer {
    const cell = this.#claim(peer);
    if (cell < 0) return BUSY;
    this.#deliver(cell, peer, kind, number, peerNumber, 0, 0, 0);
    return TAKEN;
  }

  sendPiece(peer: number, peerNumber: number, data: Uint8Array, from: number, offset: number, byteLength: number): SendAnswer {
    const { large } = this.#options;
    const buffer = byteLength < 0 ? 0 : large.take(this.#place);
    if (buffer < 0) return BUSY;
    if (byteLength > 0) this.#u8.set(data.subarray(from, from + byteLength), (buffer << 2) + BUFFER_HEADER_BYTES);
    const cell = this.#claim(peer);
    if (cell < 0) {
      if (byteLength >= 0) large.untake(buffer);
      return BUSY;
    }
    this.#deliver(cell, peer, PIECE, peerNumber, byteLength, 0, offset, buffer >> 4);
    return TAKEN;
  }

  canFetch(): string | undefined {
    return this.#options.addon === undefined ? 'memory is read and written for ranks with the native addon only' : undefined;
  }

  fetch(peer: number, address: number, into: Uint8Array, offset: number, byteLength: number): number {
    const outcome = this.#pulls.get(peer);
    if (outcome === undefined) {
      const cell = this.#claim(peer);
      if (cell < 0) return UNDER_WAY;
      const payload = (cell + FRAME.payload) >> 1;
      this.#views.f64[payload] = address;
      this.#views.f64[payload + 1] = this.#options.addon!.addressOf(into) + offset;
      this.#pulls.set(peer, UNDER_WAY);
      this.#deliver(cell, peer, PULL, 0, 0, 0, byteLength, 0);
      return UNDER_WAY;
    }
    if (outcome === UNDER_WAY) return UNDER_WAY;
    this.#pulls.delete(peer);
    return outcome === 0 ? byteLength : -outcome;
  }

  returnCredit(peer: number): void {
    this.#giveBack(peer, 1);
  }

  copyPayload(payloadOffset: number, into: Uint8Array, at: number, byteLength: number): void {
    into.set(this.#u8.subarray(payloadOffset, payloadOffset + byteLength), at);
  }

  /** `aux`: a buffer of the pool, or below 0 one of the relay's, as -1 - its line; -1: none. */
  release(peer: number, aux: number): void {
    if (aux >= 0) {
      const units = unitsOf(this.#pool.classOf(aux));
      this.#pool.release(aux);
      this.#giveBack(peer, units);
    } else if (aux < -1) this.#releaseShared(-1 - aux);
  }

  /** A cell of the relay is at the head of this rank's inbox; it is free again when this returns. */
  handle(handler: FrameHandler, cell: number): void {
    const i32 = this.#i32;
    const kindType = i32[cell + FRAME.kindType]!;
    const kind = kindType & 0xff & ~RELAYED;
    const source = i32[cell + FRAME.source]!;
    const tag = i32[cell + FRAME.tag]!;
    const from = i32[cell + FRAME.from]!;
    this.#received[from]!++;
    switch (kind) {
      case CLEAR:
        handler.onClear(source, tag);
        return;
      case FINISH:
        handler.onFinish(source);
        return;
      case CREDIT:
        this.#credit[from]! += source;
        return;
      case PULLED:
        this.#pulls.set(from, tag);
        return;
      case CALL:
        this.onCall(from);
        return;
      case SIGNAL:
        this.onSignal(from, source, tag);
        return;
    }
    const byteLength = joinLength(i32[cell + FRAME.lengthLow]!, i32[cell + FRAME.lengthHigh]!);
    const aux = i32[cell + FRAME.aux]!;
    const payload = (aux << 6) + BUFFER_HEADER_BYTES;
    if (kind === PIECE) {
      handler.onPiece(this, source, byteLength, tag, tag < 0 ? -1 : -1 - aux, this.#views, payload);
      return;
    }
    const context = i32[cell + FRAME.context]!;
    if (kind !== EAGER) {
      const number = kind === ANNOUNCE ? aux : 0;
      const offset = (cell + FRAME.payload) << 2;
      handler.onEnvelope(this, kind, kindType >>> 8, source, tag, context, byteLength, number, this.#views, offset);
      return;
    }
    const pool = this.#pool;
    const kept = pool.acquire(bufferClass(byteLength));
    const views = pool.viewsOf(kept);
    const offset = pool.offsetOf(kept);
    views.u8.set(this.#u8.subarray(payload, payload + byteLength), offset);
    this.#releaseShared(aux);
    handler.onEnvelope(this, EAGER, kindType >>> 8, source, tag, context, byteLength, kept, views, offset);
  }

  /** Tell a peer that this rank cannot connect to it by a socket. */
  call(peer: number): void {
    this.#calls.add(peer);
  }

  /** Frames come by handle(); here is told what could not be told before. */
  poll(_handler: FrameHandler): boolean {
    if (this.#debts.size === 0 && this.#calls.size === 0) return false;
    let happened = false;
    for (const peer of this.#calls) {
      if (this.sendControl(peer, CALL, 0, 0) !== TAKEN) continue;
      this.#calls.delete(peer);
      happened = true;
    }
    for (const peer of this.#debts) if (this.#tell(peer)) happened = true;
    return happened;
  }

  prepareSleep(): boolean {
    // Pairs with the agent's load, after it made room: it sees the wish, or the engine's last look sees the room.
    const wish = (word: number): boolean => Atomics.exchange(this.#i32, word, 1) === 0;
    let isNew = this.#isFull && wish(this.#segment.control(this.#place, CONTROL.roomWanted));
    for (const peer of this.#held) if (wish(this.#segment.peer(peer, PEER.roomWanted))) isNew = true;
    this.#isFull = false;
    this.#held.clear();
    return isNew;
  }

  /** What was taken lies in the segment, which its agent empties before it ends. */
  isFlushed(): boolean {
    return true;
  }

  /** Frames taken for a peer, and frames that came from it. */
  traffic(peer: number): { readonly sent: number; readonly received: number } {
    return { sent: this.#sent[peer]!, received: this.#received[peer]! };
  }

  #isHeld(peer: number): boolean {
    return Atomics.load(this.#i32, this.#segment.peer(peer, PEER.held)) !== 0; // pairs with the agent's store
  }

  /** Claim a cell of the relay's inbox; -1: there is no room for that peer. */
  #claim(peer: number): number {
    if (this.#isHeld(peer)) {
      this.#held.add(peer);
      return -1;
    }
    const cell = this.#producer.claim(this.#place);
    if (cell < 0) this.#isFull = true;
    return cell;
  }

  /** Fill the cell that was claimed last but for payload inside it, and publish it. */
  #deliver(
    cell: number,
    peer: number,
    kindType: number,
    source: number,
    tag: number,
    context: number,
    byteLength: number,
    aux: number,
  ): void {
    const i32 = this.#i32;
    i32[cell + FRAME.kindType] = kindType;
    i32[cell + FRAME.source] = source;
    i32[cell + FRAME.tag] = tag;
    i32[cell + FRAME.context] = context;
    i32[cell + FRAME.lengthLow] = byteLength;
    i32[cell + FRAME.lengthHigh] = highWord(byteLength);
    i32[cell + FRAME.aux] = aux;
    i32[cell + FRAME.to] = peer;
    i32[cell + FRAME.from] = this.#options.worldRank;
    this.#producer.publish(cell);
    this.#sent[peer]!++;
    if (Atomics.load(i32, this.#sleeping) !== 0) this.#options.parking.ring(this.#place);
  }

  #releaseShared(line: number): void {
    if (releaseBuffer(this.#i32, line << 4)) this.#options.parking.ring(this.#place);
  }

  #giveBack(peer: number, units: number): void {
    this.#owed[peer]! += units;
    if (this.#owed[peer]! >= RETURN_AT && !this.#tell(peer)) this.#debts.add(peer);
  }

  #tell(peer: number): boolean {
    if (this.sendControl(peer, CREDIT, this.#owed[peer]!, 0) !== TAKEN) return false;
    this.#owed[peer] = 0;
    this.#debts.delete(peer);
    return true;
  }
}
