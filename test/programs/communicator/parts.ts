/** split, splitShared, dup and create on real ranks: who is where, and that messages stay in their communicator. */

import assert from 'node:assert/strict';
import { type Communicator, MAX, SUM, world } from 'tsmpi';

const { rank, size } = world;

/** All members agree on who they are, and a message sent around comes from the neighbour. */
function check(part: Communicator, members: readonly number[]): void {
  assert.deepEqual([...part.group.ranks], members);
  assert.deepEqual([part.size, part.rank, part.group.rank], [members.length, members.indexOf(rank), members.indexOf(rank)]);
  assert.deepEqual([...part.allgather(rank).wait()], members);
  assert.equal(
    part.allreduce(rank, SUM).wait(),
    members.reduce((sum, member) => sum + member, 0),
  );
  const got = new Float64Array(3000);
  const [to, from] = [(part.rank + 1) % part.size, (part.rank + part.size - 1) % part.size];
  part.sendrecv(new Float64Array(3000).fill(rank), to, got, from).wait();
  assert.ok(got.every((value) => value === members[from]));
}

const everyone = Array.from({ length: size }, (_, member) => member);
const even = everyone.filter((member) => member % 2 === 0);
const odd = everyone.filter((member) => member % 2 === 1);
const mine = rank % 2 === 0 ? even : odd;

check(world.split(rank % 2).wait(), mine);
check(await world.split(rank % 2, -rank), [...mine].reverse());
// Equal keys: ordered by rank; fractions and negative keys order as numbers do.
check(await world.split(7, 1.5), everyone);
const without = world.split(rank === 1 ? undefined : 0).wait();
if (rank === 1) assert.equal(without, undefined);
else
  check(
    without!,
    everyone.filter((member) => member !== 1),
  );
check(await world.splitShared(), everyone);
check(await world.splitShared(-rank), [...everyone].reverse());
check(world.dup().wait(), everyone);

// Halved until everybody is alone.
let part: Communicator = world;
while (part.size > 1) {
  const half = part.size >> 1;
  const upper = part.rank >= half;
  const expected = part.group.ranks.slice(upper ? half : 0, upper ? part.size : half);
  part = await part.split(upper ? 1 : 0);
  check(part, expected);
}

// Groups: reordered, only some, two disjoint ones at once.
check((await world.create(world.group.include([...everyone].reverse())))!, [...everyone].reverse());
const first = await world.create(world.group.exclude([0]));
if (rank === 0) assert.equal(first, undefined);
else check(first!, everyone.slice(1));
check((await world.create(world.group.include(mine)))!, mine);
assert.equal(await world.create(world.group.include([])), undefined);

// Equal envelopes in several communicators: each receive gets its own communicator's, in whatever order they are taken.
const dups = [world, await world.dup(), await world.dup(), world.split(0, size - rank).wait()];
const to = dups.map((dup) => (dup.rank + 1) % size);
const from = dups.map((dup) => (dup.rank + size - 1) % size);
for (const length of [1, 1000, 30_000]) {
  const sends = dups.map((dup, k) => dup.send(new Float64Array(length).fill(10 * rank + k), to[k], 5));
  for (const k of [2, 0, 3, 1]) {
    const got = new Float64Array(length);
    await dups[k].recv(got);
    const sender = dups[k].group.ranks[from[k]];
    assert.ok(
      got.every((value) => value === 10 * sender + k),
      `communicator ${k} got ${got[0]} from ${sender}`,
    );
  }
  await Promise.all(sends);
}
dups[1].name = 'second';
assert.throws(() => dups[1].send(new Int8Array(1), size), { message: /no rank of second/, communicator: 'second' });

// Given up: by all together, or by this rank alone.
const last = await world.dup();
await last.free();
await last.free();
assert.throws(() => last.barrier(), { code: 'ERR_MPI_COMM' });
{
  await using scoped = await world.dup();
  assert.equal(scoped.allreduce(rank, MAX).wait(), size - 1);
}
await world.barrier();
console.log(`rank ${rank}: parts`);
