/**
 * Inbox: the queue of one rank in the segment; many producers, one consumer.
 *
 * The idea: a producer claims a position by one compare-and-swap of the tail, fills the cell and publishes it by storing
 * position + 1 into its mark. The mark says only "published"; whether there is room follows from a head that the
 * consumer publishes every 64 cells and producers cache. Counters are Int32 and wrap.
 *
 *     cell, 64 bytes:   mark (producer, last; consumer reads)   31 bytes of frame words   32 bytes of payload
 *
 * Limits: between claim and publish nothing may allocate, throw or call out: a producer that dies there leaves a hole
 * that blocks the inbox for good (the job ends with that rank, so nobody stays to notice). Sleeping is parking's affair.
 *
 * Pairs of ordered accesses: mark store (producer) - mark load (consumer); head store (consumer) - head load (producer).
 */

import { CELL_BYTES, CONTROL } from './layout.ts';
import type { Segment } from './segment.ts';

const CELL_SHIFT = 4; // words in a cell: 2 ** 4
/** The consumer publishes its head once in so many cells (a store to a line that every full producer reads). */
const HEAD_INTERVAL = 64;

/** The producing side towards all inboxes of the host. */
export class InboxProducer {
  /** The last claim's publish mark; publish() stores it. */
  #mark = 0;
  readonly #i32: Int32Array;
  readonly #tail: Int32Array;
  readonly #head: Int32Array;
  readonly #cells: Int32Array;
  /** Last head seen of each inbox. */
  readonly #seen: Int32Array;
  readonly #count: number;

  constructor(segment: Segment) {
    const size = segment.layout.placeCount;
    this.#i32 = segment.i32;
    this.#count = segment.layout.cellCount;
    this.#tail = new Int32Array(size);
    this.#head = new Int32Array(size);
    this.#cells = new Int32Array(size);
    this.#seen = new Int32Array(size);
    for (let rank = 0; rank < size; rank++) {
      this.#tail[rank] = segment.control(rank, CONTROL.tail);
      this.#head[rank] = segment.control(rank, CONTROL.head);
      this.#cells[rank] = segment.cells(rank);
      this.#seen[rank] = Atomics.load(this.#i32, this.#head[rank]!);
    }
  }

  /** Claim the next cell of that rank's inbox. Return its word offset, or -1 when the inbox is full. */
  claim(rank: number): number {
    const i32 = this.#i32;
    const tail = this.#tail[rank]!;
    const count = this.#count;
    let position = Atomics.load(i32, tail);
    for (;;) {
      if (((position - this.#seen[rank]!) | 0) >= count) {
        this.#seen[rank] = Atomics.load(i32, this.#head[rank]!);
        if (((position - this.#seen[rank]!) | 0) >= count) return -1;
      }
      const found = Atomics.compareExchange(i32, tail, position, (position + 1) | 0);
      if (found === position) break;
      position = found;
    }
    this.#mark = (position + 1) | 0;
    return this.#cells[rank]! + ((position & (count - 1)) << CELL_SHIFT);
  }

  /** Publish the cell claimed last. Sequentially consistent: pairs with the mark load in next() and, for sleepers, with the flag. */
  publish(cell: number): void {
    Atomics.store(this.#i32, cell, this.#mark);
  }
}

/** The consuming side of one rank's own inbox. */
export class InboxConsumer {
  readonly #i32: Int32Array;
  readonly #cells: number;
  readonly #mask: number;
  readonly #headWord: number;
  readonly #positionWord: number;
  #position: number;
  /** Word offset of the next cell. */
  #cell: number;

  constructor(segment: Segment, rank: number) {
    this.#i32 = segment.i32;
    this.#cells = segment.cells(rank);
    this.#mask = segment.layout.cellCount - 1;
    this.#headWord = segment.control(rank, CONTROL.head);
    this.#positionWord = segment.control(rank, CONTROL.position);
    this.#position = this.#i32[this.#positionWord]!;
    this.#cell = this.#cells + ((this.#position & this.#mask) << CELL_SHIFT);
  }

  /** Return the word offset of the next published cell, or -1. */
  next(): number {
    return Atomics.load(this.#i32, this.#cell) === ((this.#position + 1) | 0) ? this.#cell : -1;
  }

  /** Done with the cell that next() returned. Return true when the head was published, that is, room became visible. */
  advance(): boolean {
    const position = (this.#position + 1) | 0;
    this.#position = position;
    this.#cell = this.#cells + ((position & this.#mask) << CELL_SHIFT);
    this.#i32[this.#positionWord] = position;
    if ((position & (HEAD_INTERVAL - 1)) !== 0) return false;
    Atomics.store(this.#i32, this.#headWord, position);
    return true;
  }
}

/** Start the counters of an empty inbox at `position`: tests begin shortly before they wrap. */
export function startInboxAt(segment: Segment, rank: number, position: number): void {
  for (const field of [CONTROL.tail, CONTROL.head, CONTROL.position]) segment.i32[segment.control(rank, field)] = position;
  segment.i32.fill(position, segment.cells(rank), segment.cells(rank) + (segment.layout.cellCount * CELL_BYTES) / 4);
}
