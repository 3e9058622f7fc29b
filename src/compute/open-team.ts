/**
 * team(): starts the threads inside a rank. All that it needs is loaded with the first call (build-later.mjs).
 */

import { abort, ownRank } from '../runtime/init.ts';
import { openCrew } from './crew.ts';
import type { Team } from './team.ts';

/**
 * Start a team: `threads` − 1 workers beside the calling thread, which must be the rank's own. Default: the rank's share of
 * its host's cores (`job.threads`, `--threads-per-rank`). Starting a worker takes some tens of milliseconds.
 *
 * @throws MpiError ERR_MPI_ARG when `threads` is no integer from 1 to 256; ERR_MPI_NO_RANK in a worker or a child process.
 */
export async function team(threads?: number): Promise<Team> {
  return openCrew(ownRank('team'), abort, threads);
}
