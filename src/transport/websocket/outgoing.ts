/**
 * Outgoing: the sending half of a connection: frames built, handed to the socket, and what it refused kept in order.
 *
 * The idea: a frame goes out in one system call when nothing waits. What the socket does not take is copied to a queue, which
 * is bounded; beyond it frames are BUSY. A piece is not copied: the part that was refused stays in the program's array,
 * sendPiece() answers BUSY, and goes on where it stopped when it is called again for the same piece. Frames that come in
 * between go behind the piece, before the next: envelopes wait for one piece, not for a whole message.
 *
 * A system call costs as much as twenty small frames. Of those that are sent without a poll in between, the first few leave
 * at once, the others are BUSY: the engine tries them again in its next poll, all in one go (gather()), and they leave
 * together. A frame that was taken never waits for a poll, so a rank that computes holds back nothing that it was told is done.
 *
 *     order on the wire:   [piece under way] [queue] [whatever is sent next]
 *
 * `credit` is what the peer may still be sent of payload it does not expect; `owed` what it gets back with the next frame.
 */

import { COPY_IN } from '../../datatype/copy-kernels.ts';
import type { TypedArray } from '../../datatype/element-type.ts';
import { EAGAIN } from '../../native/errno.ts';
import { bufferClass, unitsOf, WINDOW } from '../credit.ts';
import { ANNOUNCE, CREDIT, EAGER, highWord, PIECE, SHORT } from '../frame.ts';
import { BUSY, NO_CREDIT, type SendAnswer, TAKEN } from '../transport.ts';
import { BUILD_HEAD, BUILD_PAYLOAD, QUEUE_BYTES, type SharedBuffers } from './shared-buffers.ts';
import { headerLength, MAX_HEADER_BYTES, OPCODE, writeHeader } from './websocket-frame.ts';
import { HEAD, HEAD_BYTES } from './wire.ts';

/** Frames of a burst that leave at once: programs send so few to a neighbour in one step. */
const BURST_FRAMES = 4;
/** Payload of a small frame, at most: a longer one takes its own system call rather than one more copy. */
const SMALL_BYTES = 4096;
/** Bytes gathered for one system call, at most. */
const GATHER_BYTES = 32768;

/** The connection that it is half of. */
export interface OutgoingOwner {
  /** The socket refused bytes, or took the last that waited. */
  onBacklog(isBacklogged: boolean): void;
  onSendError(errno: number): void;
}

export class Outgoing {
  credit: number = WINDOW;
  owed = 0;
  readonly #shared: SharedBuffers;
  readonly #fd: number;
  readonly #isClient: boolean;
  readonly #owner: OutgoingOwner;
  /** Bytes begin..end of it wait. */
  #queue: Uint8Array | undefined = undefined;
  #begin = 0;
  #end = 0;
  /** The piece under way: whose, where in its message, how long (0: none), how much of it is sent. */
  #pieceNumber = 0;
  #pieceOffset = 0;
  #pieceLength = 0;
  #pieceSent = 0;
  #isBroken = false;
  /** Frames are appended to the queue, which is flushed when no more come. */
  #isGathering = false;
  /** The poll after which the burst began, and its frames. */
  #burstPoll = 0;
  #burstFrames = 0;
  /** Bytes that the socket took. */
  sentBytes = 0;

  constructor(shared: SharedBuffers, fd: number, isClient: boolean, owner: OutgoingOwner) {
    this.#shared = shared;
    this.#fd = fd;
    this.#isClient = isClient;
    this.#owner = owner;
  }

  /** Whether bytes wait that the socket refused. */
  get isBacklogged(): boolean {
    return this.#end !== 0 || this.#pieceLength !== 0;
  }

  /** Bytes that wait in memory of ours. */
  get queuedBytes(): number {
    return this.#end - this.#begin;
  }

