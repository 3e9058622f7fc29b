/**
 * A strided column as a derived datatype, beside the same column packed and unpacked by hand around a plain message:
 * half round trips between ranks 0 and 1, in turns, with `wait()`.
 *
 *     tsmpirun -n 2 --bind-to core bench/micro/layout.ts -m 65536:4194304
 */

import { type Layout, vector, world } from 'tsmpi';
import { readOptions } from '../lib/options.ts';
import { heading, row } from '../lib/report.ts';
import { median } from '../lib/statistics.ts';

/** Elements from one of the column to the next. */
const STRIDE = 16;
const options = readOptions({ min: 1024, max: 1 << 22, sizes: [1024, 8192, 65536, 1 << 18, 1 << 20, 1 << 22] });
if (world.size < 2) {
  console.error('layout needs two ranks: tsmpirun -n 2');
  process.exit(2);
}
const { rank } = world;

/** Half round trip in nanoseconds. */
function bounce(iterations: number, send: () => void, receive: () => void): number {
  world.barrier().wait();
  const start = performance.now();
  for (let k = 0; k < iterations; k++) {
    if (rank === 0) {
      send();
      receive();
    } else {
      receive();
      send();
    }
  }
  return ((performance.now() - start) * 1e6) / (2 * iterations);
}

function measure(size: number): void {
  const rows = size / 8;
  const matrix = new Float64Array(rows * STRIDE).fill(rank + 1);
  const buffer = new Float64Array(rows).fill(rank + 1);
  const column: Layout<Float64Array> = vector(rows, 1, STRIDE).of(matrix);
  const peer = 1 - rank;
  const iterations = options.iterations ?? Math.max(4, Math.min(2000, Math.floor(2e8 / (size * 8 + 20_000))));
  const [layouts, byHand, plain]: number[][] = [[], [], []];
  for (let repetition = -options.warmup; repetition < options.repetitions; repetition++) {
    const asLayout = bounce(
      iterations,
      () => world.send(column, peer).wait(),
      () => void world.recv(column, peer).wait(),
    );
    const packed = bounce(
      iterations,
      () => {
        for (let k = 0, at = 0; k < rows; k++, at += STRIDE) buffer[k] = matrix[at]!;
        world.send(buffer, peer).wait();
      },
      () => {
        world.recv(buffer, peer).wait();
        for (let k = 0, at = 0; k < rows; k++, at += STRIDE) matrix[at] = buffer[k]!;
      },
    );
    const array = bounce(
      iterations,
      () => world.send(buffer, peer).wait(),
      () => void world.recv(buffer, peer).wait(),
    );
    if (repetition < 0) continue;
    layouts!.push(asLayout);
    byHand!.push(packed);
    plain!.push(array);
  }
  const [l, h, p] = [median(layouts!), median(byHand!), median(plain!)];
  if (rank === 0) row(size, [l / 1000, h / 1000, p / 1000, h / l]);
}

if (rank === 0) {
  heading(`tsmpi column of a matrix, stride ${STRIDE} elements, half round trip, median of ${options.repetitions} repetitions`, [
    'Size',
    'layout us',
    'by hand us',
    'no column us',
    'by hand/layout',
  ]);
}
if (rank < 2) for (const size of options.sizes) measure(size);
