/**
 * Whether a task of this host has ended before the ranks know of each other: Slurm waits on for those that never come.
 *
 * Slurm's step daemon is the parent of its tasks, and says in a variable how many they are here. Limits: a task behind a
 * shell that stays has another parent, and one that is alone on its host nobody beside it; `srun --kill-on-bad-exit` helps there,
 * and the deadline of the fence.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { MpiError } from '../../base/errors.ts';

/** Return what throws when a task of this host is missing; undefined: that cannot be told here. */
export function watchLocalTasks(env: NodeJS.ProcessEnv, parent: number = process.ppid): (() => void) | undefined {
  const tasks = env.SLURM_GTIDS?.split(',').length ?? 0;
  if (tasks < 2 || read(`/proc/${parent}/comm`).trim() !== 'slurmstepd') return undefined;
  return () => {
    const count = countChildren(parent);
    if (count < 0 || count >= tasks) return;
    const message = `of the ${tasks} tasks on this host ${count} are left: another has ended before the job came together`;
    throw new MpiError('ERR_MPI_PROC_FAILED', message);
  };
}

/** Return how many children of that process live; -1: this kernel does not say. */
function countChildren(parent: number): number {
  let pids: string[];
  try {
    const threads = readdirSync(`/proc/${parent}/task`);
    pids = threads.flatMap((thread) => readFileSync(`/proc/${parent}/task/${thread}/children`, 'latin1').split(' '));
  } catch {
    return -1;
  }
  return pids.filter((pid) => pid !== '' && !/\) [ZX]/.test(read(`/proc/${pid}/stat`) || ') X')).length;
}

function read(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
