/** What nobody receives yet: 10^4 messages of one tag before one of another, and a megabyte from everybody to everybody. */

import assert from 'node:assert/strict';
import { ANY_SOURCE, type Request, whenAll, world } from 'tsmpi';

const { rank, size } = world;
const COUNT = 10_000;
const into = new Int32Array(1024);

// Each rank is flooded by the one before it, some of the messages eager and long.
const lengthOf = (k: number): number => [1, 8, 300, 1024][k % 4];
const outs = [0, 1, 2, 3].map((k) => new Int32Array(lengthOf(k)).fill(rank));
const to = (rank + 1) % size;
const from = (rank + size - 1) % size;
const flood = Array.from({ length: COUNT }, (_, k) => world.send(outs[k % 4], to, 1));
flood.push(world.send(Int32Array.of(-7 - rank), to, 2));
world.recv(into, from, 2).wait();
assert.equal(into[0], -7 - from);
for (let k = 0; k < COUNT; k++) {
  const status = k % 2 === 0 ? world.recv(into, from, 1).wait() : await world.recv(into, ANY_SOURCE, 1);
  assert.deepEqual([status.count, into[status.count - 1]], [lengthOf(k), from], `message ${k}`);
}
await whenAll(flood);

// A megabyte to everybody, itself included, before anybody receives.
const length = 1 << 20;
const sends: Request<void>[] = [];
for (let dest = 0; dest < size; dest++) sends.push(world.send(new Uint8Array(length).fill(16 * rank + dest + 1), dest, 3));
await world.barrier();
for (let source = 0; source < size; source++) {
  const block = new Uint8Array(length);
  assert.equal((await world.recv(block, source, 3)).byteLength, length);
  assert.equal(Buffer.compare(block, Buffer.alloc(length, 16 * source + rank + 1)), 0);
}
await whenAll(sends);
console.log(`rank ${rank}: flood`);
