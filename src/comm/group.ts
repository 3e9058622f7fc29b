/**
 * Group: an ordered set of world ranks, and its algebra. Immutable; nothing here communicates.
 *
 * Standard: 7.2.
 */

import { MpiError } from '../base/errors.ts';

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
  /** Members of this group, then those of the other that are not in this one. */
  union(other: Group): Group;
  /** Members of both, in this group's order. */
  intersection(other: Group): Group;
  /** Members of this group that are not in the other. */
  difference(other: Group): Group;
  /** 'ident': the same members in the same order; 'similar': in another order; else 'unequal'. Standard: 7.3.1. */
  compare(other: Group): 'ident' | 'similar' | 'unequal';
  /** Ranks in `other` of the members with these ranks here; undefined where one is no member of it. Errors: ERR_MPI_RANK. */
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
    for (const rank of ranks) this.#checkOne(rank);
    return ranks.map((rank) => {
      const at = other.ranks.indexOf(this.ranks[rank]!);
      return at < 0 ? undefined : at;
    });
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
