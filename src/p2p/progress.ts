/**
 * Progress: the loop that moves everything of a rank forward, and the two ways to wait on it.
 *
 * The idea: poll() empties the rank's own inbox and advances what is active. block() (for `wait()`) polls, spins for a
 * budget, yields, then sleeps in parking. A request that is awaited registers here; one spin for all waiters runs from
 * process.nextTick, after the microtasks; then the event loop has control and parking watches for it. With more ranks
 * than cores there is no pure spin: poll, yield a few times, sleep.
 *
 * Invariants: handling a frame never waits; every wait progresses everything; the event loop gets a turn at least every
 * TURN_MS while awaited operations are always ready.
 *
 *     await r -> then() -> pollBriefly -> [done] settled promise
 *                                      -> onWaiter -> nextTick: spin -> settle some, again from nextTick or setImmediate
 *                                                                    -> budget over: hold the loop, parking.enterLoop
 *     bell or turn of the loop -> onTurn -> poll, settle
 */

import { nowMs } from '../base/clock.ts';
import { MpiError } from '../base/errors.ts';
import type { WaitMode } from '../bootstrap/job.ts';
import type { Parking, Sleeper } from '../segment/parking.ts';
import type { FrameHandler, Transport } from '../transport/transport.ts';
import type { CallSites } from './call-site.ts';
import { checkTimeout, giveUp, Limit } from './limit.ts';
import type { Driver, Operation, Options } from './request.ts';
import type { UnseenFailures } from './unseen-failures.ts';
import type { RankRecord } from './wait-report.ts';
import { WaitReport } from './wait-report.ts';

/** Polls of an inbox that find nothing before a rank with a core of its own yields: about 50 microseconds (tsmpi bench latency). */
const SPIN_POLLS = 4000;
/**
 * The budget doubles, up to so many times, after each sleep shorter than SHORT_SLEEP_MS, and halves after each longer one. Whoever
 * waits for a long message would sleep just before its end, each time: 1 MiB takes 50 to 100 microseconds, ringing a
 * sleeper costs its peer 8 and waking takes 25 (tsmpi bench bw).
 */
const MOST_PATIENCE = 16;
const SHORT_SLEEP_MS = 1;
/** Slices given away before sleeping when ranks share cores (tsmpi bench allreduce with 8 ranks on 2 cores). */
const YIELDS = 200;
/** The same with a core of its own: a neighbour may have borrowed it. */
const YIELDS_ALONE = 4;
/** Spin for awaited requests, in milliseconds, with a core of its own. */
const AWAIT_SPIN_MS = 0.02;
/** Longest time without a turn of the event loop, in milliseconds. */
const TURN_MS = 2;
/** Polls of a `then()` before it registers, with a core of its own: about one round trip (tsmpi bench latency). */
const BRIEF_POLLS = 32;
/** Ticks between two looks at the clock. */
const TICK_CHECK = 4;
/** The list of awaited operations is swept of settled ones beyond so many. */
const SWEEP_LENGTH = 32;
/** Ready awaits between two looks at the clock. */
const READY_CHECK = 64;

/** Something besides frames that moves in poll(): a fetch, a stream of pieces, frames refused as busy, an area's word. */
export interface Active {
  /** Move on if possible; return whether anything happened. */
  advance(): boolean;
  /** Nothing is left to do: it is taken off the list. */
  readonly isOver: boolean;
  /** It waits for something that no frame announces (room, a word); else it can go on at once. */
  readonly waitsForRoom: boolean;
  /** Arrange to be rung for what it waits for (Sleeper.prepareSleep). Left out: transports and areas arrange it. */
  prepareSleep?(): boolean;
}

export class Progress implements Sleeper, Driver {
  readonly unseen: UnseenFailures;
  readonly callSites: CallSites | undefined;
  readonly #transports: Transport[] = [];
  #main: Transport | undefined = undefined;
  /** Those that have something to do before the event loop sleeps. */
  #preparing: Transport[] = [];
  #handler: FrameHandler | undefined = undefined;
  #parking: Parking | undefined = undefined;
  readonly #active: Active[] = [];
  #spinPolls: number;
  readonly #yields: number;
  readonly #awaitSpinMs: number;
  readonly #report: WaitReport;
  /** Awaited operations; those that are done are swept away now and then. */
  #waiting: Operation<unknown>[] = [];
  /** Those of them that are not done. */
  #waitingCount = 0;
  #tickCount = 0;
  #settled = 0;
  #isTickScheduled = false;
  /** Times the usual budget that this rank spins in block(). The event loop's turn is never put off so. */
  #patience = 1;
  #readyCount = 0;
  #lastTurn = nowMs();
  /** In wait() or test(): the program has given its time. */
  #isLent = false;

