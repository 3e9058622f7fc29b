/** Hundreds of communicators made and freed, more alive than there are areas, constructions in flight at once. */

import assert from 'node:assert/strict';
import { type Communicator, MAX, SUM, whenAll, world } from 'tsmpi';

const { rank, size } = world;
const to = (rank + 1) % size;
const from = (rank + size - 1) % size;
const into = new Int32Array(1000);

// One after the other. Its first message may arrive before the neighbour has its communicator.
for (let k = 0; k < 400; k++) {
  const made = k % 3 === 0 ? world.split(0, rank) : k % 3 === 1 ? world.dup() : world.splitShared();
  const comm = k % 2 === 0 ? made.wait() : await made;
  const send = comm.send(new Int32Array((k % 2) * 999 + 1).fill(k), to, 1);
  comm.recv(into, from, 1).wait();
  assert.equal(into[0], k);
  await send;
  assert.equal(await comm.allreduce(k + rank, MAX), k + size - 1);
  if (k % 5 === 0) comm[Symbol.dispose]();
  else if (k % 2 === 0) comm.free().wait();
  else await comm.free();
}

// Many alive at once, each made from the one before, and freed in another order.
const alive: Communicator[] = [world];
for (let k = 1; k <= 60; k++) alive.push(await alive[k - 1].dup());
for (let round = 0; round < 2; round++) {
  const sums = alive.map((comm, k) => comm.allreduce(k + rank, SUM));
  for (const [k, sum] of (await whenAll(sums)).entries()) assert.equal(sum, size * k + (size * (size - 1)) / 2);
  const barriers = alive.map((comm) => comm.barrier());
  for (const barrier of barriers.reverse()) barrier.wait();
}
for (let k = 1; k <= 60; k += 2) await alive[k].free();
for (let k = 2; k <= 60; k += 2) alive[k].free().wait();

// In flight at once on several parents, completed in another order on each rank.
for (let round = 0; round < 20; round++) {
  const parents = [world, await world.dup(), await world.split(0, -rank)];
  const requests = parents.flatMap((parent, k) => [parent.dup(), parent.split(k, rank)]);
  const order = requests.map((_, k) => (k * 5 + rank + round) % requests.length);
  const made: Communicator[] = [];
  for (const k of order) made[k] = round % 2 === 0 ? requests[k].wait() : await requests[k];
  const sums = made.map((comm, k) => comm.allreduce(k, SUM));
  assert.deepEqual(
    await whenAll(sums),
    made.map((_, k) => size * k),
  );
  const gone = [...parents.slice(1), ...made].map((comm) => comm.free());
  await Promise.all(gone);
}

// A part of the ranks goes through communicators of its own meanwhile, out of step with the others.
const side = await world.split(rank % 2);
for (let k = 0; k < 20 * (1 + (rank % 2)); k++) {
  const inner = await side.dup();
  assert.equal(await inner.allreduce(1, SUM), side.size);
  await inner.free();
}
const again = await world.dup();
assert.equal(await again.allreduce(1, SUM), size);
console.log(`rank ${rank}: many`);
