/**
 * Segment: the memory that the ranks of one host share, seen through typed views.
 *
 * Backing is a mapped memfd (ranks as processes) or a SharedArrayBuffer (ranks as threads); nothing here knows which.
 * It gives offsets, the job's description, the claim of a rank's place, and a rank's text; queues and sleeping are
 * inbox.ts and parking. Word offsets returned here index `i32`.
 */

import { invariant, MpiError } from '../base/errors.ts';
import {
  BUFFER_HEADER_BYTES,
  CELL_BYTES,
  CONTROL,
  CONTROL_BYTES,
  HEADER,
  LARGE_BYTES,
  layOut,
  PEER,
  PEER_BYTES,
  RANK_STATE,
  SEGMENT_MAGIC,
  SEGMENT_VERSION,
  type SegmentLayout,
  type SegmentShape,
  SMALL_BYTES,
  TEXT_CAPACITY,
} from './layout.ts';

export class Segment {
  readonly buffer: ArrayBuffer | SharedArrayBuffer;
  readonly i32: Int32Array;
  readonly u8: Uint8Array;
  readonly f64: Float64Array;
  readonly layout: SegmentLayout;

  private constructor(buffer: ArrayBuffer | SharedArrayBuffer, layout: SegmentLayout) {
    this.buffer = buffer;
    this.i32 = new Int32Array(buffer);
    this.u8 = new Uint8Array(buffer);
    this.f64 = new Float64Array(buffer);
    this.layout = layout;
  }

  /** Initialize zeroed memory as a segment of that shape holding the description (UTF-8 JSON). */
  static create(buffer: ArrayBuffer | SharedArrayBuffer, shape: SegmentShape, description: Uint8Array): Segment {
    const layout = layOut(shape);
    invariant(buffer.byteLength >= layout.byteLength, `segment of ${buffer.byteLength} bytes, ${layout.byteLength} needed`);
    invariant(description.byteLength <= layout.descriptionCapacity, 'description larger than its capacity');
    const segment = new Segment(buffer, layout);
    const { i32 } = segment;
    i32[HEADER.version] = SEGMENT_VERSION;
    i32[HEADER.localSize] = layout.localSize;
    i32[HEADER.cellCount] = layout.cellCount;
    i32[HEADER.smallCount] = layout.smallCount;
    i32[HEADER.largeCount] = layout.largeCount;
    i32[HEADER.areaCount] = layout.areaCount;
    i32[HEADER.descriptionCapacity] = layout.descriptionCapacity;
    i32[HEADER.descriptionByteLength] = description.byteLength;
    i32[HEADER.peerCount] = layout.peerCount;
    segment.u8.set(description, layout.descriptionOffset);
    for (let place = 0; place < layout.placeCount; place++) i32[segment.control(place, CONTROL.bell)] = -1;
    i32[HEADER.areaTaken] = 1; // the first area is world's
    // Publishes the words above; attach() reads it first.
    Atomics.store(i32, HEADER.magic, SEGMENT_MAGIC);
    return segment;
  }

  /** Attach to a segment that somebody else created. */
  static attach(buffer: ArrayBuffer | SharedArrayBuffer): Segment {
    const i32 = new Int32Array(buffer, 0, 64);
    if (Atomics.load(i32, HEADER.magic) !== SEGMENT_MAGIC || i32[HEADER.version] !== SEGMENT_VERSION) {
      throw new MpiError('ERR_MPI_OTHER', 'the shared segment was made by another version of tsmpi than this program loads');
    }
    const layout = layOut({
      localSize: i32[HEADER.localSize]!,
      cellCount: i32[HEADER.cellCount]!,
      smallCount: i32[HEADER.smallCount]!,
      largeCount: i32[HEADER.largeCount]!,
      areaCount: i32[HEADER.areaCount]!,
      descriptionCapacity: i32[HEADER.descriptionCapacity]!,
      peerCount: i32[HEADER.peerCount]!,
    });
    return new Segment(buffer, layout);
  }

  /** Return the job's description as it was given to create(). */
  description(): string {
    const { descriptionOffset } = this.layout;
    const end = descriptionOffset + this.i32[HEADER.descriptionByteLength]!;
    return new TextDecoder().decode(this.u8.slice(descriptionOffset, end));
  }

