/**
 * Shared memory between the ranks of one host.
 *
 * Reach: ranks that have mapped the same segment. Ordering: frames of a pair arrive in order (one inbox).
 * Limits: 32 bytes in a cell, 16 KiB at once through small buffers, longer messages by a single copy (process_vm_readv,
 * canFetch) or in pieces of 128 KiB through large buffers. Progress: by calls of either side; a fetch needs the receiver only.
 * Backpressure: BUSY when the inbox or the buffers of pieces are full; NO_CREDIT when a receiver left too many short
 * messages unmatched or the small buffers are all in use: then the message is announced. Failure: none of its own; a
 * dead rank ends the job.
 *
 * Credits: a receiver counts the short messages that it matched and publishes the count now and then; a sender reads it
 * only when its own count is SHORT_CREDIT ahead.
 */

import { COPY_IN } from '../../datatype/copy-kernels.ts';
import type { TypedArray } from '../../datatype/element-type.ts';
import { ElementViews } from '../../datatype/element-views.ts';
import type { Addon } from '../../native/addon.ts';
import { BufferPool, releaseBuffer } from '../../segment/buffer-pool.ts';
import { InboxConsumer, InboxProducer } from '../../segment/inbox.ts';
import { BUFFER_HEADER_BYTES, CONTROL, LARGE_BYTES, SHORT_BYTES, SMALL_BYTES } from '../../segment/layout.ts';
import type { Parking } from '../../segment/parking.ts';
import type { Segment } from '../../segment/segment.ts';
import { ANNOUNCE, CLEAR, EAGER, FINISH, FRAME, highWord, joinLength, PIECE, RELAYED, SHORT, SIGNAL } from '../frame.ts';
import { BUSY, type Capabilities, type FrameHandler, NO_CREDIT, type SendAnswer, TAKEN, type Transport } from '../transport.ts';

/** Short messages that one rank may leave unmatched at another before the sender only announces. */
const SHORT_CREDIT = 256;
/** The receiver publishes its count once in so many matches; well below SHORT_CREDIT. */
const CREDIT_INTERVAL = 32;
/** Frames handled in one poll at most, so that a stream of them does not starve the caller. */
const POLL_LIMIT = 64;
/** What a rank's probe word holds, plus its local rank. */
const PROBE = 0x7473_6d70_0000;

export class ShmTransport implements Transport {
  readonly name = 'shm';
  readonly capabilities: Capabilities;
  readonly #segment: Segment;
  readonly #views: ElementViews;
  readonly #i32: Int32Array;
  readonly #u8: Uint8Array;
  readonly #localRank: number;
  /** Local rank of each world rank, -1 elsewhere. */
  readonly #localOf: Int32Array;
  readonly #producer: InboxProducer;
  readonly #consumer: InboxConsumer;
  /** The rank's own buffers; what else sends by way of the segment takes them here. */
  readonly small: BufferPool;
  readonly large: BufferPool;
  /** Who takes the relay's cells in this rank's inbox (transport/relay). */
  onRelayed: ((handler: FrameHandler, cell: number) => void) | undefined = undefined;
  /** A rank of this host says what comes before an RDMA connection. */
  onSignal: (from: number, what: number, address: number) => void = () => {};
  readonly #parking: Parking;
  readonly #addon: Addon | undefined;
  /** Word of each local rank's sleeping flag, and of its roomWanted. */
  readonly #sleeping: Int32Array;
  readonly #roomWanted: Int32Array;
  readonly #sent: Int32Array;
  readonly #creditSeen: Int32Array;
  readonly #matched: Int32Array;
  /** Inboxes that were full since the last prepareSleep(). */
  readonly #full = new Set<number>();
  /** Per local rank: undefined unknown, '' fetch works, else why not. */
  readonly #fetchReason: (string | undefined)[] = [];
  /** Keeps the probed word's memory alive. */
  readonly #probe = new Float64Array(16);

