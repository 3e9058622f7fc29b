/**
 * Parking of a rank that is a thread: it sleeps in Atomics.wait on its own flag, or awaits Atomics.waitAsync on it.
 *
 * The idea: the flag word itself is what peers notify. Nothing tells a thread that its event loop is about to block, so
 * the flag stays up from the moment the engine enters the loop until somebody rings or the engine spins again.
 * A sleep in the addon is not used here: a worker inside it cannot be terminated.
 */

import { CONTROL } from './layout.ts';
import { type Bell, lookOnceMore, type Parking, type Sleeper } from './parking.ts';
import type { Segment } from './segment.ts';

/** Longest time-out that setTimeout takes: a timer that only keeps the loop alive. */
const FOREVER_MS = 2 ** 31 - 1;

export class ThreadParking implements Parking {
  readonly #i32: Int32Array;
  readonly #segment: Segment;
  readonly #flag: number;
  readonly #sleeper: Sleeper;
  readonly #yield: (() => void) | undefined;
  #isArmed = false;
  #isRearmScheduled = false;
  #isStopped = false;
  #waitsForRoom = false;
  #keepAlive: NodeJS.Timeout | undefined;

  /** `yieldSlice`: sched_yield where the addon is there. */
  constructor(segment: Segment, localRank: number, sleeper: Sleeper, yieldSlice: (() => void) | undefined) {
    this.#segment = segment;
    this.#i32 = segment.i32;
    this.#flag = segment.control(localRank, CONTROL.sleeping);
    this.#sleeper = sleeper;
    this.#yield = yieldSlice;
  }

  sleep(timeoutMs: number): void {
    Atomics.store(this.#i32, this.#flag, 1); // pairs with the flag's load in ring()
    if (!lookOnceMore(this.#sleeper)) Atomics.wait(this.#i32, this.#flag, 1, timeoutMs < 0 ? undefined : timeoutMs);
    Atomics.store(this.#i32, this.#flag, 0);
    this.#rearmLater();
  }

  ring(localRank: number): void {
    const flag = this.#segment.control(localRank, CONTROL.sleeping);
    if (Atomics.load(this.#i32, flag) === 0 || Atomics.exchange(this.#i32, flag, 0) === 0) return;
    Atomics.notify(this.#i32, flag);
  }

  describeBell(): Bell {
    return { kind: 'flag', words: this.#i32, flag: this.#flag };
  }

  yield(): void {
    this.#yield?.();
  }

  hold(isHeld: boolean): void {
    if (isHeld) this.#keepAlive ??= setTimeout(() => {}, FOREVER_MS);
    else if (this.#keepAlive !== undefined) {
      clearTimeout(this.#keepAlive);
      this.#keepAlive = undefined;
    }
  }

  enterLoop(waitsForRoom: boolean, isBusy: boolean): void {
    this.#waitsForRoom = waitsForRoom;
    if (isBusy) this.#turnSoon();
    else this.#arm();
  }

  leaveLoop(): void {
    if (this.#i32[this.#flag] === 0) return;
    this.#i32[this.#flag] = 0; // late visibility costs a peer one needless notify
    this.#rearmLater();
  }

  watch(): void {
    throw new Error('a thread sleeps on its flag: no descriptor wakes it');
  }

  stop(): void {
    this.#isStopped = true;
    this.hold(false);
  }

  /** Raise the flag, look once more, and have onTurn called when a peer takes it down. */
  #arm(): void {
    if (this.#isStopped) return;
    Atomics.store(this.#i32, this.#flag, 1);
    if (this.#waitsForRoom ? lookOnceMore(this.#sleeper) : this.#sleeper.poll()) this.#turnSoon();
    if (this.#isArmed) return;
    const waiting = Atomics.waitAsync(this.#i32, this.#flag, 1);
    if (!waiting.async) {
      this.#turnSoon();
      return;
    }
    this.#isArmed = true;
    void waiting.value.then(() => {
      this.#isArmed = false;
      if (!this.#isStopped) this.#sleeper.onTurn();
    });
  }

  /** A blocking sleep took the flag down: raise it again once the event loop has control. */
  #rearmLater(): void {
    if (this.#isRearmScheduled || this.#isStopped) return;
    this.#isRearmScheduled = true;
    setImmediate(() => {
      this.#isRearmScheduled = false;
      this.#arm();
    }).unref();
  }

  #turnSoon(): void {
    setImmediate(() => {
      if (!this.#isStopped) this.#sleeper.onTurn();
    });
  }
}
