/**
 * Turns: how collectives share the memory of an area, one after the other.
 *
 *     0      count of parity 0      arrivals of the turn under way, and above them the sum of checks; added to by all
 *     64     count of parity 1
 *     128    epoch, ready           epoch: all have arrived at this turn, the last to arrive writes; ready: the data of
 *                                   the turn's root is there, the root writes
 *     256    a slot that is not used, then for parity 0 a slot a rank, then the same for parity 1
 *     slot   0 flag: the turn at which its rank arrived last; 4 finished: the turn it has finished with (of the area in slots
 *            of parity 0, of the bulk memory in those of parity 1); 8 check: what its rank called (Port.check); 12 type:
 *            element code of the payload; 16 payload. Written by its rank; the payloads also by whoever reduces them,
 *            until it publishes the result
 *
 * The idea: each collective on the area is a turn, numbered in the order of issue, which is the same on all members. A
 * rank *enters* turn t, writes its payload, *arrives*, reads what others wrote, and *finishes*. Three rules:
 *   1. a rank enters t only when it has finished t - 1 itself (so it has arrived at all before, in order);
 *   2. a rank enters t only when it knows that every rank has arrived at t - 1;
 *   3. it touches the slots of turn t, which are those of parity t & 1, only between entering and finishing t, and those
 *      of another rank only when that rank has arrived at t.
 * Then nobody overwrites what is still being read: whoever writes slots of t + 2 has entered t + 2, so by 2 every rank
 * has arrived at t + 1, so by 1 every rank had finished t. A turn's count is used again at t + 2 alike, after the last to
 * arrive at t has reset it. A result may therefore lie in the slots, and a rank that reads nothing (a reduction's leaf, a
 * broadcast's root) finishes as soon as it has arrived; it waits for the others when it enters the next turn.
 * Nonblocking collectives overlap only so far: a schedule whose predecessor on this rank is not finished waits for it.
 *
 * Ranks that called different collectives are found out where they meet anyway: by the check beside each flag and each
 * payload that is read; by the counter, as each adds its check to the count and the last to arrive knows what the sum must
 * be. Sums of few bits may agree by chance, above all where it is the last one that differs: so it looks at one more.
 *
 * Numbers wrap; comparisons are right as long as the word compared was written within the last 2^31 turns. So every
 * arrival writes the flag, and turns that need no epoch refresh it (raiseFlag).
 *
 * Limits: whoever gives an area back makes sure by messages that all members have finished their last turn (barrier/leave.ts).
 */

import { COPY_IN, COPY_OUT } from '../datatype/copy-kernels.ts';
import { ELEMENT_SHIFT, isCompatible, type TypedArray } from '../datatype/element-type.ts';
import type { Op } from '../datatype/operator.ts';
import { reduceInto } from '../datatype/reduce-kernels.ts';
import { rankAt } from './binomial-tree.ts';
import type { Area, Port, Schedule, Step } from './schedule.ts';

const COUNT_BYTES = 64;
const EPOCH_BYTES = 128;
const READY_BYTES = 132;
const SLOTS_BYTES = 256;
const CHECK_BYTES = 8;
const TYPE_BYTES = 12;
const SLOT_HEADER_BYTES = 16;
/** Bits of a count that hold arrivals; the rest holds the sum of checks. */
const ARRIVAL_BITS = 12;

/** Ranks that an area can serve. */
export const MAX_AREA_RANKS: number = 2 ** ARRIVAL_BITS - 1;

/** Return how many bytes one rank may contribute to a turn. */
export function payloadBytes(slotBytes: number): number {
  return slotBytes - SLOT_HEADER_BYTES;
}

/** Return the bytes that a block takes among others in one payload: a multiple of 8. */
export function paddedBytes(byteLength: number): number {
  return Math.ceil(byteLength / 8) * 8;
}

/** Take the next turn: when the collective is called, so that turns are in the order of issue. */
export function takeTurn(area: Area): number {
  area.turn = (area.turn + 1) | 0;
  return area.turn;
}

/** Return whether this rank may enter that turn without waiting (rules 1 and 2). Ask before enter(): a generator costs. */
export function mayEnter(area: Area, turn: number): boolean {
  const previous = (turn - 1) | 0;
  return area.finished === previous && (area.settled === previous || hasAllArrived(area, previous));
}

/** Wait until this rank may write to the slots of that turn. */
export function* enter(area: Area, port: Port, turn: number): Schedule {
  const previous = (turn - 1) | 0;
  if (area.finished !== previous) yield untilFinished(area, port, previous);
  if (area.settled !== previous && !hasAllArrived(area, previous)) yield untilAllArrived(area, port, previous);
}

