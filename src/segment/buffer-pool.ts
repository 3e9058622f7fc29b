/**
 * BufferPool: the eager buffers of one size that this rank owns in the segment.
 *
 * The idea: only the owner takes buffers, so taking needs no shared allocator that a dead process could wedge. The
 * receiver frees one by storing 0 into its state word. The buffer used last is tried first (its lines are in the cache);
 * a destination may hold a bounded share, so that one slow receiver does not stop sends to the others.
 *
 *     state word:   0 free    1 in use    2 in use, and the owner sleeps until it is free: ring it
 *
 * Pairs: take's load and release's exchange; want's compare-and-swap and release's exchange.
 */

const FREE = 0;
const IN_USE = 1;
const WANTED = 2;

export class BufferPool {
  readonly #i32: Int32Array;
  /** Word offset of each buffer's state. */
  readonly #state: Int32Array;
  /** Local rank that holds each buffer, -1: none. */
  readonly #holder: Int32Array;
  readonly #held: Int32Array;
  readonly #share: number;
  #last = 0;
  #isWanted = false;

  /** `offsets`: byte offsets of the buffers' header lines. */
  constructor(i32: Int32Array, offsets: readonly number[], localSize: number) {
    this.#i32 = i32;
    this.#state = Int32Array.from(offsets, (offset) => offset >> 2);
    this.#holder = new Int32Array(offsets.length).fill(-1);
    this.#held = new Int32Array(localSize);
    this.#share = localSize <= 2 ? offsets.length : Math.max(2, offsets.length >> 1);
  }

  /** Take a buffer for that destination. Return the word offset of its header line, or -1. */
  take(destination: number): number {
    const state = this.#state;
    const count = state.length;
    let index = this.#last;
    for (let tried = 0; tried < count; tried++) {
      const word = state[index]!;
      if (Atomics.load(this.#i32, word) === FREE) {
        const before = this.#holder[index]!;
        if (before >= 0) this.#held[before]!--;
        this.#holder[index] = -1;
        if (this.#held[destination]! < this.#share) {
          this.#holder[index] = destination;
          this.#held[destination]!++;
          this.#i32[word] = IN_USE; // published by the frame that names it
          this.#last = index;
          return word;
        }
      }
      index = index + 1 === count ? 0 : index + 1;
    }
    this.#isWanted = true;
    return -1;
  }

  /** A buffer that was taken is not needed after all. */
  untake(word: number): void {
    this.#i32[word] = FREE;
  }

  /**
   * Ask to be rung when one of the buffers in use becomes free; only if take() failed since the last call. Return whether that
   * was not asked before.
   */
  want(): boolean {
    if (!this.#isWanted) return false;
    this.#isWanted = false;
    let isNew = false;
    for (const word of this.#state) if (Atomics.compareExchange(this.#i32, word, IN_USE, WANTED) === IN_USE) isNew = true;
    return isNew;
  }
}

/** Free a buffer of another rank. Return true if its owner must be rung. */
export function releaseBuffer(i32: Int32Array, word: number): boolean {
  return Atomics.exchange(i32, word, FREE) === WANTED;
}
