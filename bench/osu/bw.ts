/**
 * Bandwidth and message rate from rank 0 to rank 1, a window of messages in flight, beside two copies in bare C: the
 * single copy of process_vm_readv and the pipelined copy through 8 slots of 32 KiB, on the same pages.
 *
 * Repetitions are many before those that count: a rank that runs alone on its core shares it with the compiler of its own
 * code until about a thousand long messages have gone, and moves a third as much meanwhile.
 *
 * Buffers are written by their owner before anything is timed: pages never written read too fast.
 *
 *     tsmpirun -n 2 --bind-to core bench/osu/bw.ts -m 1048576:1048576
 */

import { type Request, waitAll, world } from 'tsmpi';
import { readOptions } from '../lib/options.ts';
import { Reference } from '../lib/reference.ts';
import { heading, median, row } from '../lib/report.ts';

const WINDOW = 64;
const options = readOptions({
  min: 8,
  max: 1 << 24,
  warmup: 40,
  sizes: [8, 64, 1024, 8192, 65536, 1 << 20, 1 << 22, 1 << 24],
});
if (world.size < 2) {
  console.error('bw needs two ranks: tsmpirun -n 2');
  process.exit(2);
}
const reference = Reference.create(world);
const { rank } = world;

/** Nanoseconds per message. */
function stream(data: Uint8Array, windows: number, perWindow: number): number {
  const ready = new Uint8Array(1);
  world.barrier().wait();
  const start = performance.now();
  for (let w = 0; w < windows; w++) {
    const requests: Request<unknown>[] = [];
    for (let k = 0; k < perWindow; k++) requests.push(rank === 0 ? world.send(data, 1, 1) : world.recv(data, 0, 1));
    waitAll(requests);
    if (rank === 0) world.recv(ready, 1, 2).wait();
    else world.send(ready, 0, 2).wait();
  }
  return ((performance.now() - start) * 1e6) / (windows * perWindow);
}

function measure(size: number): void {
  const data = new Uint8Array(size).fill(rank + 1);
  const perWindow = size >= 1 << 22 ? 4 : size >= 1 << 20 ? 16 : WINDOW;
  const windows = options.iterations ?? Math.max(2, Math.min(500, Math.floor(4e8 / ((size + 2000) * perWindow))));
  const [ours, single, pipelined]: number[][] = [[], [], []];
  for (let repetition = -options.warmup; repetition < options.repetitions; repetition++) {
    const message = stream(data, windows, perWindow);
    const copies = Math.max(2, Math.floor(5e7 / (size + 10_000)));
    let one = Number.NaN;
    let two = Number.NaN;
    if (reference !== undefined && size >= 4096) {
      // Rank 1 times the single copy, rank 0 prints: it is told.
      const told = Float64Array.of(reference.singleCopy(data, copies));
      world.bcast(told, 1).wait();
      one = told[0]!;
      two = reference.pipeline(data, copies);
    }
    if (repetition < 0) continue;
    ours!.push(message);
    single!.push(one);
    pipelined!.push(two);
  }
  const [m, one, two] = [median(ours!), median(single!), median(pipelined!)];
  const mbps = (ns: number): number => (size / ns) * 1000;
  if (rank === 0) row(size, [mbps(m), 1000 / m, mbps(one), mbps(two), mbps(m) / Math.max(mbps(one), mbps(two))]);
}

if (rank === 0) {
  heading(`tsmpi bandwidth and message rate, window of up to ${WINDOW}, median of ${options.repetitions} repetitions`, [
    'Size',
    'MB/s',
    'Mmsg/s',
    'C single copy',
    'C pipelined',
    'of the better',
  ]);
}
if (rank < 2) for (const size of options.sizes) measure(size);