/** Wait until this rank has finished a turn whose schedule is under way; a later turn has been taken. */
export function untilFinished(area: Area, port: Port, turn: number): Step {
  const word = finishedWord(area, port);
  // finish() stores here from now on; before, nobody had a reason to.
  area.views.i32[word] = area.finished;
  return port.until(word, turn);
}

/** Arrive by the counter. Return whether this rank was the last to: then it must call publish(). */
export function arrive(area: Area, port: Port, turn: number): boolean {
  const { i32 } = area.views;
  const slot = slotOf(area, port.size, port.rank, turn) >> 2;
  i32[slot] = turn;
  i32[slot + CHECK_BYTES / 4] = port.check;
  const count = (area.byteOffset + (turn & 1) * COUNT_BYTES) >> 2;
  const unit = (port.check << ARRIVAL_BITS) | 1;
  // Each addition releases the payload written before it, and acquires those of all that added earlier: the last has all.
  const before = Atomics.add(i32, count, unit);
  const all = Math.imul(port.size - 1, unit);
  if (before !== all) {
    if ((before & MAX_AREA_RANKS) !== port.size - 1) return false;
    throw port.mismatch(-1);
  }
  compareWith(area, port, port.rank === 0 ? port.size - 1 : port.rank - 1, turn);
  // Seen by those who add to it at turn + 2: they know that this rank has arrived at turn + 1.
  i32[count] = 0;
  return true;
}

/** Say that all have arrived, and that the result of the turn, where it has one, lies in the slots. */
export function publish(area: Area, turn: number): void {
  const { i32 } = area.views;
  i32[(area.byteOffset + READY_BYTES) >> 2] = turn;
  // Releases what was reduced; pairs with hasAllArrived() and until().
  Atomics.store(i32, (area.byteOffset + EPOCH_BYTES) >> 2, turn);
  area.wake();
}

/** Return whether all are known to have arrived at that turn by the counter, and its result to be there. */
export function hasAllArrived(area: Area, turn: number): boolean {
  // Acquires all payloads; pairs with publish().
  if (((Atomics.load(area.views.i32, (area.byteOffset + EPOCH_BYTES) >> 2) - turn) | 0) < 0) return false;
  area.settled = turn;
  return true;
}

/** Wait for hasAllArrived(). */
export function untilAllArrived(area: Area, port: Port, turn: number): Step {
  return port.until((area.byteOffset + EPOCH_BYTES) >> 2, turn);
}

/** Say that the root's payload is there; the root does so before it arrives, so that ready never falls behind. */
export function publishReady(area: Area, port: Port, turn: number): void {
  area.views.i32[(slotOf(area, port.size, port.rank, turn) + CHECK_BYTES) >> 2] = port.check;
  // Releases the payload and the check; pairs with isReady() and until().
  Atomics.store(area.views.i32, (area.byteOffset + READY_BYTES) >> 2, turn);
  area.wake();
}

/** Return whether the root's payload is there. */
export function isReady(area: Area, turn: number): boolean {
  return ((Atomics.load(area.views.i32, (area.byteOffset + READY_BYTES) >> 2) - turn) | 0) >= 0;
}

/** Wait for isReady(). */
export function untilReady(area: Area, port: Port, turn: number): Step {
  return port.until((area.byteOffset + READY_BYTES) >> 2, turn);
}

/** Arrive without the counter: everybody looks at everybody's flag. All ranks of a turn arrive in the same way. */
export function raiseFlag(area: Area, port: Port, turn: number): void {
  const { i32 } = area.views;
  if (port.rank === 0) {
    // Keeps both words fresh where no turn uses the counter. True: this rank has entered, so all have arrived before.
    i32[(area.byteOffset + EPOCH_BYTES) >> 2] = turn - 1;
    i32[(area.byteOffset + READY_BYTES) >> 2] = turn - 1;
  }
  const slot = slotOf(area, port.size, port.rank, turn) >> 2;
  i32[slot + CHECK_BYTES / 4] = port.check;
  // Releases the payload and the check; pairs with hasRaised() and until().
  Atomics.store(i32, slot, turn);
  area.wake();
}

/** Return whether a rank has arrived at that turn by its flag. */
export function hasRaised(area: Area, size: number, rank: number, turn: number): boolean {
  return ((Atomics.load(area.views.i32, slotOf(area, size, rank, turn) >> 2) - turn) | 0) >= 0;
}

/** Wait for hasRaised(). */
export function untilRaised(area: Area, port: Port, rank: number, turn: number): Step {
  return port.until(slotOf(area, port.size, rank, turn) >> 2, turn);
}

