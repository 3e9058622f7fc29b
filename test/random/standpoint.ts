/**
 * Standpoint: a program as one of its ranks sees it: who it is, and its communicators by number.
 */

import type { Communicator, Request } from 'tsmpi';
import { type Members, membersOf, type Program, type Stream } from './program.ts';

/** An operation that this rank has open. */
export interface Open {
  readonly request: Request<unknown>;
  /** Withdraw it first. */
  readonly isCancelled?: boolean;
  /** Take what came; say what is wrong with it. */
  take(result: unknown): string | undefined;
}

export class Standpoint {
  readonly program: Program;
  readonly rank: number;
  readonly members: ReadonlyMap<number, Members>;
  readonly #comms = new Map<number, Communicator>();

  constructor(program: Program, base: Communicator) {
    this.program = program;
    this.rank = base.rank;
    this.members = membersOf(program);
    this.#comms.set(0, base);
  }

  add(number: number, comm: Communicator): void {
    this.#comms.set(number, comm);
  }

  delete(number: number): void {
    this.#comms.delete(number);
  }

  comm(number: number): Communicator {
    return this.#comms.get(number)!;
  }

  /** Communicators that were made and not freed, in the order of making, which is one for all ranks. */
  made(): [number, Communicator][] {
    return [...this.#comms].filter(([number]) => number !== 0);
  }

  /** A rank of the program as the communicator calls it. */
  placeIn(comm: number, rank: number): number {
    return this.members.get(comm)!.ranks.indexOf(rank);
  }

  streamOf(number: number): Stream {
    return this.program.streams.find((stream) => stream.number === number)!;
  }
}
