/**
 * Noise: every rank does the same piece of work again and again and times each. What is above the shortest is the system's
 * doing, and in noise_alloc, whose work makes small objects, that of the garbage collector too (fixed work quantum:
 * Sottile and Minnich, Cluster 2004).
 *
 * The number of the first column is how many ranks come together after each piece: the figure is what the slowest of so many
 * takes, by calculation from the times of all ranks here, as if each drew one of them (Tsafrir et al., ICS 2005). Noise that
 * strikes all ranks at once grows less, so it is an upper estimate. No repetition is rejected: disturbance is what is measured.
 */

import type { Communicator } from 'tsmpi';
import { expectedSlowest } from '../lib/statistics.ts';
import type { Settings } from '../records.ts';
import type { Operation } from './measure.ts';
import { calibrate, compute } from './overlap.ts';

const QUANTUM_US = 100;
/** Arrays that a piece of work makes, their length, and how many of the last ones stay: old ones become garbage. */
const MADE = 16;
const LENGTH = 32;
const KEPT = 1 << 12;
const ITERATIONS = 5000;

/** Return the pieces of work. All ranks call this. */
export function createNoise(comm: Communicator, settings: Settings, ranks: number): Operation {
  const steps = comm.bcast(Float64Array.of(calibrate() * QUANTUM_US), 0).wait()[0]!;
  const kept: number[][] = [];
  const isAllocating = settings.program === 'noise_alloc';
  let made = 0;
  const piece = (): void => {
    compute(steps);
    for (let k = 0; isAllocating && k < MADE; k++) kept[made++ & (KEPT - 1)] = new Array<number>(LENGTH).fill(made);
  };
  return {
    run: (count) => {
      for (let k = 0; k < count; k++) piece();
    },
    sample: async (count) => {
      const own = new Float64Array(count);
      for (let k = 0, before = performance.now(); k < count; k++) {
        piece();
        const after = performance.now();
        own[k] = (after - before) * 1000;
        before = after;
      }
      const all = new Float64Array(comm.rank === 0 ? count * comm.size : 0);
      await comm.gather(own, all, 0);
      return all;
    },
    figure: (samples) => expectedSlowest(samples, ranks),
    keepsAll: true,
    parts: 1,
    clock: 'rank 0',
    isTimed: true,
    isCollective: false,
    iterations: ITERATIONS,
    longestUs: QUANTUM_US * ITERATIONS,
  };
}
