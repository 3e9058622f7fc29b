/**
 * Nonblocking collectives as OSU times them: alone, then with as much computation between start and end.
 *
 * Overlap is the part of the communication's own time that the computation hid: 100 × (1 − (overall − compute) / pure), at
 * least 0. The computation is a loop of known speed, cut into pieces with a call of test() between (-t).
 */

import type { Communicator } from 'tsmpi';
import { MAX, SUM } from 'tsmpi';
import type { RowLine, Settings } from '../records.ts';
import type { Collective } from './collective.ts';

const CALIBRATION = 2_000_000;
const LEAST = 2;

/** Steps of the dummy computation in a microsecond on this rank. */
export function calibrate(): number {
  compute(CALIBRATION);
  const start = performance.now();
  compute(CALIBRATION);
  return CALIBRATION / ((performance.now() - start) * 1000);
}

let kept = 0;

/** Compute that many steps. */
export function compute(steps: number): void {
  let value = kept | 1;
  for (let k = 0; k < steps; k++) value = Math.imul(value, 1664525) + 1013904223;
  kept = value;
}

/** Time the collective with computation of the length of `pure` microseconds. Figures on rank 0, means over the ranks. */
export async function measureOverlap(
  control: Communicator,
  { post }: Collective,
  settings: Settings,
  pure: number,
  stepsPerUs: number,
  iterations: number,
): Promise<RowLine['overlap'] | undefined> {
  // Every rank computes as long as the slowest of them communicates.
  const us = control.allreduce(pure, MAX).wait();
  const pieces = settings.tests + 1;
  const steps = Math.max(1, Math.round((us * stepsPerUs) / pieces));
  const count = Math.max(LEAST, iterations);
  let [overall, computed] = [0, 0];
  for (let k = 0; k < count; k++) {
    control.barrier().wait();
    const start = performance.now();
    const request = post(k);
    const begin = performance.now();
    for (let piece = 0; piece < pieces; piece++) {
      compute(steps);
      if (piece < settings.tests) request.test();
    }
    const end = performance.now();
    if (settings.isAwaited) await request;
    else request.wait();
    overall += performance.now() - start;
    computed += end - begin;
  }
  const means = Float64Array.of(overall / count, computed / count, us / 1000).map((ms) => (ms * 1000) / control.size);
  const sums = control.reduce(means, SUM, 0).wait();
  if (sums === undefined) return undefined;
  const [overallUs, computeUs, pureUs] = sums as unknown as [number, number, number];
  const percent = Math.max(0, 100 * (1 - (overallUs - computeUs) / pureUs));
  return { overall: overallUs, compute: computeUs, pure: pureUs, percent: Math.min(100, percent) };
}
