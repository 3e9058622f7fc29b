/**
 * Init: what happens when a program imports tsmpi, synchronously: this thread finds its place and becomes a rank.
 *
 * A rank that ends normally finalizes in the exit handler. One that fails (uncaught error, non-zero exit code) does not:
 * its agent ends the job with it.
 */

import { writeSync } from 'node:fs';
import { hostname } from 'node:os';
import { inspect } from 'node:util';
import { isMainThread } from 'node:worker_threads';
import { MpiError } from '../base/errors.ts';
import type { JobHost } from '../bootstrap/job.ts';
import type { Communicator } from '../comm/communicator.ts';
import { guardExit } from '../native/exit-guard.ts';
import type { Request } from '../p2p/request.ts';
import { CONTROL, RANK_STATE } from '../segment/layout.ts';
import { Eviction } from './eviction.ts';
import { explainRank } from './explain.ts';
import { finalizeRank } from './finalize.ts';
import { findPlace, heldStandIn } from './place.ts';
import type { ProfileReport } from './profile-report.ts';
import { gatherProfile, startProfiling } from './profiling.ts';
import { type Rank, startRank } from './rank.ts';
import { runRegion } from './region.ts';
import type { Routes } from './routes.ts';
import { adoptStreams } from './streams.ts';

/** The job as programs see it. */
export interface Job {
  /** Unique among the jobs of this user on this host. */
  readonly id: string;
  readonly hosts: readonly JobHost[];
  /** Name of this rank's host. */
  readonly hostname: string;
  /** This rank's number among those of its host. */
  readonly localRank: number;
  /** Ranks on this rank's host. */
  readonly localSize: number;
  /** Threads that this rank may use, its own included. */
  readonly threads: number;
  /**
   * Whether the job is to go: the launcher got SIGTERM (from a scheduler that needs the place, or its user), and ranks are
   * killed when `--grace` is over. A look costs nothing, so a loop looks between two steps, `wait()` or `await` alike.
   *
   * Ranks see it at different steps: agree on it, as `await world.allreduce(Number(job.evicted), MAX)`, before all save
   * together. A rank that looks, or has called onEvict, is not ended by SIGTERM; others are, at once.
   */
  readonly evicted: boolean;
  /**
   * Have `fn` called, once, on this rank when the job is to go. It is called from the event loop: never while the rank stands
   * in `wait()`, and at once where it is known already. The job ends when its ranks have ended, at the latest when the
   * grace is over. Return a function that takes it back.
   */
  onEvict(fn: () => void | PromiseLike<void>): () => void;
}

let hasAborted = false;
/** What nobody has caught, in words. */
let fatal: string | undefined;

/** End the job with that exit code: c & 255, and 1 for 0. Standard: 9.6. */
export function abort(code = 1, reason?: string): never {
  hasAborted = true;
  const exitCode = Number(code) & 255 || 1;
  if (rank !== undefined) {
    const { segment, localRank } = rank;
    segment.setText(localRank, reason === undefined ? '' : String(reason));
    segment.i32[segment.control(localRank, CONTROL.exitCode)] = exitCode;
    segment.setState(localRank, RANK_STATE.aborted);
  }
  if (place.kind === 'alone') complain(`tsmpi: abort(${exitCode})${reason === undefined ? '' : `: ${String(reason)}`}`);
  process.exit(exitCode);
}

const place = findPlace();
const rank: Rank | undefined = place.kind === 'held' ? undefined : startRank(place, abort, onLost, onRouteChange);

/** Communicator of all ranks of the job. */
export const world: Communicator = rank?.world ?? heldStandIn('world', heldReason());
/** Communicator of this rank alone. */
export const self: Communicator = rank?.self ?? heldStandIn('self', heldReason());
/** Facts of the job. */
export const job: Job = rank === undefined ? heldStandIn('job', heldReason()) : jobOf(rank);

if (rank !== undefined) {
  if (rank.description.profile !== undefined) startProfiling(rank);
  if (place.kind === 'process') adoptStreams(rank.description);
  if (rank.pmi !== undefined) process.on('uncaughtExceptionMonitor', onFatal);
  // One rank of each host: what the others would say is the same but for what turns out later.
  if (rank.description.explain && rank.localRank === 0) complain(explainRank(rank));
  process.on('exit', onExit);
  if (place.kind === 'process') guardExit();
}

