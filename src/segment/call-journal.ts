/**
 * CallJournal: the last collectives that each rank of the host called, in the ranks' control blocks.
 *
 * Every rank writes its own, with plain stores and without looking; others read only when a wait lasts, or when an error
 * is put in words. A record that is being written while it is read is told by its seal and passed over.
 *
 *     64 bytes for a call, and for all like it that followed at once, CALL_RECORDS of them in turn:
 *     0   number      which collective of its communicator (1, 2 …) the last of them was
 *     4   context     its message space
 *     8   operation | (type + 1) << 8 | (op + 1) << 16 | (byteLength / 2^32) << 24
 *     12  root        16  low word of byteLength (NONE: high byte 255)        20  detail
 *     24  seal        made of all of it but the first word; a reader makes it again
 *     28  first       which collective the first of them was
 *     32  site        Int32 byte length, then UTF-8: where in the program, when TSMPI_CALL_SITES is set
 */

import { type CallRecord, CollectiveCall, NONE } from '../base/collective-call.ts';
import { CALL_RECORD_BYTES, CALL_RECORDS, CONTROL } from './layout.ts';
import type { Segment } from './segment.ts';

const WORDS = CALL_RECORD_BYTES / 4;
const SITE_BYTES = CALL_RECORD_BYTES - 36;
const TWO_32 = 4294967296;
/** The high byte of a byte length that is NONE. */
const UNKNOWN_HIGH = 255;

export class CallJournal {
  /** Whether the lines of calls are noted too. */
  readonly hasSites: boolean;
  readonly #segment: Segment;
  readonly #i32: Int32Array;
  readonly #localOf: ArrayLike<number>;
  readonly #first: number;
  /** Word of `calls`; `operation` stands behind it. */
  readonly #own: number;
  readonly #countWord: number;
  /** Records begun. */
  #count = 0;
  /** The last of them, and what it holds. */
  #at = 0;
  #lastCall: CollectiveCall | undefined = undefined;
  #lastContext = 0;
  #lastNumber = 0;

  /** `localRank`: whose calls write() notes. `localOf`: local rank of each rank that is asked about, -1 elsewhere. */
  constructor(segment: Segment, localRank: number, localOf: ArrayLike<number>, hasSites: boolean) {
    this.#segment = segment;
    this.#i32 = segment.i32;
    this.#localOf = localOf;
    this.hasSites = hasSites;
    this.#first = segment.control(localRank, CONTROL.journal);
    this.#own = segment.control(localRank, CONTROL.calls);
    this.#countWord = segment.control(localRank, CONTROL.journalCount);
  }

  /** Note that this rank calls a collective; `check` is call.checkOf(number). The control words that any call sets are set too. */
  write(context: number, number: number, call: CollectiveCall, check: number): void {
    const i32 = this.#i32;
    i32[this.#own] = (i32[this.#own]! + 1) | 0;
    i32[this.#own + 1] = call.operation;
    const isLikeLast = call === this.#lastCall && context === this.#lastContext && number === this.#lastNumber + 1;
    this.#lastNumber = number;
    if (isLikeLast && !this.hasSites) {
      i32[this.#at] = number;
      return;
    }
    this.#lastCall = call;
    this.#lastContext = context;
    this.#begin(context, number, call, check);
  }

  #begin(context: number, number: number, call: CollectiveCall, check: number): void {
    const i32 = this.#i32;
    const { operation, type, byteLength, root, op, detail } = call;
    const at = this.#first + (this.#count & (CALL_RECORDS - 1)) * WORDS;
    this.#at = at;
    i32[at] = number;
    i32[at + 1] = context;
    i32[at + 2] = operation | ((type + 1) << 8) | ((op + 1) << 16) | (highByte(byteLength) << 24);
    i32[at + 3] = root;
    i32[at + 4] = byteLength | 0;
    i32[at + 5] = detail;
    i32[at + 6] = (check ^ context) + type;
    i32[at + 7] = number;
    this.#count = (this.#count + 1) | 0;
    i32[this.#countWord] = this.#count;
  }

  /** Add to the record written last where in the program the call stands. */
  writeSite(site: string): void {
    const bytes = new TextEncoder().encode(site).subarray(-SITE_BYTES);
    this.#segment.u8.set(bytes, (this.#at + 9) << 2);
    this.#i32[this.#at + 8] = bytes.length;
  }

  /** Return what that rank called as collective `number` of that context; undefined: not yet, too long ago, or not here. */
  find(rank: number, context: number, number: number): CallRecord | undefined {
    const i32 = this.#i32;
    const local = this.#localOf[rank]!;
    if (local < 0) return undefined;
    const first = this.#segment.control(local, CONTROL.journal);
    for (let at = first; at < first + CALL_RECORDS * WORDS; at += WORDS) {
      if (i32[at + 1] !== context || ((i32[at]! - number) | 0) < 0 || ((number - i32[at + 7]!) | 0) < 0) continue;
      const record = this.#read(at);
      return record && { ...record, number };
    }
    return undefined;
  }

  /** Return the last collective that a rank called on that context, or on any; undefined: none so far. */
  last(rank: number, context?: number): CallRecord | undefined {
    const local = this.#localOf[rank]!;
    if (local < 0) return undefined;
    const first = this.#segment.control(local, CONTROL.journal);
    const count = this.#i32[this.#segment.control(local, CONTROL.journalCount)]!;
    for (let age = 1; age <= CALL_RECORDS; age++) {
      const at = first + ((count - age) & (CALL_RECORDS - 1)) * WORDS;
      if (context === undefined || this.#i32[at + 1] === context) return this.#read(at);
    }
    return undefined;
  }

  /** Wipe what this rank called in a context whose id may be used again. */
  forget(context: number): void {
    for (let k = 0; k < CALL_RECORDS; k++) {
      const at = this.#first + k * WORDS;
      if (this.#i32[at + 1] === context) this.#i32[at + 1] = 0;
    }
  }

  /** Return what a rank says that it waits for, once that has lasted. */
  textOf(rank: number): string {
    const local = this.#localOf[rank]!;
    return local < 0 ? '' : this.#segment.text(local);
  }

  #read(at: number): CallRecord | undefined {
    const [number, context, what, root, low, detail, seal, first, siteBytes] = this.#i32.slice(at, at + 9) as unknown as [
      ...[number, number, number, number, number, number, number, number, number],
    ];
    const high = what >>> 24;
    const byteLength = high === UNKNOWN_HIGH ? NONE : high * TWO_32 + (low >>> 0);
    const call = CollectiveCall.of(what & 0xff, ((what >>> 8) & 0xff) - 1, byteLength, root, ((what >>> 16) & 0xff) - 1, detail);
    if (context === 0 || seal !== (((call.checkOf(first) ^ context) + call.type) | 0)) return undefined;
    const start = (at + 9) << 2;
    const site = new TextDecoder().decode(this.#segment.u8.slice(start, start + siteBytes));
    return { call, number, context, site };
  }
}

/** The high part of a byte length, as a byte. */
function highByte(byteLength: number): number {
  if (byteLength < 0) return UNKNOWN_HIGH;
  return byteLength < TWO_32 ? 0 : Math.floor(byteLength / TWO_32);
}
