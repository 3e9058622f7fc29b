/**
 * Rendezvous: how the payload of an announced message moves once its receive is known.
 *
 * Two ways. Fetch: the receiver reads the sender's memory in pieces, with progress between, then says FINISH.
 * Stream: the receiver says CLEAR; the sender copies pieces into its own large buffers, the receiver copies them out.
 * A fetch that the system refuses half-way goes on as a stream from the start.
 */

import { MpiError } from '../base/errors.ts';
import { bytesOf } from '../datatype/element-type.ts';
import { ElementViews } from '../datatype/element-views.ts';
import { BUSY, type SendAnswer, type Transport, UNDER_WAY } from '../transport/transport.ts';
import type { Receive, Send } from './point-to-point.ts';
import type { Active } from './progress.ts';

/** Bytes read between two looks at the inbox. */
const FETCH_BYTES = 1 << 20;
/**
 * The same where each part is worked on at once, so that it is still in the core's cache. 32 to 128 KiB were slower, larger ones no
 * clearly better, on a machine that others used too (bench/micro/allreduce-pair).
 */
const PART_BYTES = 1 << 18;
/** Parts are whole multiples of it. */
const PART_UNIT = 16;
/** Pieces sent in one turn of progress at most. */
const STREAM_LIMIT = 8;

/**
 * Transfers of one kind with one peer, one after the other: each ends as early as it can, its pages stay in the cache,
 * and the time it took says something (copy-choice.ts).
 */
class Sequence implements Active {
  readonly transfers: Active[] = [];

  get isOver(): boolean {
    return this.transfers.length === 0;
  }

  get waitsForRoom(): boolean {
    return this.transfers[0]?.waitsForRoom === true;
  }

  advance(): boolean {
    const [first] = this.transfers;
    if (first === undefined) return false;
    const happened = first.advance();
    if (first.isOver) this.transfers.shift();
    return happened;
  }
}

/** The sequences of all peers. */
export class TransferQueue {
  readonly #sequences = new Map<number, Sequence>();
  readonly #activate: (active: Active) => void;

  constructor(activate: (active: Active) => void) {
    this.#activate = activate;
  }

  /** Begin a transfer with that peer, behind those under way. */
  add(peer: number, transfer: Active): void {
    let sequence = this.#sequences.get(peer);
    if (sequence === undefined) {
      sequence = new Sequence();
      this.#sequences.set(peer, sequence);
    }
    sequence.transfers.push(transfer);
    if (sequence.transfers.length === 1) this.#activate(sequence);
  }
}

/** The receiver's side of a single copy. */
export class Fetch implements Active {
  isOver = false;
  /** A fetch that is under way elsewhere ends with a frame. */
  waitsForRoom = false;
  readonly #transport: Transport;
  readonly #peer: number;
  readonly #address: number;
  readonly #receive: Receive;
  readonly #into: Uint8Array;
  readonly #onEnd: (errno: number) => void;
  #offset = 0;

  /** `onEnd` gets 0 when all bytes are there, else the errno of a read that failed. */
  constructor(transport: Transport, peer: number, address: number, receive: Receive, onEnd: (errno: number) => void) {
    this.#transport = transport;
    this.#peer = peer;
    this.#address = address;
    this.#receive = receive;
    this.#into = bytesOf(receive.into!);
    this.#onEnd = onEnd;
  }

  advance(): boolean {
    const receive = this.#receive;
    const hasParts = receive.onPart !== undefined;
    const offset = this.#offset;
    const left = receive.byteLength - offset;
    const limit = this.#transport.capabilities.fetchesAlone ? left : hasParts ? PART_BYTES : FETCH_BYTES;
    let read = this.#transport.fetch(this.#peer, this.#address + offset, this.#into, offset, Math.min(limit, left));
    this.waitsForRoom = read === UNDER_WAY;
    if (read === UNDER_WAY) return false;
    if (hasParts && read > 0) {
      // What is behind the last whole unit is read again.
      if (read < left) read -= read % PART_UNIT;
      receive.taken = offset + read;
      receive.notePart(offset, read);
    }
    if (read > 0) this.#offset = offset + read;
    if (read <= 0 || read === left) {
      this.isOver = true;
      this.#onEnd(read <= 0 ? -read || 5 : 0);
    }
    return true;
  }
}

