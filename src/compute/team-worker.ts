/**
 * Entry of a worker thread of a team: the tasks that piscina hands it.
 *
 * The join task makes it a member: it ends when all have come, and the loop of watching begins behind it (member.ts). A run
 * task calls a function once; while one is under way, or waits, workers leave their event loop free instead of spinning.
 * What kernels print goes straight to the rank's descriptors: the rank's thread may be blocked.
 */

import { workerData } from 'node:worker_threads';
import { replaceStdio } from '../base/thread-stdio.ts';
import { loadKernel } from './kernel.ts';
import { encodeThrown } from './kernel-error.ts';
import { Member } from './member.ts';
import { type JoinTask, type RunOutcome, type RunTask, TASK_STATE, type WorkerStreams } from './worker-protocol.ts';

const { stdout, stderr } = workerData as WorkerStreams;
replaceStdio(-1, stdout, stderr);

async function join(task: JoinTask): Promise<undefined> {
  const member = new Member(task);
  await member.join();
  setImmediate(() => void member.watch());
  return undefined;
}

async function run({ url, name, argument, state }: RunTask): Promise<RunOutcome> {
  if (Atomics.compareExchange(state, 0, TASK_STATE.waiting, TASK_STATE.begun) !== TASK_STATE.waiting) return { value: undefined };
  try {
    return { value: await loadKernel(url, name)(argument) };
  } catch (error) {
    return { thrown: encodeThrown(error, `    in ${name}, run by a worker of the team`) };
  }
}

/** What piscina calls for each task. */
export default (task: JoinTask | RunTask): Promise<undefined | RunOutcome> => (task.kind === 'join' ? join(task) : run(task));
