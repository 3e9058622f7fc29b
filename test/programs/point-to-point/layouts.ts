/**
 * Derived datatypes between two ranks, in both directions at once: columns and blocks of matrices, around every switch
 * point and in many pieces, to arrays, from arrays and to other layouts; structs; one collective of each kind.
 */

import assert from 'node:assert/strict';
import { f64, indexedBlock, pack, SUM, struct, subarray, u32, vector, whenAll, world } from 'tsmpi';

const peer = 1 - world.rank;
let count = 0;

function matrixOf(rank: number, rows: number): Float64Array {
  return Float64Array.from({ length: rows * 5 }, (_, k) => rank * 1e6 + k);
}

for (const rows of [1, 4, 5, 1000, 1024, 1025, 4096, 4097, 20_000, 300_000]) {
  const mine = matrixOf(world.rank, rows);
  const theirs = matrixOf(peer, rows);
  const column = vector(rows, 1, 5);
  const wide = vector(rows, 2, 5);
  for (const [type, size] of [
    [column, rows],
    [wide, 2 * rows],
  ] as const) {
    const out = type.of(mine, 1);
    const wanted = pack(type.of(theirs, 1));
    const array = new Float64Array(size);
    const [status] = await whenAll([world.recv(array, peer), world.send(out, peer)]);
    assert.equal(status.count, size);
    assert.deepEqual(array, wanted);
    const other = new Float64Array(5 * rows + 3).fill(-1);
    whenAll([world.recv(type.of(other, 2), peer), world.send(out, peer)]).wait();
    assert.deepEqual(pack(type.of(other, 2)), wanted);
    assert.equal(other.filter((value) => value === -1).length, other.length - size);
    other.fill(-1);
    await whenAll([world.recv(type.of(other), peer), world.send(pack(out), peer)]);
    assert.deepEqual(pack(type.of(other)), wanted);
    count += 3;
  }
}

const cube = Int32Array.from({ length: 64 ** 3 }, (_, k) => k * (world.rank + 1));
const face = subarray([64, 64, 64], [62, 62, 2], [1, 1, 1]);
const received = new Int32Array(64 ** 3);
await world.sendrecv(face.of(cube), peer, face.of(received), peer);
assert.deepEqual(
  pack(face.of(received)),
  pack(face.of(cube)).map((value) => (value / (world.rank + 1)) * (peer + 1)),
);

const places = Array.from({ length: 50_000 }, (_, k) => k * 5 + (k % 4));
const gathered = await world.allgather(indexedBlock(1, places).of(cube));
assert.deepEqual([gathered.length, gathered[3], gathered[50_003]], [100_000, 18, 36]);
const sums = await world.allreduce(face.of(cube), face.of(received), SUM);
assert.equal(sums, face.of(received).array === sums.array ? sums : undefined);
assert.deepEqual(pack(sums)[5], (pack(face.of(cube))[5]! / (world.rank + 1)) * 3);

const particle = struct({ x: f64, id: u32 });
for (const length of [1, 2, 3, 700, 40_000]) {
  const values = Array.from({ length }, (_, id) => ({ x: id / 7 + world.rank, id }));
  const view = particle.alloc(length);
  const status = await world.sendrecv(particle.encode(values), peer, particle.of(view), peer);
  assert.equal(status.count, length);
  assert.deepEqual(particle.decode(view).at(-1), { x: (length - 1) / 7 + peer, id: length - 1 });
  count++;
}
console.log(`rank ${world.rank}: ${count} layouts`);
