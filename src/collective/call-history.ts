/**
 * CallHistory: the collectives that this rank called on a communicator, held against what other ranks did.
 *
 * The idea: collectives are numbered, and the same number must be the same call on all ranks. The last calls are kept
 * here; those of the host's other ranks lie in its journal, where they are looked up only when something is wrong or a
 * wait lasts. Ranks that have gone apart may meet much later: errors name the first collective that is known to differ.
 *
 * Limits: of a rank on another host only what a message of it says is known.
 */

import type { CallRecord, CollectiveCall } from '../base/collective-call.ts';
import type { MpiError } from '../base/errors.ts';
import { mismatchError } from './mismatch.ts';

/** Numbers are tags: they wrap within 31 bits. */
const NUMBER_MASK = 0x7fffffff;
/** Calls that are kept; a power of two. */
const RECENT = 16;

/** The collectives that this rank and its host's others called last, by world rank (segment/call-journal.ts). */
export interface Journal {
  readonly hasSites: boolean;
  write(context: number, number: number, call: CollectiveCall, check: number): void;
  writeSite(site: string): void;
  find(worldRank: number, context: number, number: number): CallRecord | undefined;
  last(worldRank: number, context: number): CallRecord | undefined;
  forget(context: number): void;
  textOf(worldRank: number): string;
}

/** Whose calls they are. */
export interface Members {
  readonly name: string;
  readonly rank: number;
  readonly worldOf: Int32Array;
}

/** A collective, and a rank that is known to have called something else as that. */
interface Difference {
  readonly number: number;
  readonly call: CollectiveCall;
  readonly rank: number;
}

export class CallHistory {
  readonly journal: Journal | undefined;
  readonly #context: number;
  readonly #members: Members;
  readonly #worldRank: number;
  #count: number;
  /** The last calls, by number. */
  readonly #recent: (CollectiveCall | undefined)[] = new Array(RECENT).fill(undefined);

  /** `count`: collectives that count as called before. */
  constructor(journal: Journal | undefined, context: number, members: Members, worldRank: number, count: number) {
    this.journal = journal;
    this.#context = context;
    this.#members = members;
    this.#worldRank = worldRank;
    this.#count = count;
  }

  /** A collective is called. Return its number. */
  begin(call: CollectiveCall): number {
    const number = (this.#count + 1) & NUMBER_MASK;
    this.#count = number;
    this.#recent[number & (RECENT - 1)] = call;
    return number;
  }

  /** Return what was called as that number; undefined: nothing yet, or too long ago. */
  callAt(number: number): CollectiveCall | undefined {
    const age = ((this.#count - number) << 1) >> 1;
    return age >= 0 && age < RECENT ? this.#recent[number & (RECENT - 1)] : undefined;
  }

  /** Whether a rank is known to have called something else as that collective. */
  isKnownToDiffer(number: number, call: CollectiveCall, rank: number): boolean {
    const record = this.journal?.find(this.#members.worldOf[rank]!, this.#context, number);
    return record !== undefined && !record.call.agreesWith(call);
  }

  /** Return the error if any rank is known to have called something else, up to that collective. */
  findDisagreement(number: number): MpiError | undefined {
    const first = this.#firstDifference(number, 0);
    return first === undefined ? undefined : this.#errorOf(first, 0);
  }

  /**
   * Make the error for a rank that called another collective than this one; -1: for whichever did. `sentCheck`: what a
   * message of it said; 0: there is none.
   */
  disagreement(number: number, call: CollectiveCall, rank: number, sentCheck: number): MpiError {
    const first = this.#firstDifference(number, Math.max(0, rank));
    return first === undefined ? this.#errorOf({ number, call, rank }, sentCheck) : this.#errorOf(first, 0);
  }

  #errorOf({ number, call, rank }: Difference, sentCheck: number): MpiError {
    const { name, rank: own, worldOf } = this.#members;
    const world = rank < 0 ? -1 : worldOf[rank]!;
    const { journal } = this;
    const record = world < 0 ? undefined : (journal?.find(world, this.#context, number) ?? journal?.last(world, this.#context));
    const mine = { rank: own, place: this.#placeOf(this.#worldRank, number) };
    const place = record === undefined ? '' : this.#placeOf(world, record.number);
    const other = { rank, record, place, isRemote: worldOf[own] !== this.#worldRank };
    return mismatchError(name, number, call, mine, other, sentCheck);
  }

  /** Return the earliest collective up to that one as which a rank is known to have called something else. */
  #firstDifference(upTo: number, firstRank: number): Difference | undefined {
    const size = this.#members.worldOf.length;
    for (let back = RECENT - 1; back >= 0; back--) {
      const number = (upTo - back) & NUMBER_MASK;
      const call = this.callAt(number);
      if (call === undefined) continue;
      for (let k = 0; k < size; k++) {
        const rank = (firstRank + k) % size;
        if (this.isKnownToDiffer(number, call, rank)) return { number, call, rank };
      }
    }
    return undefined;
  }

  /** Where in the program that rank's call stands, as far as it is known: its line, or that of the wait for it. */
  #placeOf(world: number, number: number): string {
    const site = this.journal?.find(world, this.#context, number)?.site ?? '';
    if (site !== '') return ` at ${site}`;
    const text = this.journal?.textOf(world) ?? '';
    const wait = / as collective (\d+) on .*, (wait\(\) at [^\s;]+)/.exec(text);
    return wait !== null && Number(wait[1]) === number ? ` (${wait[2]})` : '';
  }
}
