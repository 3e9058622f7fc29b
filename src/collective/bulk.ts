/**
 * Bulk: memory for the long data of a communicator whose members are processes of one host.
 *
 * The idea: the members have one memory mapped, so a rank can combine what others wrote where it lies, and hand it on from
 * there. It is made by the first collective that needs it: rank 0 makes memory without a name and tells the others its pid
 * and descriptor, they map it and say so, rank 0 closes the descriptor and tells them whether all have it; so all know, and
 * none goes another way alone. It belongs to the communicator, so that collectives of others never wait for it; those of
 * its own take turns in the order of issue. It is unmapped when the communicator is freed, and the last process that has it
 * mapped takes it away.
 *
 *     0      128 bytes a rank, which it alone writes: Int32 filled, reduced, copied: steps; check: what it called (Port.check)
 *     4096   slots: by the rank that fills them, by step modulo DEPTH, by the rank that owns the piece (any but the first)
 *
 * Steps are numbered through all turns, equally on all members. What the words of a step mean, and when a slot is free
 * again, is the algorithm's affair (allreduce/shared-pieces.ts).
 *
 * Limits: up to MAX_BULK_RANKS ranks, whose pieces are of 1 KiB then; a communicator takes 16 MiB at most (4 to 8 ranks 10 to
 * 15, 3 ranks 6, 2 ranks 2). Memory that cannot be had is not asked for again.
 */

import { MpiError } from '../base/errors.ts';
import { ElementViews } from '../datatype/element-views.ts';
import { bulkTurnWord } from './area-turn.ts';
import type { Area, Bulk, Port, Schedule, Step } from './schedule.ts';

export const MAX_BULK_RANKS = 64;
/** Steps whose slots are in use at once: one is filled, one reduced, one copied out, and one gives slower ranks time. A power of two. */
const DEPTH = 4;
/** Longest piece. 64 KiB took a tenth longer, 1 MiB a fifth, on a machine that others used too (bench/micro/allreduce-pair). */
const PIECE_BYTES = 1 << 18;
/** Bytes of all slots of a communicator at most. */
const SLOTS_BYTES = 16 << 20;

const RANK_BYTES = 128;
/** Int32 indices among a rank's words. */
export const FILLED = 0;
export const REDUCED = 1;
export const COPIED = 2;
const CHECK = 3;

const STEP: Step = { kind: 'step' };
/** A place that says that there is no memory. */
const NOWHERE = [0, -1] as const;

/** Where bulk memory comes from. */
export interface BulkSource {
  /** Whether the user forces an algorithm that works in it, so that no other may take its place. */
  readonly isRequired: boolean;
  /** Make memory and map it. Return undefined when it cannot be had. */
  create(byteLength: number): OfferedMemory | undefined;
  /** Map what another rank has made. Return undefined when that fails. */
  open(place: Int32Array, byteLength: number): ArrayBuffer | SharedArrayBuffer | undefined;
  unmap(memory: ArrayBuffer | SharedArrayBuffer): void;
}

/** Memory just made, which others can still find. */
export interface OfferedMemory {
  readonly memory: ArrayBuffer | SharedArrayBuffer;
  /** Where they find it: pid and descriptor. */
  readonly place: readonly [number, number];
  /** End that: the descriptor is closed. */
  withdraw(): void;
}

export class SharedBulk implements Bulk {
  readonly size: number;
  readonly pieceBytes: number;
  readonly byteLength: number;
  turn = 0;
  finished = 0;
  /** Steps of all turns that this rank has finished with. */
  step = 0;
  views: ElementViews | undefined = undefined;
  readonly #source: BulkSource;
  readonly #slotsOffset: number;
  #isRefused = false;
  #offered: OfferedMemory | undefined = undefined;

  /** `pieceBytes`: a multiple of 64. */
  constructor(size: number, source: BulkSource, pieceBytes: number = pieceBytesFor(size)) {
    this.size = size;
    this.pieceBytes = pieceBytes;
    this.#source = source;
    this.#slotsOffset = Math.ceil((size * RANK_BYTES) / 4096) * 4096;
    this.byteLength = this.#slotsOffset + DEPTH * size * (size - 1) * pieceBytes;
  }

  takeTurn(): number {
    this.turn = (this.turn + 1) | 0;
    return this.turn;
  }

