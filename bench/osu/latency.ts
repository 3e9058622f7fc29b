/**
 * Latency: half a round trip between ranks 0 and 1, with `wait()` and with `await`, beside bare C in the same run.
 *
 * The reference is a ping-pong of two cache lines. Median of the repetitions, each of enough round trips to take
 * about 20 ms; references and subjects take turns.
 *
 *     tsmpirun -n 2 --bind-to core bench/osu/latency.ts -m 8:8
 */

import { alloc, world } from 'tsmpi';
import { readOptions } from '../lib/options.ts';
import { Reference } from '../lib/reference.ts';
import { heading, median, quantile, row } from '../lib/report.ts';

const options = readOptions({ min: 0, max: 1 << 24, sizes: [0, 1, 8, 64, 1024, 8192, 65536, 1 << 20, 1 << 24] });
if (world.size < 2) {
  console.error('latency needs two ranks: tsmpirun -n 2');
  process.exit(2);
}
const reference = Reference.create(world);
const { rank } = world;
const peer = 1 - rank;

function exchangeWaiting(data: Uint8Array, into: Uint8Array, count: number): void {
  for (let k = 0; k < count; k++) {
    if (rank === 0) {
      world.send(data, peer, 1).wait();
      world.recv(into, peer, 1).wait();
    } else {
      world.recv(into, peer, 1).wait();
      world.send(data, peer, 1).wait();
    }
  }
}

async function exchangeAwaiting(data: Uint8Array, into: Uint8Array, count: number): Promise<void> {
  for (let k = 0; k < count; k++) {
    if (rank === 0) {
      await world.send(data, peer, 1);
      await world.recv(into, peer, 1);
    } else {
      await world.recv(into, peer, 1);
      await world.send(data, peer, 1);
    }
  }
}

/** Microseconds of half a round trip. */
function since(start: number, count: number): number {
  return ((performance.now() - start) * 1000) / (2 * count);
}

async function measure(size: number): Promise<void> {
  const data = alloc(Uint8Array, size).fill(rank + 1);
  const into = alloc(Uint8Array, size).fill(7);
  const count = options.iterations ?? Math.max(10, Math.min(20_000, Math.floor(2e8 / (size + 10_000))));
  const bare: number[] = [];
  const waiting: number[] = [];
  const awaiting: number[] = [];
  for (let repetition = -options.warmup; repetition < options.repetitions; repetition++) {
    world.barrier().wait();
    const c = reference === undefined ? Number.NaN : reference.pingPong(20_000) / 1000;
    world.barrier().wait();
    let start = performance.now();
    exchangeWaiting(data, into, count);
    const w = since(start, count);
    world.barrier().wait();
    start = performance.now();
    await exchangeAwaiting(data, into, count);
    const a = since(start, count);
    if (repetition < 0) continue;
    bare.push(c);
    waiting.push(w);
    awaiting.push(a);
  }
  if (rank !== 0) return;
  const [c, w, a] = [median(bare), median(waiting), median(awaiting)];
  row(size, [w, quantile(waiting, 0.99), a, c, w / c, a / w]);
}

if (rank === 0) {
  const kind = `${world.size} ranks, median of ${options.repetitions} repetitions`;
  heading(`tsmpi latency: half round trip in us, ${kind}`, ['Size', 'wait()', 'p99', 'await', 'bare C', 'wait/C', 'await/wait']);
}
if (rank < 2) for (const size of options.sizes) await measure(size);