/** Throw unless a rank that has arrived called the same as this one. */
export function compareWith(area: Area, port: Port, rank: number, turn: number): void {
  if (area.views.i32[(slotOf(area, port.size, rank, turn) + CHECK_BYTES) >> 2] !== port.check) throw port.mismatch(rank);
}

/** Say that this rank reads and writes nothing of that turn any more. */
export function finish(area: Area, port: Port, turn: number): void {
  area.finished = turn;
  // Only this rank waits for the word, and only when a later turn was taken already; pairs with untilFinished().
  if (area.turn !== turn) Atomics.store(area.views.i32, finishedWord(area, port), turn);
}

/** Copy `count` elements of `data`, from index `from` on, to this rank's slot, so many bytes behind its beginning. */
export function writePayload(
  area: Area,
  port: Port,
  turn: number,
  code: number,
  data: TypedArray,
  from: number,
  count: number,
  byteOffset = 0,
): void {
  const slot = slotOf(area, port.size, port.rank, turn);
  area.views.i32[(slot + TYPE_BYTES) >> 2] = code;
  COPY_IN[code]!(data, from, count, area.views, slot + SLOT_HEADER_BYTES + byteOffset);
}

/** Copy `count` elements of a rank's slot, so many bytes behind its beginning, into `into`, from index `at` on. */
export function readPayload(
  area: Area,
  port: Port,
  rank: number,
  turn: number,
  code: number,
  into: TypedArray,
  at: number,
  count: number,
  byteOffset = 0,
): void {
  const slot = slotOf(area, port.size, rank, turn);
  const { i32 } = area.views;
  if (i32[(slot + CHECK_BYTES) >> 2] !== port.check) throw port.mismatch(rank);
  const written = i32[(slot + TYPE_BYTES) >> 2]!;
  if (written !== code && !isCompatible(written, code)) throw port.mismatch(rank);
  COPY_OUT[code]!(area.views, slot + SLOT_HEADER_BYTES + byteOffset, into, at, count);
}

/** Combine `count` elements of a rank's slot into `inout`; built-in operators give the same bits in either order of two. */
export function reducePayload(
  area: Area,
  port: Port,
  rank: number,
  turn: number,
  op: Op,
  code: number,
  inout: TypedArray,
  count: number,
): void {
  const slot = slotOf(area, port.size, rank, turn);
  if (area.views.i32[(slot + CHECK_BYTES) >> 2] !== port.check) throw port.mismatch(rank);
  reduceInto(op, code, area.views.byCode[code]!, inout, count, (slot + SLOT_HEADER_BYTES) / (1 << ELEMENT_SHIFT[code]!), 0);
}

/**
 * Reduce all slots of a turn where they lie, in the order of binomial-tree.ts for that root: bit for bit what messages
 * would give. The result lies in the slot of resultRank().
 */
export function reduceSlots(area: Area, size: number, turn: number, op: Op, code: number, count: number, root: number): void {
  const view = area.views.byCode[code]!;
  // The result of positions first…last lies in the slot of the last.
  for (let mask = 1; mask < size; mask <<= 1) {
    for (let first = 0; first + mask < size; first += 2 * mask) {
      const lower = payloadIndex(area, size, rankAt(first + mask - 1, root, size), turn, code);
      const upper = payloadIndex(area, size, rankAt(Math.min(first + 2 * mask, size) - 1, root, size), turn, code);
      reduceInto(op, code, view, view, count, lower, upper);
    }
  }
}

/** Return the rank in whose slot reduceSlots() leaves the result. */
export function resultRank(size: number, root: number): number {
  return rankAt(size - 1, root, size);
}

function finishedWord(area: Area, port: Port): number {
  return (slotOf(area, port.size, port.rank, 0) + 4) >> 2;
}

/** Return the index of the word by which this rank waits for itself to finish a turn of the bulk memory (bulk.ts). */
export function bulkTurnWord(area: Area, port: Port): number {
  return (slotOf(area, port.size, port.rank, 1) + 4) >> 2;
}

function slotOf(area: Area, size: number, rank: number, turn: number): number {
  return area.byteOffset + SLOTS_BYTES + ((turn & 1) * (size + 1) + 1 + rank) * area.slotBytes;
}

/** Index of a payload's first element in the whole segment's view; a division, as offsets may pass 2^31. */
function payloadIndex(area: Area, size: number, rank: number, turn: number, code: number): number {
  return (slotOf(area, size, rank, turn) + SLOT_HEADER_BYTES) / (1 << ELEMENT_SHIFT[code]!);
}