/**
 * Run `fn`, which may be async, and count what happens meanwhile for a region of that name: the profile tells of
 * each region its time, its calls and its share in messages. Where nothing is measured (neither startProfile() nor `tsmpirun
 * --profile`) `fn` is just called. Regions may lie within each other; of regions that overlap (of flows that await in turns) the
 * one entered last gets what happens. Returns what `fn` returns.
 *
 * @throws MpiError ERR_MPI_ARG for what is no name; whatever `fn` throws.
 */
export function region<T>(name: string, fn: () => T): T {
  return runRegion(rank?.profiling?.profile, name, fn);
}

/**
 * Measure from now on what `tsmpirun --profile` measures from the start, for profile(). Nothing changes where that is done
 * already. All ranks of `world` must call it.
 */
export function startProfile(): void {
  startProfiling(ownRank('startProfile'));
}

/**
 * Gather what all ranks have measured so far: rank 0 gets it, the others undefined, and so does everyone where nothing is
 * measured: that begins with startProfile() or `tsmpirun --profile` (or `--profile-file`). All ranks of `world` must call it.
 */
export function profile(): Request<ProfileReport | undefined> {
  return gatherProfile(ownRank('profile'));
}

/** Return the rank that this thread is. `user`: what needs it. Throws an MpiError where the rank is held elsewhere. */
export function ownRank(user: string): Rank {
  if (rank !== undefined) return rank;
  throw new MpiError('ERR_MPI_NO_RANK', `${user} cannot be used here: ${heldReason()}; call tsmpi from the rank itself`);
}

function onExit(code: number): void {
  if (rank === undefined) return;
  if (hasAborted || code !== 0) {
    failByPmi(rank, code);
    return;
  }
  const problems = finalizeRank(rank, complain);
  for (const problem of problems) complain(`tsmpi: rank ${rank.worldRank}: ${problem}`);
  if (problems.length !== 0) process.exitCode = 1;
  if (problems.length !== 0) failByPmi(rank, 1);
  else rank.pmi?.leave();
  // Nothing is left to do but to take Node's heap apart, which takes 2 ms and is the kernel's in any case: leave as
  // process.exit() does anywhere, unless the program has listeners to come. (A thread's exit takes another way.)
  if (place.kind === 'process' && process.listeners('exit').at(-1) === onExit) process.exit();
}

/** A peer is reached in another way than explainRank() said. */
function onRouteChange(routes: Routes, peer: number): void {
  if (!rank?.description.explain) return;
  const { transport, notTaken } = routes.chosen[peer]!;
  complain(`rank ${rank.worldRank}: route ${transport.name}: rank ${peer} (${notTaken})`);
}

/** Node would print it after the exit handlers, when the launcher has killed this process already. */
function onFatal(error: unknown): void {
  if (process.listenerCount('uncaughtException') === 0) fatal = inspect(error);
}

/** Where no agent does it: say how this rank ended, and end the job. */
function failByPmi({ pmi, worldRank, localRank, segment, description }: Rank, code: number): void {
  if (pmi === undefined) return;
  const { hosts, hostIndex } = description;
  const where = hosts.length === 1 ? '' : ` on ${hosts[hostIndex]!.name}`;
  const reason = segment.text(localRank);
  const how = hasAborted ? `abort(${code})${reason === '' ? '' : `: ${reason}`}` : `exited with code ${code}`;
  if (fatal !== undefined) complain(fatal);
  complain(`tsmpi: rank ${worldRank}${where} (pid ${process.pid}): ${how}`);
  pmi.fail(code);
  // At once: what is fatal has been printed.
  if (fatal !== undefined) process.exit(code);
}

/** A failed request was collected before anybody looked at it. */
function onLost(sentence: string): void {
  complain(`tsmpi: rank ${rank!.worldRank}: ${sentence}`);
  process.exit(1);
}

function complain(text: string): void {
  if (isMainThread) writeSync(2, `${text}\n`);
  else process.stderr.write(`${text}\n`);
}

function heldReason(): string {
  return place.kind === 'held' ? place.reason : '';
}

function jobOf(rank: Rank): Job {
  const { description, localRank } = rank;
  const eviction = new Eviction(rank, place.kind === 'thread');
  const { id, hosts, hostIndex, localRanks, threadsPerRank } = description;
  const name = place.kind === 'alone' ? hostname() : hosts[hostIndex]!.name;
  return {
    ...{ id, hosts, hostname: name, localRank, localSize: localRanks.length, threads: threadsPerRank },
    get evicted() {
      return eviction.isEvicted;
    },
    onEvict: (fn) => {
      if (typeof fn === 'function') return eviction.add(fn);
      throw new MpiError('ERR_MPI_ARG', `onEvict got a ${typeof fn}: expected a function`);
    },
  };
}
