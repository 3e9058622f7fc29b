/** Non-overtaking order with messages of all sizes, wildcards, the null peer, messages to oneself, sendrecv around a ring. */

import assert from 'node:assert/strict';
import { ANY_SOURCE, ANY_TAG, PROC_NULL, type Request, whenAll, world } from 'tsmpi';

const { rank, size } = world;
const EACH = 300;
const LENGTHS = [1, 8, 9, 700, 2048, 2049, 9000, 40_000];

// Everybody sends to rank 0, itself included, which takes them in turns: by source, from anybody, with any tag.
const sends: Request<void>[] = [];
for (let k = 0; k < EACH; k++) sends.push(world.send(new Int32Array(LENGTHS[(k * 5 + rank) % 8]).fill(k), 0, k % 3));
if (rank === 0) {
  const next = Array.from({ length: size }, () => [0, 1, 2]);
  const into = new Int32Array(40_000);
  for (let taken = 0; taken < size * EACH; taken++) {
    const open = next.findIndex((tags) => tags.some((k) => k < EACH));
    const tag = next[open].findIndex((k) => k < EACH);
    const choice = taken % 4;
    const request = world.recv(into, choice < 2 ? ANY_SOURCE : open, choice % 2 === 0 ? ANY_TAG : choice === 3 ? tag : ANY_TAG);
    const status = taken % 2 === 0 ? request.wait() : await request;
    const expected = next[status.source][status.tag];
    assert.equal(into[0], expected, `from ${status.source} with tag ${status.tag}`);
    assert.equal(into[status.count - 1], expected);
    assert.equal(status.count, LENGTHS[(expected * 5 + status.source) % 8]);
    // One source's messages come in their order where the tag does not choose.
    if (choice !== 3) assert.equal(expected, Math.min(...next[status.source]));
    next[status.source][status.tag] += 3;
  }
  assert.equal(world.tryProbe(), undefined);
}
await whenAll(sends);
await world.barrier();

// Receives from anybody match in the order in which they were posted.
if (rank === 0) {
  const buffers = Array.from({ length: size - 1 }, () => Int32Array.of(-1));
  const posted = buffers.map((buffer, k) => world.recv(buffer, ANY_SOURCE, k % 2 === 0 ? 5 : ANY_TAG));
  for (let to = 1; to < size; to++) {
    await world.send(Int32Array.of(to), to, 6);
    await posted[to - 1];
    assert.deepEqual([buffers[to - 1][0], posted[to - 1].status.source], [to, to]);
  }
} else {
  await world.recv(new Int32Array(1), 0, 6);
  await world.send(Int32Array.of(rank), 0, 5);
}

// The null peer takes and gives nothing.
const kept = Float64Array.of(4);
assert.equal(await world.send(kept, PROC_NULL, 3), undefined);
assert.deepEqual(await world.recv(kept, PROC_NULL, 3), {
  ...{ source: PROC_NULL, tag: ANY_TAG, count: 0, byteLength: 0, type: 'bytes', cancelled: false },
});
assert.equal(kept[0], 4);

// Around the ring, in sizes that are short, eager and announced; all at once, so that no order of sends can save it.
for (const length of [1, 500, 5000, 200_000]) {
  const from = (rank + size - 1) % size;
  const to = (rank + 1) % size;
  const got = new Float64Array(length);
  const status = world.sendrecv(new Float64Array(length).fill(rank), to, got, from, { sendTag: length, recvTag: length }).wait();
  assert.deepEqual([status.source, status.tag, status.count, got[0], got[length - 1]], [from, length, length, from, from]);
  await world.sendrecvReplace(got, from, to);
  assert.ok(got.every((value) => value === rank));
  // A line instead of a ring: the ends have the null peer.
  const left = rank === 0 ? PROC_NULL : rank - 1;
  const right = rank === size - 1 ? PROC_NULL : rank + 1;
  const line = new Float64Array(length).fill(-1);
  const { source } = await world.sendrecv(got, right, line, left);
  assert.deepEqual([source, line[length - 1]], left === PROC_NULL ? [PROC_NULL, -1] : [left, left]);
}
console.log(`rank ${rank}: in order`);
