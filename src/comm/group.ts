/**
 * Group: an ordered set of world ranks, and its algebra. Immutable; nothing here communicates.
 *
 * Standard: 7.2.
 */

import { MpiError } from '../base/errors.ts';
import { PROC_NULL } from '../p2p/matching-queue.ts';

/** What two communicators are to each other. */
export type Comparison = 'ident' | 'congruent' | 'similar' | 'unequal';

/** Ranks of a group from `first` to `last`, both included, every `stride`th (1); it may count down. Standard: 7.3.2. */
export type RankRange = readonly [first: number, last: number, stride?: number];

/** An ordered set of ranks of the job. */
export interface Group {
  /** Rank of this process in the group, or undefined when it is no member. */
  readonly rank: number | undefined;
  readonly size: number;
  /** World rank of each member. */
  readonly ranks: readonly number[];
  /** Members with these ranks of the group, in that order. Errors: ERR_MPI_RANK. Standard: 7.3.2. */
  include(ranks: readonly number[]): Group;
  /** All members but those with these ranks of the group. Errors: ERR_MPI_RANK. */
  exclude(ranks: readonly number[]): Group;
  /** As include, with ranges of ranks one after another. Errors: ERR_MPI_RANK, ERR_MPI_ARG. Standard: 7.3.2. */
  includeRanges(ranges: readonly RankRange[]): Group;
  /** As exclude, with ranges of ranks. Errors: as includeRanges. Standard: 7.3.2. */
  excludeRanges(ranges: readonly RankRange[]): Group;
  /** Members of this group, then those of the other that are not in this one. */
  union(other: Group): Group;
  /** Members of both, in this group's order. */
  intersection(other: Group): Group;
  /** Members of this group that are not in the other. */
  difference(other: Group): Group;
  /** 'ident': the same members in the same order; 'similar': in another order; else 'unequal'. Standard: 7.3.1. */
  compare(other: Group): 'ident' | 'similar' | 'unequal';
  /**
   * Ranks in `other` of the members with these ranks here; undefined where one is no member of it, PROC_NULL for PROC_NULL.
   * Errors: ERR_MPI_RANK. Standard: 7.3.1.
   */
  translate(ranks: readonly number[], other: Group): (number | undefined)[];
}

export class RankGroup implements Group {
  readonly ranks: readonly number[];
  readonly #worldRank: number;

  constructor(ranks: readonly number[], worldRank: number) {
    this.ranks = Object.freeze([...ranks]);
    this.#worldRank = worldRank;
  }

  get rank(): number | undefined {
    const at = this.ranks.indexOf(this.#worldRank);
    return at < 0 ? undefined : at;
  }

  get size(): number {
    return this.ranks.length;
  }

  include(ranks: readonly number[]): Group {
    this.#check(ranks);
    return this.#with(ranks.map((rank) => this.ranks[rank]!));
  }

  exclude(ranks: readonly number[]): Group {
    this.#check(ranks);
    const out = new Set(ranks);
    return this.#with(this.ranks.filter((_, rank) => !out.has(rank)));
  }

  includeRanges(ranges: readonly RankRange[]): Group {
    return this.include(ranges.flatMap((range) => this.#list(range)));
  }

  excludeRanges(ranges: readonly RankRange[]): Group {
    return this.exclude(ranges.flatMap((range) => this.#list(range)));
  }

  union(other: Group): Group {
    const mine = new Set(this.ranks);
    return this.#with([...this.ranks, ...other.ranks.filter((rank) => !mine.has(rank))]);
  }

  intersection(other: Group): Group {
    const theirs = new Set(other.ranks);
    return this.#with(this.ranks.filter((rank) => theirs.has(rank)));
  }

  difference(other: Group): Group {
    const theirs = new Set(other.ranks);
    return this.#with(this.ranks.filter((rank) => !theirs.has(rank)));
  }

  compare(other: Group): 'ident' | 'similar' | 'unequal' {
    if (other.size !== this.size) return 'unequal';
    if (other.ranks.every((rank, k) => rank === this.ranks[k])) return 'ident';
    const mine = new Set(this.ranks);
    return other.ranks.every((rank) => mine.has(rank)) ? 'similar' : 'unequal';
  }

  translate(ranks: readonly number[], other: Group): (number | undefined)[] {
    return ranks.map((rank) => {
      if (rank === PROC_NULL) return PROC_NULL;
      this.#checkOne(rank);
      const at = other.ranks.indexOf(this.ranks[rank]!);
      return at < 0 ? undefined : at;
    });
  }

  #list([first, last, stride = 1]: RankRange): number[] {
    if (![first, last, stride].every((value) => Number.isSafeInteger(value)) || stride === 0) {
      const given = `[${String(first)}, ${String(last)}, ${String(stride)}]`;
      throw new MpiError('ERR_MPI_ARG', `range ${given}: expected integers [first, last, stride], the stride not 0`);
    }
    const length = Math.max(0, Math.floor((last - first) / stride) + 1);
    if (length > 0) this.#checkOne(first);
    if (length > 1) this.#checkOne(first + (length - 1) * stride);
    return Array.from({ length }, (_, k) => first + k * stride);
  }

  #with(ranks: readonly number[]): Group {
    return new RankGroup(ranks, this.#worldRank);
  }

  #check(ranks: readonly number[]): void {
    for (const rank of ranks) this.#checkOne(rank);
    if (new Set(ranks).size !== ranks.length) {
      throw new MpiError('ERR_MPI_RANK', `ranks [${ranks.join(', ')}] name a member twice: expected each at most once`);
    }
  }

  #checkOne(rank: number): void {
    if (Number.isInteger(rank) && rank >= 0 && rank < this.size) return;
    throw new MpiError(
      'ERR_MPI_RANK',
      `rank ${String(rank)} is not in the group: expected an integer from 0 to ${this.size - 1}`,
    );
  }
}

/** What comparison looks at. */
interface Compared {
  readonly group: Group;
  /** Of intercommunicators. */
  readonly remoteGroup?: Group;
}

/** Compare two communicators by identity, and their groups pairwise. Standard: 7.4.1. */
export function compareCommunicators(a: Compared, b: Compared): Comparison {
  if (a === b) return 'ident';
  if ((a.remoteGroup === undefined) !== (b.remoteGroup === undefined)) return 'unequal';
  const found = [a.group.compare(b.group)];
  if (a.remoteGroup !== undefined) found.push(a.remoteGroup.compare(b.remoteGroup!));
  if (found.includes('unequal')) return 'unequal';
  return found.includes('similar') ? 'similar' : 'congruent';
}