  *enter(area: Area, port: Port, turn: number): Schedule {
    const previous = (turn - 1) | 0;
    if (this.finished !== previous) yield this.untilFinished(area, port, previous);
    if (this.views === undefined && !this.#isRefused) yield* this.#make(port);
  }

  untilFinished(area: Area, port: Port, turn: number): Step {
    const word = bulkTurnWord(area, port);
    // finish() stores here from now on; before, nobody had a reason to.
    area.views.i32[word] = this.finished;
    return port.until(word, turn);
  }

  finish(area: Area, port: Port, turn: number): void {
    this.finished = turn;
    // Only this rank waits for the word, and only when a later turn was taken already; pairs with untilFinished().
    if (this.turn !== turn) Atomics.store(area.views.i32, bulkTurnWord(area, port), turn);
  }

  takeSteps(steps: number): number {
    const first = this.step;
    this.step = (first + steps) | 0;
    return first;
  }

  slot(source: number, owner: number, step: number): number {
    const place = (source * DEPTH + (step & (DEPTH - 1))) * (this.size - 1) + (owner < source ? owner : owner - 1);
    return this.#slotsOffset + place * this.pieceBytes;
  }

  reuses(step: number): number {
    return (step - DEPTH + 1) | 0;
  }

  publish(area: Area, rank: number, what: number, steps: number): void {
    // Releases the slots written (filled, reduced) or read (copied) before; pairs with hasReached() and until().
    Atomics.store(this.views!.i32, (rank * RANK_BYTES) / 4 + what, steps);
    area.wake();
  }

  hasReached(rank: number, what: number, steps: number): boolean {
    return ((Atomics.load(this.views!.i32, (rank * RANK_BYTES) / 4 + what) - steps) | 0) >= 0; // pairs with publish()
  }

  untilReached(port: Port, rank: number, what: number, steps: number): Step {
    return port.until((rank * RANK_BYTES) / 4 + what, steps, this.views!.i32);
  }

  writeCheck(port: Port): void {
    this.views!.i32[(port.rank * RANK_BYTES) / 4 + CHECK] = port.check;
  }

  compareWith(port: Port, rank: number): void {
    if (this.views!.i32[(rank * RANK_BYTES) / 4 + CHECK] !== port.check) throw port.mismatch(rank);
  }

  close(): void {
    this.#offered?.withdraw();
    this.#offered = undefined;
    if (this.views !== undefined) this.#source.unmap(this.views.buffer);
    this.views = undefined;
  }

  *#make(port: Port): Schedule {
    const memory = port.rank === 0 ? yield* this.#offer(port) : yield* this.#accept(port);
    if (memory !== undefined) {
      this.views = new ElementViews(memory);
      return;
    }
    this.#isRefused = true;
    if (!this.#source.isRequired) return;
    const wanted = `${(this.byteLength / (1 << 20)).toFixed(1)} MiB`;
    throw new MpiError(
      'ERR_MPI_NO_MEM',
      `no memory for long data: ${wanted} of shared memory wanted, as an algorithm is forced that works in it`,
    );
  }

  /** As rank 0: make the memory and tell the others. */
  *#offer(port: Port): Generator<Step, ArrayBuffer | SharedArrayBuffer | undefined, void> {
    const offered = this.#source.create(this.byteLength);
    this.#offered = offered;
    const place = Int32Array.from(offered?.place ?? NOWHERE);
    for (let rank = 1; rank < port.size; rank++) port.send(place, rank);
    if (offered === undefined) {
      yield STEP;
      return undefined;
    }
    const isMapped = new Int32Array(port.size).fill(1);
    for (let rank = 1; rank < port.size; rank++) port.recv(isMapped.subarray(rank, rank + 1), rank);
    yield STEP;
    offered.withdraw();
    this.#offered = undefined;
    const hasAll = Int32Array.of(isMapped.every((mapped) => mapped === 1) ? 1 : 0);
    for (let rank = 1; rank < port.size; rank++) port.send(hasAll, rank);
    yield STEP;
    if (hasAll[0] === 1) return offered.memory;
    this.#source.unmap(offered.memory);
    return undefined;
  }

  *#accept(port: Port): Generator<Step, ArrayBuffer | SharedArrayBuffer | undefined, void> {
    const place = new Int32Array(2);
    yield port.recv(place, 0);
    if (place[1] === NOWHERE[1]) return undefined;
    const memory = this.#source.open(place, this.byteLength);
    const hasAll = new Int32Array(1);
    yield port.exchange(Int32Array.of(memory === undefined ? 0 : 1), 0, hasAll, 0);
    if (hasAll[0] === 1) return memory;
    if (memory !== undefined) this.#source.unmap(memory);
    return undefined;
  }
}

/** Return the longest piece, a power of two, with which the slots of so many ranks keep within their bounds. */
export function pieceBytesFor(size: number): number {
  const most = SLOTS_BYTES / (DEPTH * size * (size - 1));
  return Math.min(PIECE_BYTES, 2 ** Math.floor(Math.log2(most)));
}
