/**
 * RelayInboxes: the relay's way into the inboxes of the ranks of its host.
 *
 * A frame takes a cell of the rank's inbox, and its payload a buffer of the relay's. What finds no room waits here in order,
 * as a copy with its payload; the windows of those who send bound how much that can be. For a rank that has ended
 * a frame counts as arrived and is dropped.
 */

import { BufferPool } from '../segment/buffer-pool.ts';
import { InboxProducer } from '../segment/inbox.ts';
import { BUFFER_HEADER_BYTES, CONTROL, RANK_STATE } from '../segment/layout.ts';
import type { Segment } from '../segment/segment.ts';
import { EAGER, FRAME, RELAYED } from '../transport/frame.ts';
import { HEAD_BYTES } from './relay-link.ts';

/** A frame that found no room, and from which host it came. */
interface Waiting {
  readonly host: number;
  readonly bytes: Buffer;
}

export class RelayInboxes {
  readonly #segment: Segment;
  readonly #ring: (local: number) => void;
  readonly #onArrived: (host: number, local: number, byteLength: number) => void;
  readonly #producer: InboxProducer;
  readonly #small: BufferPool;
  readonly #large: BufferPool;
  /** By local rank. */
  readonly #waiting: Waiting[][];
  #waitingCount = 0;
  /** Local ranks whose inbox was full since the last prepareSleep(). */
  readonly #full = new Set<number>();

  /** `ring` wakes a rank; `onArrived`: bytes of a frame from that host got in. */
  constructor(
    segment: Segment,
    ring: (local: number) => void,
    onArrived: (host: number, local: number, byteLength: number) => void,
  ) {
    const { localSize, placeCount, smallCount, largeCount } = segment.layout;
    this.#segment = segment;
    this.#ring = ring;
    this.#onArrived = onArrived;
    this.#producer = new InboxProducer(segment);
    const small = Array.from({ length: smallCount }, (_, index) => segment.smallBuffer(localSize, index));
    const large = Array.from({ length: largeCount }, (_, index) => segment.largeBuffer(localSize, index));
    this.#small = new BufferPool(segment.i32, small, placeCount);
    this.#large = new BufferPool(segment.i32, large, placeCount);
    this.#waiting = Array.from({ length: localSize }, () => []);
  }

  /** Whether frames wait for room. */
  get isHolding(): boolean {
    return this.#waitingCount > 0;
  }

  /** Put the frame at `at` into a rank's inbox, or keep it until there is room. */
  put(host: number, local: number, bytes: Buffer, at: number, payloadLength: number): void {
    const waiting = this.#waiting[local]!;
    if (waiting.length === 0 && this.#deliver(host, local, bytes, at, payloadLength)) return;
    // A copy: the message holds other frames too, and would be kept whole.
    waiting.push({ host, bytes: Buffer.from(bytes.subarray(at, at + HEAD_BYTES + payloadLength)) });
    this.#waitingCount++;
  }

  /** Try again what waits. Return whether anything got in. */
  retry(): boolean {
    let hasMoved = false;
    for (const [local, waiting] of this.#waiting.entries()) {
      let gone = 0;
      for (; gone < waiting.length; gone++) {
        const { host, bytes } = waiting[gone]!;
        if (!this.#deliver(host, local, bytes, 0, bytes.byteLength - HEAD_BYTES)) break;
      }
      if (gone === 0) continue;
      waiting.splice(0, gone);
      this.#waitingCount -= gone;
      hasMoved = true;
    }
    return hasMoved;
  }

  /** Arrange to be rung when there is room. Return whether that was not arranged before. */
  prepareSleep(): boolean {
    let isNew = this.#small.want();
    if (this.#large.want()) isNew = true;
    const { i32 } = this.#segment;
    // Pairs with the load of the rank that empties it, as in the shm transport.
    const roomWanted = (local: number): number => this.#segment.control(local, CONTROL.roomWanted);
    for (const local of this.#full) if (Atomics.exchange(i32, roomWanted(local), 1) === 0) isNew = true;
    this.#full.clear();
    return isNew;
  }

  /** Return false if there is no room. */
  #deliver(host: number, local: number, bytes: Buffer, at: number, payloadLength: number): boolean {
    if (this.#segment.state(local) < RANK_STATE.departed && !this.#fill(local, bytes, at, payloadLength)) return false;
    this.#onArrived(host, local, HEAD_BYTES + payloadLength);
    return true;
  }

  #fill(local: number, bytes: Buffer, at: number, payloadLength: number): boolean {
    const { i32, u8 } = this.#segment;
    const kind = bytes[at + (FRAME.kindType << 2)];
    const pool = kind === EAGER ? this.#small : this.#large;
    const isBuffered = kind === EAGER || payloadLength > 0;
    const buffer = isBuffered ? pool.take(local) : -1;
    if (isBuffered && buffer < 0) return false;
    const cell = this.#producer.claim(local);
    if (cell < 0) {
      if (isBuffered) pool.untake(buffer);
      this.#full.add(local);
      return false;
    }
    const from = at + HEAD_BYTES;
    if (payloadLength > 0) u8.set(bytes.subarray(from, from + payloadLength), (buffer << 2) + BUFFER_HEADER_BYTES);
    u8.set(bytes.subarray(at + 4, from), (cell + 1) << 2);
    i32[cell + FRAME.kindType]! |= RELAYED;
    if (isBuffered) i32[cell + FRAME.aux] = buffer >> 4;
    this.#producer.publish(cell);
    if (Atomics.load(i32, this.#segment.control(local, CONTROL.sleeping)) !== 0) this.#ring(local);
    return true;
  }
}