  constructor(
    wait: WaitMode,
    isOversubscribed: boolean,
    unseen: UnseenFailures,
    record: RankRecord | undefined,
    callSites: CallSites | undefined,
  ) {
    const spins = wait === 'spin' || (wait === 'auto' && !isOversubscribed);
    this.#spinPolls = spins ? SPIN_POLLS : 0;
    this.#yields = wait === 'park' ? 0 : spins ? YIELDS_ALONE : YIELDS;
    this.#awaitSpinMs = spins ? AWAIT_SPIN_MS : 0;
    this.unseen = unseen;
    this.callSites = callSites;
    this.#report = new WaitReport(record, callSites);
  }

  /** Begin: frames of these transports go to the handler. */
  start(transports: readonly Transport[], handler: FrameHandler, parking: Parking): void {
    this.#transports.push(...transports.slice(1));
    this.#main = transports[0];
    this.#handler = handler;
    this.#preparing = transports.filter(({ enterLoop }) => enterLoop !== undefined);
    this.#parking = parking;
    const cost = Math.max(...transports.map(({ capabilities }) => capabilities.pollCost));
    this.#spinPolls = Math.ceil(this.#spinPolls / cost);
    parking.enterLoop(false, false);
  }

  stop(): void {
    this.#parking?.stop();
  }

  get parking(): Parking {
    return this.#parking!;
  }

  /** Add something that moves in poll(). It is advanced for the first time in the next poll. */
  activate(active: Active): void {
    this.#active.push(active);
    this.#scheduleTick();
  }