  /** Word of a control field of that local rank; `field` is one of CONTROL. */
  control(localRank: number, field: number): number {
    return (this.layout.controlOffset + localRank * CONTROL_BYTES + field) >> 2;
  }

  /** Word of the credit that `receiver` returned to `sender`. */
  credit(receiver: number, sender: number): number {
    return (this.layout.creditOffset >> 2) + receiver * this.layout.localSize + sender;
  }

  /** Word of a world rank's entry among the peers of other hosts; `field` is one of PEER. */
  peer(worldRank: number, field: number): number {
    return (this.layout.peerOffset + worldRank * PEER_BYTES + field) >> 2;
  }

  /** Word of the first cell of that rank's inbox. */
  cells(localRank: number): number {
    return (this.layout.inboxOffset + localRank * this.layout.cellCount * CELL_BYTES) >> 2;
  }

  /** Byte offset of a small buffer's header line. */
  smallBuffer(owner: number, index: number): number {
    return this.layout.smallOffset + (owner * this.layout.smallCount + index) * (BUFFER_HEADER_BYTES + SMALL_BYTES);
  }

  /** Byte offset of a large buffer's header line. */
  largeBuffer(owner: number, index: number): number {
    return this.layout.largeOffset + (owner * this.layout.largeCount + index) * (BUFFER_HEADER_BYTES + LARGE_BYTES);
  }

  /** Byte offset of an area. */
  area(index: number): number {
    return this.layout.areaOffset + index * this.layout.areaByteLength;
  }

  /** Take a free area for a communicator; -1: none is left. Pairs with releaseArea's store. */
  acquireArea(): number {
    for (let index = 0; index < this.layout.areaCount; index++) {
      if (Atomics.compareExchange(this.i32, HEADER.areaTaken + index, 0, 1) === 0) return index;
    }
    return -1;
  }

  /** Give an area back, zeroed, once no member uses it any more. */
  releaseArea(index: number): void {
    const offset = this.area(index);
    this.u8.fill(0, offset, offset + this.layout.areaByteLength);
    Atomics.store(this.i32, HEADER.areaTaken + index, 0);
  }

  /** Claim a rank's place for (pid, thread). Return undefined, or who holds it already. */
  claim(localRank: number, pid: number, threadId: number): { pid: number; threadId: number } | undefined {
    const word = this.control(localRank, CONTROL.pid);
    const holder = Atomics.compareExchange(this.i32, word, 0, pid);
    if (holder !== 0) return { pid: holder, threadId: this.i32[this.control(localRank, CONTROL.threadId)]! };
    this.i32[this.control(localRank, CONTROL.threadId)] = threadId;
    this.setState(localRank, RANK_STATE.active);
    return undefined;
  }

  state(localRank: number): number {
    return Atomics.load(this.i32, this.control(localRank, CONTROL.state));
  }

  /** State of a rank of another host, as far as it is known here: finalizing, departed or neither (pairs with the agent's store). */
  peerState(worldRank: number): number {
    return Atomics.load(this.i32, this.peer(worldRank, PEER.state));
  }

  setState(localRank: number, state: number): void {
    Atomics.store(this.i32, this.control(localRank, CONTROL.state), state);
  }

  /** Write what the agent may show of this rank; longer text is cut. */
  setText(localRank: number, text: string): void {
    const word = this.control(localRank, CONTROL.text);
    // Length 0 first, the true one last: a reader sees old, nothing or new, at worst a mix of two waits' words.
    Atomics.store(this.i32, word, 0);
    const start = (word << 2) + 4;
    const bytes = new TextEncoder().encode(text).subarray(0, TEXT_CAPACITY);
    this.u8.set(bytes, start);
    Atomics.store(this.i32, word, bytes.length);
  }

  /** Read what a rank says of itself. */
  text(localRank: number): string {
    const word = this.control(localRank, CONTROL.text);
    const start = (word << 2) + 4;
    return new TextDecoder().decode(this.u8.slice(start, start + Atomics.load(this.i32, word)));
  }
}