  sendShort(
    type: number,
    source: number,
    tag: number,
    context: number,
    data: TypedArray,
    count: number,
    byteLength: number,
  ): SendAnswer {
    if (this.credit < 1) return NO_CREDIT;
    if (!this.#hasRoom(byteLength) || this.#isBurst()) return BUSY;
    if (count !== 0) COPY_IN[type & 0xff]!(data, 0, count, this.#shared.build, BUILD_PAYLOAD);
    this.#fill(SHORT | (type << 8), source, tag, context, byteLength, 0);
    this.credit--;
    return this.#ship(byteLength);
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
    if (this.credit < units) return NO_CREDIT;
    if (!this.#hasRoom(byteLength) || (byteLength <= SMALL_BYTES && this.#isBurst())) return BUSY;
    COPY_IN[type & 0xff]!(data, 0, count, this.#shared.build, BUILD_PAYLOAD);
    this.#fill(EAGER | (type << 8), source, tag, context, byteLength, 0);
    this.credit -= units;
    return this.#ship(byteLength);
  }

  sendAnnounce(type: number, source: number, tag: number, context: number, byteLength: number, number: number): SendAnswer {
    if (!this.#hasRoom(0)) return BUSY;
    this.#fill(ANNOUNCE | (type << 8), source, tag, context, byteLength, number);
    return this.#ship(0);
  }

  sendControl(kind: number, number: number, peerNumber: number): SendAnswer {
    if (!this.#hasRoom(0)) return BUSY;
    this.#fill(kind, number, peerNumber, 0, 0, 0);
    return this.#ship(0);
  }

  /** Send what is owed in a frame of its own, unless bytes wait already: the next frame brings it as well. */
  sendCredit(): void {
    if (!this.isBacklogged) this.sendControl(CREDIT, 0, 0);
  }

  sendPiece(number: number, data: Uint8Array, from: number, offset: number, byteLength: number): SendAnswer {
    if (this.#pieceLength !== 0) {
      if (number !== this.#pieceNumber) return BUSY;
      if (byteLength < 0) this.#abandonPiece();
      else return offset === this.#pieceOffset ? this.#continuePiece(data, from) : BUSY;
    }
    if (this.#end !== 0) this.flush();
    if (this.#end !== 0 && (byteLength >= 0 || !this.#hasRoom(0))) return BUSY;
    this.#fill(PIECE, number, byteLength, 0, offset, 0);
    if (byteLength < 0) return this.#ship(0);
    return this.#beginPiece(number, data, from, offset, byteLength);
  }

  /** Send a control frame; one that finds no room is left out. */
  sendWebsocketControl(opcode: number, payload: Uint8Array): void {
    if (!this.#hasRoom(payload.byteLength)) return;
    const { u8 } = this.#shared.build;
    u8.set(payload, BUILD_PAYLOAD);
    const start = BUILD_PAYLOAD - headerLength(payload.byteLength, this.#isClient);
    writeHeader(u8, start, opcode, payload.byteLength, this.#isClient);
    this.#write(start, BUILD_PAYLOAD - start + payload.byteLength);
  }

  /** Begin or end to put small frames together. */
  gather(isGathering: boolean): void {
    this.#isGathering = isGathering;
    if (isGathering || this.#end === 0) return;
    this.flush();
    if (this.#end !== 0 && !this.#isBroken) this.#owner.onBacklog(true);
  }

  /** Hand waiting bytes to the socket. Return whether it took any. A piece under way moves by sendPiece() alone. */
  flush(): boolean {
    if (this.#end === 0 || this.#pieceLength !== 0) return false;
    const sent = this.#send(this.#queue!, this.#begin, this.#end - this.#begin);
    if (sent === 0) return false;
    this.#begin += sent;
    if (this.#begin === this.#end) this.#emptyQueue();
    return true;
  }

  /** The connection is over. */
  stop(): void {
    this.#isBroken = true;
    this.#pieceLength = 0;
    if (this.#end !== 0) this.#emptyQueue();
  }

  /** Whether so many small frames were sent since the last poll that this one has to wait for the next. */
  #isBurst(): boolean {
    if (this.#isGathering) return false;
    const { polls } = this.#shared;
    if (this.#burstPoll !== polls) {
      this.#burstPoll = polls;
      this.#burstFrames = 0;
    }
    return ++this.#burstFrames > BURST_FRAMES;
  }

  /** Whether a frame with that much payload can be taken. */
  #hasRoom(byteLength: number): boolean {
    if (this.#isBroken) return false;
    return this.#end - this.#begin + MAX_HEADER_BYTES + HEAD_BYTES + byteLength <= QUEUE_BYTES - this.#pieceLeft;
  }

  /** What a piece under way would take of the queue if it had to be made up for. */
  get #pieceLeft(): number {
    return this.#pieceLength - this.#pieceSent;
  }

  #fill(kindType: number, source: number, tag: number, context: number, byteLength: number, aux: number): void {
    const { i32 } = this.#shared.build;
    const at = BUILD_HEAD >> 2;
    i32[at + HEAD.credits / 4] = this.owed;
    i32[at + HEAD.kindType / 4] = kindType;
    i32[at + HEAD.source / 4] = source;
    i32[at + HEAD.tag / 4] = tag;
    i32[at + HEAD.context / 4] = context;
    i32[at + HEAD.lengthLow / 4] = byteLength;
    i32[at + HEAD.lengthHigh / 4] = highWord(byteLength);
    i32[at + HEAD.aux / 4] = aux;
  }

  /** Put the header in front of the frame that was built, with so much payload behind its head; return where it starts. */
  #wrap(byteLength: number): number {
    const total = HEAD_BYTES + byteLength;
    const start = BUILD_HEAD - headerLength(total, this.#isClient);
    writeHeader(this.#shared.build.u8, start, OPCODE.binary, total, this.#isClient);
    return start;
  }

  #ship(byteLength: number): SendAnswer {
    const start = this.#wrap(byteLength);
    this.owed = 0;
    this.#write(start, BUILD_PAYLOAD - start + byteLength);
    return this.#isBroken ? BUSY : TAKEN;
  }

  /** Hand built bytes to the socket, or behind what waits. */
  #write(start: number, byteLength: number): void {
    const { u8 } = this.#shared.build;
    const isJoining = this.#isGathering && byteLength <= SMALL_BYTES + BUILD_PAYLOAD;
    if (this.#isGathering && (!isJoining || this.queuedBytes >= GATHER_BYTES)) this.flush();
    const sent = isJoining || this.isBacklogged ? 0 : this.#send(u8, start, byteLength);
    if (sent < byteLength) this.#append(u8, start + sent, byteLength - sent);
  }

  /** Return how many bytes the socket took. */
  #send(bytes: Uint8Array, from: number, byteLength: number): number {
    const sent = this.#shared.addon.send(this.#fd, bytes, from, byteLength);
    if (sent < 0) return this.#onRefusal(-sent);
    this.sentBytes += sent;
    return sent;
  }

  #onRefusal(errno: number): number {
    if (errno !== EAGAIN && !this.#isBroken) {
      this.#isBroken = true;
      this.#owner.onSendError(errno);
    }
    return 0;
  }

  #append(bytes: Uint8Array, from: number, byteLength: number): void {
    if (this.#isBroken) return;
    const wasBacklogged = this.isBacklogged;
    this.#queue ??= this.#shared.acquireQueue();
    if (this.#end + byteLength > QUEUE_BYTES) {
      this.#queue.copyWithin(0, this.#begin, this.#end);
      this.#end -= this.#begin;
      this.#begin = 0;
    }
    this.#queue.set(bytes.subarray(from, from + byteLength), this.#end);
    this.#end += byteLength;
    if (!wasBacklogged && !this.#isGathering) this.#owner.onBacklog(true);
  }

  #emptyQueue(): void {
    this.#shared.releaseQueue(this.#queue!);
    this.#queue = undefined;
    this.#begin = 0;
    this.#end = 0;
    if (!this.#isBroken) this.#owner.onBacklog(false);
  }

  #beginPiece(number: number, data: Uint8Array, from: number, offset: number, byteLength: number): SendAnswer {
    const start = this.#wrap(byteLength);
    const head = BUILD_PAYLOAD - start;
    const { addon, build } = this.#shared;
    let sent = addon.sendTwo(this.#fd, build.u8, start, head, data, from, byteLength);
    if (sent < 0) sent = this.#onRefusal(-sent);
    if (sent === 0) {
      // The piece has not begun, and its frame will be built again.
      this.#owner.onBacklog(true);
      return BUSY;
    }
    this.owed = 0;
    this.sentBytes += sent;
    if (sent === head + byteLength) {
      this.#owner.onBacklog(false);
      return TAKEN;
    }
    if (sent < head) {
      // A head that was cut, which hardly happens: the piece has to be kept with its rest.
      this.#append(build.u8, start + sent, head - sent);
      this.#append(data, from, byteLength);
      return TAKEN;
    }
    this.#owner.onBacklog(true);
    this.#pieceNumber = number;
    this.#pieceOffset = offset;
    this.#pieceLength = byteLength;
    this.#pieceSent = sent - head;
    return BUSY;
  }

  #continuePiece(data: Uint8Array, from: number): SendAnswer {
    this.#pieceSent += this.#send(data, from + this.#pieceSent, this.#pieceLength - this.#pieceSent);
    if (this.#pieceSent < this.#pieceLength) return BUSY;
    this.#endPiece();
    return TAKEN;
  }

  /** The array behind a piece under way is gone: its frame is filled up with zeros. */
  #abandonPiece(): void {
    const rest = new Uint8Array(this.#pieceLeft);
    const behind = this.#end === 0 ? undefined : this.#queue!.slice(this.#begin, this.#end);
    this.#begin = 0;
    this.#end = 0;
    this.#append(rest, 0, rest.byteLength);
    if (behind !== undefined) this.#append(behind, 0, behind.byteLength);
    this.#pieceLength = 0;
    this.#pieceSent = 0;
  }

  #endPiece(): void {
    this.#pieceLength = 0;
    this.#pieceSent = 0;
    if (this.#end !== 0) this.flush();
    else this.#owner.onBacklog(false);
  }
}
