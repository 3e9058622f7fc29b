/**
 * Engine, progress and parking of a rank that is profiled: they count and time what goes through them.
 */

import { performance } from 'node:perf_hooks';
import { nowMs } from '../base/clock.ts';
import type { WaitMode } from '../bootstrap/job.ts';
import type { ArrayLayout } from '../datatype/derived/array-layout.ts';
import { ELEMENT_BYTES, type TypedArray } from '../datatype/element-type.ts';
import type { Bell, Parking } from '../segment/parking.ts';
import type { FrameHandler, Transport } from '../transport/transport.ts';
import type { CallSites } from './call-site.ts';
import { Engine } from './engine.ts';
import type { Context, OnPart, Receive } from './point-to-point.ts';
import type { Profile } from './profile.ts';
import { Progress } from './progress.ts';
import type { Operation } from './request.ts';
import type { UnseenFailures } from './unseen-failures.ts';
import type { RankRecord } from './wait-report.ts';

/** An await that finds its message by spinning is over after so long; else other flows have had the thread meanwhile. */
const LONGEST_SPIN_MS = 0.05;
/** A stretch of polling that takes longer has lost its core to somebody: it stands for itself alone. */
const LONGEST_POLL_MS = 1;

export class ProfiledEngine extends Engine {
  readonly #profile: Profile;

  constructor(progress: Progress, worldRank: number, profile: Profile) {
    super(progress, worldRank);
    this.#profile = profile;
  }

  override send(
    context: Context,
    data: TypedArray,
    code: number,
    count: number,
    dest: number,
    tag: number,
    isSynchronous: boolean,
    check = 0,
  ): Operation<void> {
    const profile = this.#profile;
    profile.addBytes(count * ELEMENT_BYTES[code]!);
    const weight = profile.weigh();
    if (weight === 0) return super.send(context, data, code, count, dest, tag, isSynchronous, check);
    const start = nowMs();
    const operation = super.send(context, data, code, count, dest, tag, isSynchronous, check);
    profile.addCallTime(weight * (nowMs() - start));
    return operation;
  }

  override sendLayout(
    context: Context,
    layout: ArrayLayout,
    dest: number,
    tag: number,
    isSynchronous: boolean,
    check = 0,
  ): Operation<void> {
    const start = nowMs();
    const operation = super.sendLayout(context, layout, dest, tag, isSynchronous, check);
    this.#profile.addCallTime(nowMs() - start);
    return operation;
  }

  override receive(
    context: Context,
    into: TypedArray | undefined,
    code: number,
    capacity: number,
    source: number,
    tag: number,
    layout?: ArrayLayout,
    onPart?: OnPart,
    check = 0,
  ): Receive {
    const profile = this.#profile;
    const weight = profile.weigh();
    if (weight === 0) return super.receive(context, into, code, capacity, source, tag, layout, onPart, check);
    const start = nowMs();
    const receive = super.receive(context, into, code, capacity, source, tag, layout, onPart, check);
    profile.addCallTime(weight * (nowMs() - start));
    return receive;
  }
}

export class ProfiledProgress extends Progress {
  readonly #profile: Profile;
  #sleeps: ProfiledParking | undefined = undefined;
  /** The request awaited last, and the one whose await is timed. */
  #awaited: Operation<unknown> | undefined = undefined;
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
    this.#sleeps = new ProfiledParking(parking, (ms) => this.#profile.addWaitTime(this.#awaited!, ms));
    super.start(transports, handler, this.#sleeps);
  }

  override block(operation: Operation<unknown>, timeoutMs: number | undefined): void {
    const sleeps = this.#sleeps!;
    const slept = sleeps.sleptMs;
    const weight = this.#profile.weigh();
    const start = weight === 0 ? 0 : nowMs();
    try {
      super.block(operation, timeoutMs);
    } finally {
      const sleptMs = sleeps.sleptMs - slept;
      const polledMs = weight === 0 ? 0 : nowMs() - start - sleptMs;
      const ms = sleptMs + polledMs * (polledMs < LONGEST_POLL_MS ? weight : 1);
      if (ms !== 0) this.#profile.addWaitTime(operation, ms);
    }
  }

  override onWaiter(operation: Operation<unknown>): void {
    this.#awaited = operation;
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

/** Times sleeps, and the event loop's while requests are awaited. */
class ProfiledParking implements Parking {
  /** All of the blocking ones. */
  sleptMs = 0;
  readonly #parking: Parking;
  readonly #onIdle: (ms: number) => void;
  #isHeld = false;
  #idleMs = 0;

  constructor(parking: Parking, onIdle: (ms: number) => void) {
    this.#parking = parking;
    this.#onIdle = onIdle;
  }

  sleep(timeoutMs: number): void {
    const start = nowMs();
    this.#parking.sleep(timeoutMs);
    this.sleptMs += nowMs() - start;
  }

  hold(isHeld: boolean): void {
    if (isHeld !== this.#isHeld) {
      this.#isHeld = isHeld;
      const { idle } = performance.eventLoopUtilization();
      if (isHeld) this.#idleMs = idle;
      else this.#onIdle(idle - this.#idleMs);
    }
    this.#parking.hold(isHeld);
  }

  ring(localRank: number): void {
    this.#parking.ring(localRank);
  }

  describeBell(): Bell {
    return this.#parking.describeBell();
  }

  /** A slice given away is somebody else's time for as long as he wants: timed as a sleep. */
  yield(): void {
    const start = nowMs();
    this.#parking.yield();
    this.sleptMs += nowMs() - start;
  }

  enterLoop(waitsForRoom: boolean, isBusy: boolean): void {
    this.#parking.enterLoop(waitsForRoom, isBusy);
  }

  leaveLoop(): void {
    this.#parking.leaveLoop();
  }

  watch(fd: number): void {
    this.#parking.watch(fd);
  }

  stop(): void {
    this.#parking.stop();
  }
}
