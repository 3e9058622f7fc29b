/**
 * Placement: which program each rank runs and on which host, from what was asked for and what the hosts have.
 *
 * One host so far: this machine, with one slot per core; more ranks than cores are placed all the same.
 */

import type { LaunchOptions } from './options.ts';

export interface Placement {
  readonly size: number;
  /** Index into the options' blocks of each world rank. */
  readonly programOfRank: readonly number[];
}

/** What was asked for cannot be done; the message is for the user, the exit code 2. */
export class UsageError extends Error {
  override readonly name: string = 'UsageError';
}

/** Place the ranks of all blocks on this machine. */
export function placeRanks(options: Pick<LaunchOptions, 'blocks' | 'ppn' | 'stdin'>, cores: number): Placement {
  const { blocks, ppn, stdin } = options;
  if (blocks.length > 1 && blocks.some((block) => block.ranks === undefined)) {
    throw new UsageError('with several programs each of them needs -n');
  }
  const programOfRank = blocks.flatMap((block, index) => new Array<number>(block.ranks ?? ppn ?? cores).fill(index));
  const size = programOfRank.length;
  if (ppn !== undefined && size > ppn) {
    throw new UsageError(`${size} ranks with --ppn ${ppn} need ${Math.ceil(size / ppn)} hosts; there is one`);
  }
  if (typeof stdin === 'number' && stdin >= size) {
    throw new UsageError(`--stdin ${stdin}: there is no such rank; the job has ranks 0 to ${size - 1}`);
  }
  return { size, programOfRank };
}
