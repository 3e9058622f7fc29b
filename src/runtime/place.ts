/**
 * Place: what this thread is in a job, found out once at import.
 *
 *     process  a rank started by an agent: the bootstrap variable names segment and doorbells; or one that srun or mpiexec
 *              started, whose PMI variables lead to the others
 *     thread   a rank in a worker thread: its worker data holds the shared memory
 *     held     a child process or a worker thread of a rank, or a second copy of the package: the rank is held elsewhere
 *     alone    no launcher at all: a world of one
 *
 * A program started by a launcher that cannot be joined is refused: N worlds of one are never meant.
 * These variables are removed from the environment; one marker stays, by which children know whose they are.
 */

import { isMainThread, threadId, workerData } from 'node:worker_threads';
import { MpiError } from '../base/errors.ts';
import { BOOTSTRAP_VARIABLE, type Bootstrap, HOLDER_VARIABLE, type ThreadBootstrap } from '../bootstrap/job.ts';
import type { PmiVariables } from '../bootstrap/pmi/pmi.ts';
import { claimPmiVariables } from '../bootstrap/pmi/variables.ts';
import { loadAddon } from '../native/loader.ts';

export type Place =
  | { readonly kind: 'process'; readonly bootstrap: Bootstrap }
  | { readonly kind: 'process'; readonly pmi: PmiVariables }
  | { readonly kind: 'thread'; readonly bootstrap: ThreadBootstrap }
  | { readonly kind: 'held'; readonly reason: string }
  | { readonly kind: 'alone' };

/** Launchers that start several processes and cannot be joined, the variable that tells, and what to type under each. */
const OTHER_LAUNCHERS: readonly { name: string; isSet(env: NodeJS.ProcessEnv): boolean; instead(program: string): string }[] = [
  {
    name: "Open MPI's mpirun",
    isSet: (env) => env.OMPI_COMM_WORLD_SIZE !== undefined,
    instead: (program) => `\`tsmpirun -n N ${program}\``,
  },
  {
    name: 'srun --mpi=pmix or another PMIx launcher',
    isSet: (env) => env.PMIX_RANK !== undefined,
    instead: (program) => `\`srun --mpi=pmi2 -n N node ${program}\` or \`tsmpirun -n N ${program}\``,
  },
  {
    name: 'a launcher that sets PMI_RANK but no PMI_FD',
    isSet: (env) => env.PMI_RANK !== undefined || env.PMI_FD !== undefined,
    instead: (program) => `\`tsmpirun -n N ${program}\``,
  },
  {
    name: 'srun',
    isSet: (env) => env.SLURM_STEP_ID !== undefined && Number(env.SLURM_STEP_NUM_TASKS) > 1,
    instead: (program) => `\`srun --mpi=pmi2 -n N node ${program}\` or \`tsmpirun -n N ${program}\``,
  },
];

const IN_WORKER =
  'this is a worker thread of a process that srun or mpiexec started: import tsmpi in the main thread, which is the rank, before it starts workers';

/** Find this thread's place, and claim the variables that tell it. */
export function findPlace(): Place {
  const { env } = process;
  const text = env[BOOTSTRAP_VARIABLE];
  if (text !== undefined && isFirstThread()) {
    delete env[BOOTSTRAP_VARIABLE];
    const bootstrap = JSON.parse(text) as Bootstrap;
    markHolder(bootstrap.worldRank, 0);
    return { kind: 'process', bootstrap };
  }
  const fromThread = (workerData as { tsmpi?: ThreadBootstrap } | null)?.tsmpi;
  if (!isMainThread && fromThread?.buffer !== undefined) {
    markHolder(fromThread.worldRank, threadId);
    return { kind: 'thread', bootstrap: fromThread };
  }
  const holder = env[HOLDER_VARIABLE];
  if (holder !== undefined) return { kind: 'held', reason: heldReason(holder) };
  const pmi = claimPmiVariables(env);
  if (pmi !== undefined && pmi.size > 1) {
    if (!isMainThread) throw new MpiError('ERR_MPI_OTHER', IN_WORKER);
    markHolder(pmi.rank, 0);
    return { kind: 'process', pmi };
  }
  const other = pmi === undefined && isMainThread ? OTHER_LAUNCHERS.find((launcher) => launcher.isSet(env)) : undefined;
  if (other !== undefined) {
    const instead = other.instead(process.argv[1] ?? 'program.js');
    const message = `this process was started by ${other.name}, which tsmpi cannot join: start the job with ${instead} instead`;
    throw new MpiError('ERR_MPI_OTHER', message);
  }
  return { kind: 'alone' };
}

/** Whether this is the main thread. The addon tells a process rank without node:worker_threads, whose load takes 1.3 ms. */
function isFirstThread(): boolean {
  const { addon } = loadAddon();
  return addon === undefined ? isMainThread : addon.threadId() === process.pid;
}

function markHolder(worldRank: number, thread: number): void {
  process.env[HOLDER_VARIABLE] = `${worldRank}@${process.pid}.${thread}`;
}

function heldReason(holder: string): string {
  const [rank, where = ''] = holder.split('@');
  const [pid, thread] = where.split('.');
  if (Number(pid) !== process.pid) return `this process is a child of rank ${rank} (process ${pid}), which holds the rank`;
  if (isMainThread || Number(thread) === threadId) return `another copy of tsmpi in this process holds rank ${rank}`;
  return `this is a worker thread of rank ${rank}, whose own thread holds the rank`;
}

/** Make what stands for `world` where the rank is held elsewhere: it throws at first use. */
export function heldStandIn<T extends object>(name: string, reason: string): T {
  const refuse = (): never => {
    throw new MpiError('ERR_MPI_NO_RANK', `${name} cannot be used here: ${reason}; call tsmpi from the rank itself`);
  };
  return new Proxy({} as T, { get: refuse, set: refuse, has: refuse, getOwnPropertyDescriptor: refuse });
}
