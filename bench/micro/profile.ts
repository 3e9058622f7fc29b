/**
 * What measuring costs: half round trips of 8 bytes between ranks 0 and 1, before and after startProfile() in the same
 * processes, and with a region around each.
 *
 *     tsmpirun -n 2 --bind-to core bench/micro/profile.ts
 */

import { region, startProfile, world } from 'tsmpi';
import { median } from '../lib/statistics.ts';

const ROUND_TRIPS = 100;
const REPETITIONS = 3000;
const WARM_UPS = 100;

const { rank } = world;
const data = new Float64Array(1);
const peer = 1 - rank;

function trip(): void {
  if (rank === 0) {
    world.send(data, peer).wait();
    world.recv(data, peer).wait();
  } else {
    world.recv(data, peer).wait();
    world.send(data, peer).wait();
  }
}

/** Return half round trips in nanoseconds, one mean for each repetition. */
function measure(once: () => void): number[] {
  const means: number[] = [];
  for (let repetition = -WARM_UPS; repetition < REPETITIONS; repetition++) {
    world.barrier().wait();
    const start = performance.now();
    for (let k = 0; k < ROUND_TRIPS; k++) once();
    if (repetition >= 0) means.push(((performance.now() - start) * 1e6) / (2 * ROUND_TRIPS));
  }
  return means.sort((a, b) => a - b);
}

function print(name: string, means: readonly number[], base: readonly number[]): void {
  const [least, middle] = [means[0]! / base[0]!, median(means) / median(base)];
  const times = `least ${means[0]!.toFixed(0)} ns, median ${median(means).toFixed(0)}`;
  console.log(`${name.padEnd(18)} ${times}, over those before ${least.toFixed(3)}, ${middle.toFixed(3)}`);
}

if (world.size < 2) {
  console.error('profile needs two ranks: tsmpirun -n 2');
  process.exit(2);
}
if (rank < 2) {
  const before = measure(trip);
  startProfile();
  const after = measure(trip);
  const within = measure(() => region('trip', trip));
  if (rank === 0) {
    print('not measured', before, before);
    print('measured', after, before);
    print('in a region each', within, before);
  }
}
