/**
 * Batch: many programs in one job, each on as many of its ranks as it needs, several at a time.
 *
 * The idea: all ranks divide the list into rounds in the same way: programs are placed side by side as long as there are
 * ranks, and one split makes the communicators of a round. So a job is started once for hundreds of programs.
 */

import type { Communicator } from 'tsmpi';
import { type PerformOptions, perform } from './perform.ts';
import type { Program } from './program.ts';

export interface Batch {
  readonly programs: readonly Program[];
  readonly limitMs: number;
  /** Whether communicators find all shared areas taken, so that collectives go by messages. */
  readonly withoutAreas: boolean;
}

/** What went wrong in the program at that place in the list. */
export class BatchError extends Error {
  readonly index: number;

  constructor(index: number, rank: number, cause: unknown) {
    super(`rank ${rank}: ${(cause as Error).message}`, { cause });
    this.index = index;
  }
}

/** More than there are shared areas in any segment. */
const AREAS = 40;

/** Perform a batch's programs on the ranks of `world`; throw the first BatchError. `tell` hears of each program begun and ended, from one rank of it. */
export async function performBatch(
  world: Communicator,
  batch: Batch,
  isBlocking: boolean,
  tell: (word: 'begin' | 'end', index: number) => void,
): Promise<void> {
  const options: PerformOptions = { limitMs: batch.limitMs, isBlocking };
  const held: Communicator[] = [];
  while (batch.withoutAreas && held.length < AREAS) held.push(await world.dup());
  for (const round of rounds(batch.programs, world.size)) {
    const mine = round.findIndex(({ first, size }) => world.rank >= first && world.rank < first + size);
    // Others may still be at their programs of the round before.
    const base = await world.split(mine < 0 ? undefined : mine, 0, { timeoutMs: 3 * batch.limitMs });
    if (base === undefined) continue;
    const { index } = round[mine]!;
    if (base.rank === 0) tell('begin', index);
    try {
      await perform(batch.programs[index]!, base, options);
      await base.free({ timeoutMs: batch.limitMs });
    } catch (error) {
      throw new BatchError(index, base.rank, error);
    }
    if (base.rank === 0) tell('end', index);
  }
  for (const comm of held) await comm.free();
}

interface Placed {
  readonly index: number;
  readonly first: number;
  readonly size: number;
}

/** Programs side by side, in the order of the list. */
function* rounds(programs: readonly Program[], ranks: number): Generator<Placed[]> {
  let round: Placed[] = [];
  let first = 0;
  for (const [index, { size }] of programs.entries()) {
    if (first + size > ranks) {
      yield round;
      round = [];
      first = 0;
    }
    round.push({ index, first, size });
    first += size;
  }
  if (round.length > 0) yield round;
}
