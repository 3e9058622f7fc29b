/**
 * Profiled: progress and parking of a rank that is profiled time the waits that go through them.
 */

import { performance } from 'node:perf_hooks';
import { nowMs } from '../base/clock.ts';
import type { Parking } from '../segment/parking.ts';
import type { Profile } from './profile.ts';
import type { Progress } from './progress.ts';
import type { Operation } from './request.ts';

/** An await that finds its message by spinning is over after so long; else other flows have had the thread meanwhile. */
const LONGEST_SPIN_MS = 0.05;
/** Slices given away are told together, when they make so much: of the wait in which that happens. */
const TELL_MS = 0.05;
/** A stretch of polling that takes longer has lost its core to somebody: it stands for itself alone. */
const LONGEST_POLL_MS = 1;

/** Time the waits of this rank from now on: takes the place of the methods of both by which it waits. */
export function timeWaits(progress: Progress, parking: Parking, profile: Profile): void {
  /** The request waited for last. */
  let waited: Operation<unknown> | undefined;
  const sleeps = timeSleeps(parking, (ms) => {
    if (waited !== undefined) profile.addWaitTime(waited, ms);
  });
  const block = progress.block.bind(progress);
  progress.block = (operation, timeoutMs) => {
    waited = operation;
    const weight = profile.weigh();
    if (weight === 0) {
      block(operation, timeoutMs);
      return;
    }
    const start = nowMs();
    const slept = sleeps.ms;
    block(operation, timeoutMs);
    const ms = nowMs() - start - (sleeps.ms - slept);
    profile.addWaitTime(operation, ms * (ms < LONGEST_POLL_MS ? weight : 1));
  };

  /** The request whose await is timed. */
  let timed: Operation<unknown> | undefined;
  let timedWeight = 0;
  let since = 0;
  const onWaiter = progress.onWaiter.bind(progress);
  progress.onWaiter = (operation) => {
    waited = operation;
    if (timed === undefined) {
      timedWeight = profile.weigh();
      if (timedWeight !== 0) {
        timed = operation;
        since = nowMs();
      }
    }
    onWaiter(operation);
  };
  const onSettled = progress.onSettled.bind(progress);
  progress.onSettled = (count) => {
    if (timed?.done) {
      const ms = nowMs() - since;
      if (ms < LONGEST_SPIN_MS) profile.addWaitTime(timed, timedWeight * ms);
      timed = undefined;
    }
    onSettled(count);
  };
}

/** Time sleeps, and the event loop's while requests are awaited. Return what the blocking ones and slices given away took so far. */
function timeSleeps(parking: Parking, onIdle: (ms: number) => void): { readonly ms: number } {
  const sleeps = { ms: 0 };
  const sleep = parking.sleep.bind(parking);
  const giveAway = parking.yield.bind(parking);
  const hold = parking.hold.bind(parking);
  /** Of slices given away, not told yet: there are many of them. */
  let yieldedMs = 0;
  let isHeldNow = false;
  let idleMs = 0;
  const tell = (ms: number): void => {
    yieldedMs = 0;
    onIdle(ms);
  };
  parking.sleep = (timeoutMs) => {
    const start = nowMs();
    sleep(timeoutMs);
    const ms = nowMs() - start;
    sleeps.ms += ms;
    tell(ms + yieldedMs);
  };
  // A slice given away is somebody else's time for as long as he wants: timed as a sleep.
  parking.yield = () => {
    const start = nowMs();
    giveAway();
    const ms = nowMs() - start;
    sleeps.ms += ms;
    yieldedMs += ms;
    if (yieldedMs > TELL_MS) tell(yieldedMs);
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
  return sleeps;
}