  /** Move everything forward once. Return whether anything happened. */
  poll(): boolean {
    let happened = this.#main!.poll(this.#handler!);
    if (this.#transports.length !== 0) {
      for (const transport of this.#transports) if (transport.poll(this.#handler!)) happened = true;
    }
    if (this.#active.length !== 0 && this.#advance()) happened = true;
    return happened;
  }

  prepareSleep(): boolean {
    let isNew = this.#main!.prepareSleep();
    for (const transport of this.#transports) if (transport.prepareSleep()) isNew = true;
    for (const entry of this.#active) if (entry.prepareSleep?.()) isNew = true;
    return isNew;
  }

  /** Block until the operation is done. */
  block(operation: Operation<unknown>, timeoutMs: number | undefined): void {
    if (operation.limit?.signal !== undefined) {
      const message = `wait() on ${operation.describe()}, which has a live signal: signals need the event loop; use timeoutMs, or await it`;
      throw new MpiError('ERR_MPI_ARG', message);
    }
    const limit = timeoutMs === undefined ? Number.POSITIVE_INFINITY : nowMs() + checkTimeout(timeoutMs);
    this.#parking!.leaveLoop();
    this.#isLent = true;
    let idle = 0;
    while (!operation.done) {
      if (this.poll()) {
        idle = 0;
        continue;
      }
      const budget = this.#spinPolls * this.#patience;
      if (++idle > budget) this.#idle(operation, idle - budget, limit);
      else if ((idle & 255) === 0 && (limit !== Number.POSITIVE_INFINITY || operation.limit !== undefined)) {
        this.#checkTime(operation, limit);
      }
    }
    this.#isLent = false;
    this.#report.clear();
  }

  /** One attempt of `test()`: poll, and give the core away when ranks share it. */
  test(): void {
    this.#isLent = true;
    const happened = this.poll();
    this.#isLent = false;
    if (!happened && this.#spinPolls === 0) this.#parking!.yield();
  }

  /** Whether work of this rank's own that takes long may go on: the event loop is not kept waiting by it. */
  get mayWork(): boolean {
    return this.#isLent || nowMs() - this.#lastTurn < TURN_MS;
  }

  /** Poll for about the time that a message just sent takes to arrive. */
  pollBriefly(operation: Operation<unknown>): void {
    const polls = this.#spinPolls === 0 ? 1 : BRIEF_POLLS;
    for (let k = 0; k < polls && !operation.done; k++) this.poll();
  }

  /** An operation is awaited that is not done. */
  onWaiter(operation: Operation<unknown>): void {
    if (this.#waiting.length >= SWEEP_LENGTH + 2 * this.#waitingCount) this.#waiting = this.#waiting.filter(({ done }) => !done);
    this.#waiting.push(operation);
    this.#waitingCount++;
    this.#scheduleTick();
  }

  /** Awaiting of an operation is over, for so many who awaited it. */
  onSettled(count: number): void {
    this.#waitingCount -= count;
    this.#settled++;
    if (this.#waitingCount !== 0) return;
    this.#waiting.length = 0;
    this.#parking!.hold(false);
    this.#report.clear();
  }

  /** Whether a ready await must let the event loop turn first. */
  mustTurn(): boolean {
    if (++this.#readyCount < READY_CHECK) return false;
    this.#readyCount = 0;
    return nowMs() - this.#lastTurn > TURN_MS;
  }

  /** Let the event loop turn once. */
  turn(): Promise<void> {
    return new Promise((resolve) =>
      setImmediate(() => {
        this.#lastTurn = nowMs();
        resolve();
      }),
    );
  }

  /** Watch the signal and the time-out that an operation was posted with. */
  limit(operation: Operation<unknown>, options: Options): void {
    const { signal, timeoutMs } = options;
    if (operation.done || (signal === undefined && timeoutMs === undefined)) return;
    operation.limit = new Limit(operation, options);
    if (signal?.aborted) giveUp(operation, signal.reason);
  }

  /** The event loop turned, or somebody rang while it had control. */
  onTurn(): void {
    this.#lastTurn = nowMs();
    while (this.poll());
    if (this.#waitingCount !== 0 && this.#spinPolls !== 0) this.#scheduleTick();
    this.#enterLoop();
  }

  #advance(): boolean {
    const active = this.#active;
    let happened = false;
    for (let k = 0; k < active.length; ) {
      const entry = active[k]!;
      if (!entry.isOver && entry.advance()) happened = true;
      if (entry.isOver) {
        // Order does not matter among active entries; the last takes the place. An entry may have been added meanwhile.
        const at = active[k] === entry ? k : active.indexOf(entry);
        const last = active.pop()!;
        if (last !== entry) active[at] = last;
      } else k++;
    }
    return happened;
  }

  #idle(operation: Operation<unknown>, idle: number, limit: number): void {
    if (idle <= this.#yields) {
      this.#parking!.yield();
      return;
    }
    this.#checkTime(operation, limit);
    if (operation.done) return;
    const time = Math.min(limit, operation.limit?.deadline ?? Number.POSITIVE_INFINITY);
    const leftMs = time === Number.POSITIVE_INFINITY ? -1 : Math.max(0, time - nowMs());
    const reportMs = this.#report.beforeSleep(operation);
    if (operation.done) return;
    const sleepMs = reportMs < 0 ? leftMs : leftMs < 0 ? reportMs : Math.min(leftMs, reportMs);
    const start = nowMs();
    this.#parking!.sleep(sleepMs < 0 ? -1 : Math.ceil(sleepMs));
    this.#noteSleep(nowMs() - start);
  }

  #noteSleep(durationMs: number): void {
    if (durationMs < SHORT_SLEEP_MS) this.#patience = Math.min(2 * this.#patience, MOST_PATIENCE);
    else if (this.#patience > 1) this.#patience /= 2;
  }

  #checkTime(operation: Operation<unknown>, limit: number): void {
    const now = nowMs();
    if (operation.limit !== undefined && now >= operation.limit.deadline) operation.limit.expire();
    else if (now >= limit) {
      this.#isLent = false;
      this.#report.clear();
      throw new MpiError(
        'ERR_MPI_TIMEOUT',
        `${operation.describe()} did not complete within the time given to wait(); it goes on`,
      );
    }
  }

  /** Whether nothing but what is awaited here keeps the event loop alive. */
  readonly #isOnlyOurs = (): boolean => {
    this.#parking!.hold(false);
    const isIdle = this.#report.isIdle;
    this.#parking!.hold(true);
    return isIdle;
  };

  #scheduleTick(): void {
    if (this.#isTickScheduled) return;
    this.#isTickScheduled = true;
    if ((++this.#tickCount & (TICK_CHECK - 1)) === 0 && nowMs() - this.#lastTurn > TURN_MS) setImmediate(this.#turnTick);
    else process.nextTick(this.#tick);
  }

  readonly #turnTick = (): void => {
    this.#lastTurn = nowMs();
    this.#tick();
  };

  readonly #tick = (): void => {
    this.#isTickScheduled = false;
    this.#parking!.leaveLoop();
    const before = this.#settled;
    if (this.#waitingCount !== 0 && this.#spin(before)) {
      if (this.#waitingCount !== 0 || this.#active.length !== 0) this.#scheduleTick();
      return;
    }
    this.poll();
    this.#enterLoop();
  };

  /** Poll until a waiter settled (true) or the budget is over (false). */
  #spin(before: number): boolean {
    let end = 0;
    for (let polls = 0; ; ) {
      this.poll();
      if (this.#settled !== before) return true;
      if ((++polls & 15) !== 0) continue;
      if (this.#spinPolls === 0) {
        if (polls >> 4 > this.#yields) return false;
        this.#parking!.yield();
      } else if (end === 0) end = nowMs() + this.#awaitSpinMs;
      else if (nowMs() > end) return false;
    }
  }

  /** Let transports that need it arrange to be woken. Return whether something came meanwhile. */
  #prepareLoop(): boolean {
    let happened = false;
    for (const transport of this.#preparing) if (transport.enterLoop!(this.#handler!)) happened = true;
    return happened;
  }

  /** Hand control to the event loop. */
  #enterLoop(): void {
    const parking = this.#parking!;
    if (this.#waitingCount !== 0) {
      parking.hold(true);
      this.#report.beforeLoop(() => this.#waiting.filter(({ done }) => !done), this.#isOnlyOurs);
    }
    let waitsForRoom = false;
    let isBusy = this.#prepareLoop();
    for (const entry of this.#active) {
      if (entry.waitsForRoom) waitsForRoom = true;
      else isBusy = true;
    }
    parking.enterLoop(waitsForRoom, isBusy);
  }
}
