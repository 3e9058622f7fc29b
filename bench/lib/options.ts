/**
 * Options that the benchmarks share, with OSU's letters: -m MIN:MAX bytes, -i iterations, -x warm-up, -r repetitions.
 */

import { parseArgs } from 'node:util';

export interface BenchOptions {
  readonly sizes: readonly number[];
  readonly iterations: number | undefined;
  readonly warmup: number;
  readonly repetitions: number;
}

/** Read the options; on a wrong one say so and end with 2. */
export function readOptions(defaults: {
  readonly min: number;
  readonly max: number;
  readonly sizes?: readonly number[];
  /** Repetitions before those that count, unless -x says otherwise: 1. */
  readonly warmup?: number;
}): BenchOptions {
  try {
    const { values } = parseArgs({
      options: {
        m: { type: 'string', short: 'm' },
        i: { type: 'string', short: 'i' },
        x: { type: 'string', short: 'x' },
        r: { type: 'string', short: 'r' },
      },
    });
    const [min, max] =
      values.m === undefined ? [defaults.min, defaults.max] : values.m.split(':').map((part) => whole('-m', part));
    const range = doubling(min!, max ?? min!);
    return {
      sizes: values.m === undefined && defaults.sizes !== undefined ? defaults.sizes : range,
      iterations: values.i === undefined ? undefined : whole('-i', values.i),
      warmup: values.x === undefined ? (defaults.warmup ?? 1) : whole('-x', values.x),
      repetitions: values.r === undefined ? 11 : Math.max(1, whole('-r', values.r)),
    };
  } catch (error) {
    console.error(
      `${(error as Error).message}; expected -m MIN:MAX (bytes), -i ITERATIONS, -x WARM-UP REPETITIONS, -r REPETITIONS`,
    );
    process.exit(2);
  }
}

function whole(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) throw new Error(`${name} got ${text}: expected whole numbers`);
  return value;
}

function doubling(min: number, max: number): number[] {
  const sizes: number[] = [];
  for (let size = min; size <= max; size = size === 0 ? 1 : size * 2) sizes.push(size);
  return sizes;
}