  constructor(segment: Segment, localRank: number, localOf: Int32Array, parking: Parking, addon: Addon | undefined) {
    this.#segment = segment;
    this.#views = new ElementViews(segment.buffer);
    this.#i32 = segment.i32;
    this.#u8 = segment.u8;
    this.#localRank = localRank;
    this.#localOf = localOf;
    this.#producer = new InboxProducer(segment);
    this.#consumer = new InboxConsumer(segment, localRank);
    this.#parking = parking;
    this.#addon = addon;
    const { placeCount, smallCount, largeCount } = segment.layout;
    const smallOffsets = Array.from({ length: smallCount }, (_, index) => segment.smallBuffer(localRank, index));
    const largeOffsets = Array.from({ length: largeCount }, (_, index) => segment.largeBuffer(localRank, index));
    this.small = new BufferPool(this.#i32, smallOffsets, placeCount);
    this.large = new BufferPool(this.#i32, largeOffsets, placeCount);
    const words = (field: number) => Int32Array.from({ length: placeCount }, (_, rank) => segment.control(rank, field));
    this.#sleeping = words(CONTROL.sleeping);
    this.#roomWanted = words(CONTROL.roomWanted);
    this.#sent = new Int32Array(placeCount);
    this.#creditSeen = new Int32Array(placeCount);
    this.#matched = new Int32Array(placeCount);
    this.capabilities = {
      shortBytes: SHORT_BYTES,
      eagerBytes: SMALL_BYTES,
      pieceBytes: LARGE_BYTES,
      canFetch: addon !== undefined,
      fetchesAlone: false,
      pollCost: 1,
    };
    this.#publishProbe();
  }

  canReach(peer: number): string | undefined {
    return this.#localOf[peer]! >= 0 ? undefined : `rank ${peer} is on another host`;
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
    const local = this.#localOf[peer]!;
    if (((this.#sent[local]! - this.#creditSeen[local]!) | 0) >= SHORT_CREDIT && !this.#hasCredit(local)) return NO_CREDIT;
    const cell = this.#producer.claim(local);
    if (cell < 0) return this.#refuse(local);
    const i32 = this.#i32;
    i32[cell + FRAME.kindType] = SHORT | (type << 8);
    i32[cell + FRAME.source] = source;
    i32[cell + FRAME.tag] = tag;
    i32[cell + FRAME.context] = context;
    i32[cell + FRAME.lengthLow] = byteLength;
    if (count !== 0) COPY_IN[type & 0xff]!(data, 0, count, this.#views, (cell + FRAME.payload) << 2);
    this.#producer.publish(cell);
    this.#sent[local]!++;
    if (Atomics.load(i32, this.#sleeping[local]!) !== 0) this.#parking.ring(local);
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
    const local = this.#localOf[peer]!;
    const buffer = this.small.take(local);
    if (buffer < 0) return NO_CREDIT;
    COPY_IN[type & 0xff]!(data, 0, count, this.#views, (buffer << 2) + BUFFER_HEADER_BYTES);
    const cell = this.#producer.claim(local);
    if (cell < 0) {
      this.small.untake(buffer);
      return this.#refuse(local);
    }
    this.#fill(cell, EAGER | (type << 8), source, tag, context, byteLength, buffer >> 4);
    this.#deliver(cell, local);
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
    const local = this.#localOf[peer]!;
    const address = data === undefined || this.#addon === undefined ? 0 : this.#addon.addressOf(data);
    const cell = this.#producer.claim(local);
    if (cell < 0) return this.#refuse(local);
    this.#fill(cell, ANNOUNCE | (type << 8), source, tag, context, byteLength, number);
    this.#segment.f64[(cell + FRAME.payload) >> 1] = address;
    this.#deliver(cell, local);
    return TAKEN;
  }

  sendControl(peer: number, kind: number, number: number, peerNumber: number): SendAnswer {
    const local = this.#localOf[peer]!;
    const cell = this.#producer.claim(local);
    if (cell < 0) return this.#refuse(local);
    this.#fill(cell, kind, number, peerNumber, 0, 0, 0);
    this.#deliver(cell, local);
    return TAKEN;
  }

  sendPiece(peer: number, peerNumber: number, data: Uint8Array, from: number, offset: number, byteLength: number): SendAnswer {
    const local = this.#localOf[peer]!;
    const buffer = this.large.take(local);
    if (buffer < 0) return BUSY;
    const target = (buffer << 2) + BUFFER_HEADER_BYTES;
    if (byteLength < 0) this.#i32[target >> 2] = 0;
    else if (this.#addon !== undefined) this.#addon.copy(this.#u8, target, data, from, byteLength);
    else this.#u8.set(data.subarray(from, from + byteLength), target);
    const cell = this.#producer.claim(local);
    if (cell < 0) {
      this.large.untake(buffer);
      return this.#refuse(local);
    }
    this.#fill(cell, PIECE, peerNumber, byteLength, 0, offset, buffer >> 4);
    this.#deliver(cell, local);
    return TAKEN;
  }

  canFetch(peer: number): string | undefined {
    const local = this.#localOf[peer]!;
    let reason = this.#fetchReason[local];
    if (reason === undefined) {
      reason = this.#probeFetch(local);
      this.#fetchReason[local] = reason;
    }
    return reason === '' ? undefined : reason;
  }

  fetch(peer: number, address: number, into: Uint8Array, offset: number, byteLength: number): number {
    const pid = this.#i32[this.#segment.control(this.#localOf[peer]!, CONTROL.pid)]!;
    return this.#addon!.readMemory(pid, address, into, offset, byteLength);
  }

  returnCredit(peer: number): void {
    const local = this.#localOf[peer]!;
    const count = (this.#matched[local]! + 1) | 0;
    this.#matched[local] = count;
    // Pairs with the load in #hasCredit.
    if ((count & (CREDIT_INTERVAL - 1)) === 0) Atomics.store(this.#i32, this.#segment.credit(this.#localRank, local), count);
  }

  copyPayload(payloadOffset: number, into: Uint8Array, at: number, byteLength: number): void {
    if (this.#addon !== undefined) this.#addon.copy(into, at, this.#u8, payloadOffset, byteLength);
    else into.set(this.#u8.subarray(payloadOffset, payloadOffset + byteLength), at);
  }

  release(peer: number, aux: number): void {
    if (releaseBuffer(this.#i32, aux << 4)) this.#parking.ring(this.#localOf[peer]!);
  }

  poll(handler: FrameHandler): boolean {
    let cell = this.#consumer.next();
    if (cell < 0) return false;
    const i32 = this.#i32;
    for (let handled = 0; ; ) {
      const kindType = i32[cell + FRAME.kindType]!;
      const kind = kindType & 0xff;
      const source = i32[cell + FRAME.source]!;
      const tag = i32[cell + FRAME.tag]!;
      if (kind === SHORT) {
        const byteLength = i32[cell + FRAME.lengthLow]!;
        const context = i32[cell + FRAME.context]!;
        handler.onEnvelope(
          this,
          SHORT,
          kindType >>> 8,
          source,
          tag,
          context,
          byteLength,
          0,
          this.#views,
          (cell + FRAME.payload) << 2,
        );
      } else {
        this.#handle(handler, kind, kindType >>> 8, source, tag, cell);
      }
      if (this.#consumer.advance() && Atomics.load(i32, this.#roomWanted[this.#localRank]!) !== 0) this.#ringAll();
      if (++handled === POLL_LIMIT) return true;
      cell = this.#consumer.next();
      if (cell < 0) return true;
    }
  }

  prepareSleep(): boolean {
    let isNew = this.small.want();
    if (this.large.want()) isNew = true;
    if (this.#full.size === 0) return isNew;
    // Pairs with the load in poll(): the consumer sees the wish, or the engine's last look sees the room.
    for (const local of this.#full) if (Atomics.exchange(this.#i32, this.#roomWanted[local]!, 1) === 0) isNew = true;
    this.#full.clear();
    return isNew;
  }

  /** The segment outlives its ranks. */
  isFlushed(): boolean {
    return true;
  }

  /** Tell a rank of this host what comes before an RDMA connection (SIGNAL in frame.ts). Return whether there was room. */
  sendSignal(peer: number, from: number, what: number, address: number): boolean {
    const local = this.#localOf[peer]!;
    const cell = this.#producer.claim(local);
    if (cell < 0) return this.#refuse(local) === TAKEN;
    this.#fill(cell, SIGNAL, what, address, from, 0, 0);
    this.#deliver(cell, local);
    return true;
  }

  #handle(handler: FrameHandler, kind: number, type: number, source: number, tag: number, cell: number): void {
    const i32 = this.#i32;
    const aux = i32[cell + FRAME.aux]!;
    const byteLength = joinLength(i32[cell + FRAME.lengthLow]!, i32[cell + FRAME.lengthHigh]!);
    const payload = (aux << 6) + BUFFER_HEADER_BYTES;
    if (kind === EAGER) {
      handler.onEnvelope(this, EAGER, type, source, tag, i32[cell + FRAME.context]!, byteLength, aux, this.#views, payload);
    } else if (kind === ANNOUNCE) {
      const context = i32[cell + FRAME.context]!;
      handler.onEnvelope(this, ANNOUNCE, type, source, tag, context, byteLength, aux, this.#views, (cell + FRAME.payload) << 2);
    } else if (kind === PIECE) handler.onPiece(this, source, byteLength, tag, aux, this.#views, payload);
    else if (kind === CLEAR) handler.onClear(source, tag);
    else if (kind === FINISH) handler.onFinish(source);
    else if (kind === SIGNAL) this.onSignal(i32[cell + FRAME.context]!, source, tag);
    else if ((kind & RELAYED) !== 0) this.onRelayed!(handler, cell);
  }

  #fill(cell: number, kindType: number, source: number, tag: number, context: number, byteLength: number, aux: number): void {
    const i32 = this.#i32;
    i32[cell + FRAME.kindType] = kindType;
    i32[cell + FRAME.source] = source;
    i32[cell + FRAME.tag] = tag;
    i32[cell + FRAME.context] = context;
    i32[cell + FRAME.lengthLow] = byteLength;
    i32[cell + FRAME.lengthHigh] = highWord(byteLength);
    i32[cell + FRAME.aux] = aux;
  }

  #deliver(cell: number, local: number): void {
    this.#producer.publish(cell);
    if (Atomics.load(this.#i32, this.#sleeping[local]!) !== 0) this.#parking.ring(local);
  }

  #refuse(local: number): SendAnswer {
    this.#full.add(local);
    return BUSY;
  }

  #hasCredit(local: number): boolean {
    const seen = Atomics.load(this.#i32, this.#segment.credit(local, this.#localRank));
    this.#creditSeen[local] = seen;
    return ((this.#sent[local]! - seen) | 0) < SHORT_CREDIT;
  }

  #ringAll(): void {
    Atomics.store(this.#i32, this.#roomWanted[this.#localRank]!, 0);
    for (let local = 0; local < this.#sleeping.length; local++) if (local !== this.#localRank) this.#parking.ring(local);
  }

  #publishProbe(): void {
    if (this.#addon === undefined) return;
    this.#probe[0] = PROBE + this.#localRank;
    const { f64 } = this.#segment;
    const word = this.#segment.control(this.#localRank, CONTROL.probeAddress) >> 1;
    f64[word] = this.#addon.addressOf(this.#probe);
  }

  /** Read the peer's probe word: process_vm_readv may work in one direction only. Return '' or the reason. */
  #probeFetch(local: number): string {
    if (this.#addon === undefined) return 'the native addon is not loaded';
    const pid = this.#i32[this.#segment.control(local, CONTROL.pid)]!;
    const address = this.#segment.f64[this.#segment.control(local, CONTROL.probeAddress) >> 1]!;
    const word = new Float64Array(16);
    const read = this.#addon.readMemory(pid, address, word, 0, 8);
    if (read === 8 && word[0] === PROBE + local) return '';
    return read < 0 ? `process_vm_readv failed with errno ${-read}` : 'process_vm_readv read something else';
  }
}
