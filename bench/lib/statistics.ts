/**
 * Statistics of measurements: medians, quantiles, and the interval of a ratio of medians.
 */

const RESAMPLES = 2000;

/** Return the median. */
export function median(values: ArrayLike<number>): number {
  const sorted = Float64Array.from(values).sort();
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}

/** Return a quantile (0 to 1) of values in any order. */
export function quantile(values: ArrayLike<number>, q: number): number {
  return quantileOfSorted(Float64Array.from(values).sort(), q);
}

/** Return a quantile (0 to 1) of ascending values: the smallest value that at least this part of all does not exceed. */
export function quantileOfSorted(sorted: Float64Array, q: number): number {
  // 0.999 × 1000 is a little more than 999.
  const rank = Math.ceil(q * sorted.length - 1e-9);
  return sorted[Math.min(sorted.length, Math.max(1, rank)) - 1]!;
}

export function mean(values: ArrayLike<number>): number {
  let sum = 0;
  for (let k = 0; k < values.length; k++) sum += values[k]!;
  return sum / values.length;
}

/**
 * Return what the slowest of `ranks` takes on average if each draws one of the samples, independently of the others: the mean
 * of the largest of so many draws from their distribution.
 */
export function expectedSlowest(samples: Float64Array, ranks: number): number {
  const sorted = samples.slice().sort();
  let sum = 0;
  for (let k = 0; k < sorted.length; k++) {
    const [from, to] = [k / sorted.length, (k + 1) / sorted.length];
    sum += sorted[k]! * (to ** ranks - from ** ranks);
  }
  return sum;
}

/** The ratio of two medians and its 95 % interval. */
export interface Ratio {
  readonly ratio: number;
  readonly from: number;
  readonly to: number;
}

/**
 * Return median(above) / median(below) with its 95 % interval: percentile bootstrap over launches (Efron 1979), with a
 * generator of its own, so that the same launches give the same interval.
 */
export function ratioOfMedians(above: readonly number[], below: readonly number[]): Ratio {
  const random = seededRandom(0x9e3779b9);
  const draw = (values: readonly number[]): number[] => values.map(() => values[Math.floor(random() * values.length)]!);
  const ratios = Float64Array.from({ length: RESAMPLES }, () => median(draw(above)) / median(draw(below))).sort();
  return {
    ratio: median(above) / median(below),
    from: ratios[Math.floor(0.025 * RESAMPLES)]!,
    to: ratios[Math.ceil(0.975 * RESAMPLES) - 1]!,
  };
}

/** Return a generator of numbers in [0, 1): mulberry32. */
export function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
