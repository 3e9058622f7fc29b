/**
 * Eviction: how a rank learns that its job has to go soon (SIGTERM to the launcher) and has its grace to write.
 *
 * The idea: the agent writes a notice into the rank's control block, which a look finds whatever the rank does: between two
 * steps of a loop of wait(), in a thread, where no signal comes. A process gets SIGTERM besides: whoever looks at
 * notices catches it, and takes it for a notice where no agent has written one (a batch system may signal ranks itself).
 * Functions are called from the event loop: not while the rank stands in wait().
 *
 * Limits: a rank that never looks is ended by SIGTERM, as any program. Ranks see the notice at different steps.
 */

import type { Active } from '../p2p/progress.ts';
import { CONTROL, NOTICE } from '../segment/layout.ts';
import type { Rank } from './rank.ts';

export class Eviction implements Active {
  readonly waitsForRoom = true;
  readonly #rank: Rank;
  readonly #isThread: boolean;
  readonly #functions = new Set<() => unknown>();
  #isHeeding = false;
  /** It is known here. */
  #isTold = false;

  constructor(rank: Rank, isThread: boolean) {
    this.#rank = rank;
    this.#isThread = isThread;
  }

  get isEvicted(): boolean {
    this.#heed();
    return this.#isTold || this.#notice === NOTICE.evicted;
  }

  /** Have a function called, once, when the job is evicted; at once when it is. Return what takes it back. */
  add(fn: () => unknown): () => void {
    this.#heed();
    const entry = (): unknown => fn();
    this.#functions.add(entry);
    if (this.isEvicted) setImmediate(() => this.#call(entry));
    else if (this.#isThread && this.#functions.size === 1) this.#rank.progress.activate(this);
    return () => void this.#functions.delete(entry);
  }

  get isOver(): boolean {
    return this.#isTold || this.#functions.size === 0;
  }

  /** Of a thread: its agent's notice may have come. The engine calls this in any of its turns, so functions are called later. */
  advance(): boolean {
    if (this.#notice !== NOTICE.evicted) return false;
    this.#isTold = true;
    setImmediate(() => this.#callAll());
    return true;
  }

  get #notice(): number {
    const { segment, localRank } = this.#rank;
    return Atomics.load(segment.i32, segment.control(localRank, CONTROL.notice)); // pairs with the agent's store
  }

  /** From now on this rank answers for itself. */
  #heed(): void {
    if (this.#isHeeding) return;
    this.#isHeeding = true;
    const { segment, localRank } = this.#rank;
    Atomics.store(segment.i32, segment.control(localRank, CONTROL.heeds), 1); // pairs with the thread host's load
    if (!this.#isThread) process.on('SIGTERM', this.#onTerminate);
  }

  readonly #onTerminate = (): void => {
    if (this.#notice === NOTICE.ended) {
      // The job has failed elsewhere: there is nothing to wait for.
      process.off('SIGTERM', this.#onTerminate);
      if (process.listenerCount('SIGTERM') === 0) process.kill(process.pid, 'SIGTERM');
      return;
    }
    this.#isTold = true;
    this.#callAll();
  };

  #callAll(): void {
    for (const fn of [...this.#functions]) this.#call(fn);
  }

  #call(fn: () => unknown): void {
    if (this.#functions.delete(fn)) fn();
  }
}
