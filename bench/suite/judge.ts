/**
 * Which repetitions count, and what is said of those that do not.
 */

import { median, quantileOfSorted } from '../lib/statistics.ts';
import type { Repetition, Tail } from '../records.ts';
import type { MachineState } from './machine.ts';

/** How far the bare reference may move. */
const MOVED = 1.1;
/** Part of a core that others may take before a run counts as disturbed. */
const OTHERS_CORES = 0.1;
/** Shorter than this, the kernel's ticks of 10 ms say nothing about others. */
const OTHERS_MS = 200;
/** Blocks that must agree, and how far they may be apart. */
const SETTLED_BLOCKS = 3;
const SETTLED_SPREAD = 0.03;

/** Return why a repetition does not count; undefined: it counts. */
export function judgeRepetition(
  reference: readonly [before: number, after: number],
  before: MachineState | undefined,
  after: MachineState | undefined,
): string | undefined {
  const moved = Math.max(reference[0] / reference[1], reference[1] / reference[0]);
  if (moved > MOVED) return 'reference moved';
  if (before === undefined || after === undefined) return undefined;
  if (after.throttledCount > before.throttledCount) return 'throttled by cgroup';
  if (after.stealSeconds > before.stealSeconds) return 'steal time';
  return undefined;
}

/** Return the cores that others took between two states; undefined: not to be told. */
export function othersCores(
  before: MachineState | undefined,
  after: MachineState | undefined,
  ownSeconds: number,
): number | undefined {
  if (before === undefined || after === undefined || after.atMs - before.atMs < OTHERS_MS) return undefined;
  const others = after.busySeconds - before.busySeconds - ownSeconds;
  return Math.max(0, others / ((after.atMs - before.atMs) / 1000));
}

/** Which repetitions the figures are made of, and what is to be said of them. */
export interface Verdict {
  readonly counting: readonly number[];
  readonly rejectedShare: number;
  readonly disturbed: readonly string[];
}

/** Judge all repetitions of a size. `wanted`: how many were asked for. */
export function judge(repetitions: readonly Repetition[], wanted: number, others: number | undefined): Verdict {
  const accepted = repetitions.flatMap(({ rejected }, index) => (rejected === undefined ? [index] : []));
  const isClean = accepted.length >= Math.min(3, wanted);
  const disturbed: string[] = [];
  if (!isClean) {
    const reasons = [...new Set(repetitions.flatMap(({ rejected }) => rejected ?? []))].join(', ');
    disturbed.push(`${repetitions.length - accepted.length} of ${repetitions.length} repetitions: ${reasons}`);
  }
  if (others !== undefined && others > OTHERS_CORES) disturbed.push(`others took ${others.toFixed(1)} cores`);
  return {
    counting: isClean ? accepted : repetitions.map((_, index) => index),
    rejectedShare: (repetitions.length - accepted.length) / repetitions.length,
    disturbed,
  };
}

/** Say whether the last blocks agree, so that time may begin to count. */
export function isSettled(blocks: readonly number[]): boolean {
  if (blocks.length < SETTLED_BLOCKS) return false;
  const last = blocks.slice(-SETTLED_BLOCKS);
  return Math.max(...last) <= Math.min(...last) * (1 + SETTLED_SPREAD);
}

/** Return the tail of samples. */
export function tailOf(samples: Float64Array): Tail {
  const sorted = samples.slice().sort();
  const at = (q: number): number => quantileOfSorted(sorted, q);
  return { min: sorted[0]!, p50: at(0.5), p90: at(0.9), p99: at(0.99), p999: at(0.999), max: sorted.at(-1)! };
}

/** Return the median of the means of the repetitions that count. */
export function figureOf(repetitions: readonly Repetition[], counting: readonly number[]): number {
  return median(counting.map((index) => repetitions[index]!.us));
}
