/**
 * Progress and parking of a rank that is profiled: they time the waits that go through them.
 */

import { performance } from 'node:perf_hooks';
import { nowMs } from '../base/clock.ts';
import type { WaitMode } from '../bootstrap/job.ts';
import type { Parking } from '../segment/parking.ts';
import type { FrameHandler, Transport } from '../transport/transport.ts';
import type { CallSites } from './call-site.ts';
import type { Profile } from './profile.ts';
import { Progress } from './progress.ts';
import type { Operation } from './request.ts';
import type { UnseenFailures } from './unseen-failures.ts';
import type { RankRecord } from './wait-report.ts';

/** An await that finds its message by spinning is over after so long; else other flows have had the thread meanwhile. */
const LONGEST_SPIN_MS = 0.05;
/** Slices given away are told together, when they make so much: of the wait in which that happens. */
const TELL_MS = 0.05;
/** A stretch of polling that takes longer has lost its core to somebody: it stands for itself alone. */
const LONGEST_POLL_MS = 1;

export class ProfiledProgress extends Progress {
  readonly #profile: Profile;
  #sleeps: Sleeps | undefined = undefined;
  /** The request waited for last, and the one whose await is timed. */
  #waited: Operation<unknown> | undefined = undefined;
  #timed: Operation<unknown> | undefined = undefined;
  #weight = 0;
  #since = 0;

  constructor(
    wait: WaitMode,
    isOversubscribed: boolean,
    unseen: UnseenFailures,
    record: RankRecord | undefined,
    callSites: CallSites | undefined,
    profile: Profile,
  ) {
    super(wait, isOversubscribed, unseen, record, callSites);
    this.#profile = profile;
  }

  override start(transports: readonly Transport[], handler: FrameHandler, parking: Parking): void {
    this.#sleeps = new Sleeps(parking, (ms) => {
      if (this.#waited !== undefined) this.#profile.addWaitTime(this.#waited, ms);
    });
    super.start(transports, handler, parking);
  }

  override block(operation: Operation<unknown>, timeoutMs: number | undefined): void {
    this.#waited = operation;
    const weight = this.#profile.weigh();
    if (weight === 0) {
      super.block(operation, timeoutMs);
      return;
    }
    const start = nowMs();
    const slept = this.#sleeps!.sleptMs;
    super.block(operation, timeoutMs);
    const ms = nowMs() - start - (this.#sleeps!.sleptMs - slept);
    this.#profile.addWaitTime(operation, ms * (ms < LONGEST_POLL_MS ? weight : 1));
  }

  override onWaiter(operation: Operation<unknown>): void {
    this.#waited = operation;
    if (this.#timed === undefined) {
      this.#weight = this.#profile.weigh();
      if (this.#weight !== 0) {
        this.#timed = operation;
        this.#since = nowMs();
      }
    }
    super.onWaiter(operation);
  }

  override onSettled(count: number): void {
    const timed = this.#timed;
    if (timed?.done) {
      const ms = nowMs() - this.#since;
      if (ms < LONGEST_SPIN_MS) this.#profile.addWaitTime(timed, this.#weight * ms);
      this.#timed = undefined;
    }
    super.onSettled(count);
  }
}

/** Times sleeps, and the event loop's while requests are awaited: takes the place of those methods of a parking that do. */
class Sleeps {
  /** All of the blocking ones, and slices given away. */
  sleptMs = 0;
  /** Of slices given away, not told yet: there are many of them. */
  #yieldedMs = 0;
  readonly #onIdle: (ms: number) => void;

  constructor(parking: Parking, onIdle: (ms: number) => void) {
    this.#onIdle = onIdle;
    const sleep = parking.sleep.bind(parking);
    const giveAway = parking.yield.bind(parking);
    const hold = parking.hold.bind(parking);
    let isHeldNow = false;
    let idleMs = 0;
    parking.sleep = (timeoutMs) => {
      const start = nowMs();
      sleep(timeoutMs);
      const ms = nowMs() - start;
      this.sleptMs += ms;
      this.#tell(ms + this.#yieldedMs);
    };
    // A slice given away is somebody else's time for as long as he wants: timed as a sleep.
    parking.yield = () => {
      const start = nowMs();
      giveAway();
      const ms = nowMs() - start;
      this.sleptMs += ms;
      this.#yieldedMs += ms;
      if (this.#yieldedMs > TELL_MS) this.#tell(this.#yieldedMs);
    };
    parking.hold = (isHeld) => {
      if (isHeld !== isHeldNow) {
        isHeldNow = isHeld;
        const { idle } = performance.eventLoopUtilization();
        if (isHeld) idleMs = idle;
        else onIdle(idle - idleMs);
      }
      hold(isHeld);
    };
  }

  #tell(ms: number): void {
    this.#yieldedMs = 0;
    this.#onIdle(ms);
  }
}
