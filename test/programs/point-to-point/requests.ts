/** Synchronous sends, probes and matched probes, lists of requests, persistent ones, cancelling, time-outs, signals. */

import assert from 'node:assert/strict';
import { startAll, testSome, waitAll, waitAny, waitSome, whenAny, world } from 'tsmpi';

const peer = 1 - world.rank;
const one = new Int32Array(1);
/** Rank 0 goes on once rank 1 has come here: whatever rank 1 sent before has arrived by then, on one route. */
async function meet(): Promise<void> {
  await world.sendrecv(new Int32Array(0), peer, new Int32Array(0), peer, { sendTag: 1000, recvTag: 1000 });
}

for (const length of [0, 8, 1000, 100_000]) {
  // A synchronous send is not complete before its receive has started, whatever its size.
  if (world.rank === 0) {
    const send = world.ssend(new Float64Array(length).fill(2), 1, 1);
    await meet();
    assert.equal(send.test(), false, `ssend of ${length}`);
    await meet();
    send.wait();
    assert.equal(send.test(), true);
  } else {
    await meet();
    await meet();
    const into = new Float64Array(length);
    assert.equal((await world.recv(into, 0, 1)).count, length);
    assert.ok(into.every((value) => value === 2));
  }

  // A probe looks, a matched probe claims: the second claimed is received first, the plain receive gets the third.
  if (world.rank === 0) {
    for (let k = 0; k < 3; k++) void world.send(new Float64Array(length + k).fill(k), 1, 2);
    await meet();
  } else {
    assert.deepEqual(world.probe(0, 2).wait(), world.tryProbe());
    const first = await world.mprobe(0, 2);
    const second = world.mprobe().wait();
    assert.deepEqual([first.status.count, second.status.count], [length, length + 1]);
    const into = new Float64Array(length + 2);
    assert.equal(world.recv(into, 0, 2).wait().count, length + 2);
    assert.ok(into.every((value) => value === 2));
    assert.equal(world.tryMprobe(0, 2), undefined);
    await second.recv(into.subarray(0, length + 1));
    assert.ok(into.subarray(0, length + 1).every((value) => value === 1));
    first.recv(into.subarray(0, length)).wait();
    assert.ok(into.subarray(0, length).every((value) => value === 0));
    assert.throws(() => first.recv(into), /^MpiError: this message was received already/);
    await meet();
  }
}

// Lists: messages arrive in another order than their receives were posted.
if (world.rank === 0) {
  for (const tag of [2, 0, 1]) {
    await world.recv(one, 1, 9);
    await world.send(Int32Array.of(tag), 1, tag);
  }
} else {
  const buffers = [0, 1, 2].map(() => new Int32Array(1));
  const receives = buffers.map((buffer, tag) => world.recv(buffer, 0, tag));
  const go = () => world.send(one, 0, 9).wait();
  assert.deepEqual(testSome(receives), []);
  go();
  assert.equal(waitAny(receives).index, 2);
  go();
  assert.equal((await whenAny([receives[0], receives[1]])).index, 0);
  go();
  assert.deepEqual(
    waitSome([receives[1]]).map(({ result }) => result.tag),
    [1],
  );
  assert.deepEqual(
    waitAll(receives).map(({ tag }) => tag),
    [0, 1, 2],
  );
  assert.deepEqual(
    buffers.map(([value]) => value),
    [0, 1, 2],
  );
}

// Persistent: set up once, a hundred rounds in both directions, in sizes of every protocol.
const sizes = [4, 1000, 20_000];
const outs = sizes.map((length) => new Float64Array(length));
const ins = sizes.map((length) => new Float64Array(length));
const receives = ins.map((array, tag) => world.recvInit(array, peer, tag));
const sends = outs.map((array, tag) => (tag === 1 ? world.ssendInit(array, peer, tag) : world.sendInit(array, peer, tag)));
for (let round = 0; round < 100; round++) {
  for (const out of outs) out.fill(round + world.rank);
  const started = [...startAll<unknown>(receives), ...startAll<unknown>(sends)];
  if (round % 2 === 0) waitAll(started);
  else await Promise.all(started);
  for (const array of ins) assert.ok(array[0] === round + peer && array.at(-1) === round + peer);
}
for (const operation of [...receives, ...sends]) operation.free();

// Given up: cancelled and late receives are withdrawn, so that the message goes to the next one.
const lost = new Int32Array(1);
if (world.rank === 1) {
  const cancelled = world.recv(lost, 0, 20);
  assert.equal(cancelled.cancel(), true);
  assert.equal(cancelled.wait().cancelled, true);
  await assert.rejects(Promise.resolve(world.recv(lost, 0, 20, { timeoutMs: 5 })), {
    code: 'ERR_MPI_TIMEOUT',
    message: 'recv(source 0, tag 20) on world did not complete within its timeoutMs',
  });
  assert.throws(() => world.recv(lost, { source: 0, tag: 20, timeoutMs: 5 }).wait(), { code: 'ERR_MPI_TIMEOUT' });
  const controller = new AbortController();
  const aborted = world.recv(lost, 0, 20, { signal: controller.signal });
  assert.throws(() => aborted.wait(), /timeoutMs/);
  controller.abort(new Error('enough'));
  await assert.rejects(Promise.resolve(aborted), /enough/);
  const object = world.recvObject(0, 20);
  assert.equal(object.cancel(), true);
  assert.throws(() => object.wait(), { code: 'ERR_MPI_CANCELLED' });
  await assert.rejects(Promise.resolve(world.probe(0, 20, { timeoutMs: 5 })), { code: 'ERR_MPI_TIMEOUT' });
  const patient = world.recv(one, 0, 20);
  assert.throws(() => patient.wait({ timeoutMs: 5 }), /it goes on/);
  await meet();
  await patient;
  assert.deepEqual([one[0], lost[0]], [77, 0]);
  assert.equal(patient.cancel(), false);
} else {
  await meet();
  await world.send(Int32Array.of(77), 1, 20);
}

// A send that could not be handed over is withdrawn too; one that was announced goes on underneath.
if (world.rank === 0) {
  const announced = world.ssend(Int32Array.of(5), 1, 21, { timeoutMs: 5 });
  await assert.rejects(Promise.resolve(announced), { code: 'ERR_MPI_TIMEOUT' });
  await meet();
} else {
  await meet();
  await world.recv(one, 0, 21);
  assert.equal(one[0], 5);
}
await world.barrier();
console.log(`rank ${world.rank}: requests`);