/** Bytes copied at once from a layout of this rank to another. */
const SELF_BYTES = 32_768;

/** Where elements that lie in a layout are packed, piece by piece. One for all streams: a piece leaves it at once. */
let scratch: ElementViews | undefined;

function scratchOf(byteLength: number): ElementViews {
  if (scratch === undefined || scratch.u8.length < byteLength) scratch = new ElementViews(new ArrayBuffer(byteLength));
  return scratch;
}

/** The sender's side of a stream of pieces. */
export class Stream implements Active {
  isOver = false;
  readonly #transport: Transport;
  readonly #peer: number;
  readonly #peerNumber: number;
  readonly #send: Send;
  readonly #onEnd: () => void;
  /** Memory of the elements; undefined: they lie in a layout. */
  readonly #bytes: Uint8Array | undefined = undefined;
  #offset = 0;
  #isStalled = false;

  constructor(transport: Transport, peer: number, peerNumber: number, send: Send, onEnd: () => void) {
    this.#transport = transport;
    this.#peer = peer;
    this.#peerNumber = peerNumber;
    this.#send = send;
    // No view can be made of a buffer that was detached already.
    if (send.layout === undefined) this.#bytes = send.isDetached ? new Uint8Array(0) : bytesOf(send.data);
    this.#onEnd = onEnd;
  }

  /** Without a free buffer nothing moves until the receiver frees one. */
  get waitsForRoom(): boolean {
    return this.#isStalled;
  }

  advance(): boolean {
    const total = this.#send.byteLength;
    const limit = this.#transport.capabilities.pieceBytes;
    let moved = false;
    for (let k = 0; k < STREAM_LIMIT; k++) {
      const { isDetached } = this.#send;
      const length = isDetached ? -1 : Math.min(limit, total - this.#offset);
      if (this.#sendPiece(length, limit) === BUSY) {
        this.#isStalled = !moved;
        return moved;
      }
      moved = true;
      this.#isStalled = false;
      this.#offset += length;
      if (isDetached || this.#offset === total) {
        this.isOver = true;
        if (isDetached) this.#send.fail(detachedError(this.#send));
        this.#onEnd();
        return true;
      }
    }
    return true;
  }

  #sendPiece(length: number, limit: number): SendAnswer {
    const { layout } = this.#send;
    let bytes = this.#bytes;
    let from = this.#offset;
    if (layout !== undefined) {
      const packed = scratchOf(limit);
      if (length > 0) layout.pack(this.#offset, length, packed, 0);
      bytes = packed.u8;
      from = 0;
    }
    return this.#transport.sendPiece(this.#peer, this.#peerNumber, bytes!, from, this.#offset, length);
  }
}

/** Copy an announced message of a rank to itself. */
export function copyToSelf(send: Send, receive: Receive): void {
  if (send.isDetached) return;
  const { byteLength } = receive;
  if (send.layout === undefined && receive.layout === undefined) {
    bytesOf(receive.into!).set(bytesOf(send.data).subarray(0, byteLength));
    return;
  }
  const packed = scratchOf(SELF_BYTES);
  for (let offset = 0; offset < byteLength; offset += SELF_BYTES) {
    const length = Math.min(SELF_BYTES, byteLength - offset);
    if (send.layout !== undefined) send.layout.pack(offset, length, packed, 0);
    else packed.u8.set(bytesOf(send.data).subarray(offset, offset + length));
    if (receive.layout !== undefined) receive.layout.unpack(offset, length, packed, 0);
    else bytesOf(receive.into!).set(packed.u8.subarray(0, length), offset);
  }
}

/** The error of a send whose buffer was detached before its payload had moved. */
export function detachedError(send: Send): MpiError {
  const message = `the buffer of ${send.describe()} was detached while it was lent to the send: keep it until the send is done`;
  return new MpiError('ERR_MPI_BUFFER', message, { communicator: send.context.members.name, peer: send.dest, tag: send.tag });
}
