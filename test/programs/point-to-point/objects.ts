/** Objects between two ranks: arrays beside them, order among arrays, the iterator, several of several megabytes. */

import assert from 'node:assert/strict';
import { world } from 'tsmpi';

interface Field {
  k: number;
  name: Map<string, Date>;
  field: Float64Array;
  seen: Set<bigint>;
  self?: Field;
}

const COUNT = 60;
const lengthOf = (k: number): number => [0, 3, 600, 1200, 30_000, 400_000][k % 6];

if (world.rank === 0) {
  const sends = [];
  for (let k = 0; k < COUNT; k++) {
    const value: Field = {
      k,
      name: new Map([[`n${k}`, new Date(k)]]),
      field: new Float64Array(lengthOf(k)).fill(k),
      seen: new Set([2n ** 70n]),
    };
    value.self = value;
    sends.push(world.sendObject(value, 1, 4));
    if (k % 5 === 0) sends.push(world.send(Int32Array.of(k), 1, 4));
  }
  await Promise.all(sends);
  world.sendObject(undefined, 1, 5).wait();
  world.sendObject(new RangeError('too far'), 1, 5).wait();
  assert.throws(() => world.sendObject({ deep: [() => 1] }, 1), /value\.deep\[0\]/);
  for (let k = 0; k < 10; k++) await world.sendObject(k, 1, 6);
} else {
  for (let k = 0; k < COUNT; k++) {
    const request = world.recvObject<Field>(0, 4);
    const value = k % 2 === 0 ? request.wait() : await request;
    assert.deepEqual([value.k, value.name.get(`n${k}`), value.seen.has(2n ** 70n)], [k, new Date(k), true]);
    assert.equal(value.self, value);
    assert.ok(value.field.length === lengthOf(k) && value.field.every((x) => x === k));
    assert.deepEqual([request.status.type, request.status.count], ['object', 1]);
    if (k % 5 !== 0) continue;
    const into = new Int32Array(1);
    if (k % 10 === 0) assert.throws(() => world.recvObject(0, 4).wait(), /use recv with an array of i32/);
    else {
      await world.recv(into, 0, 4);
      assert.equal(into[0], k);
    }
  }
  assert.equal(await world.recvObject(0, 5), undefined);
  const error = await world.recvObject<RangeError>(0, 5);
  assert.ok(error instanceof RangeError && error.message === 'too far');
  const got: number[] = [];
  for await (const { value, status } of world.messages<number>(0)) {
    assert.equal(status.tag, 6);
    if (got.push(value) === 4) break;
  }
  while (got.length < 10) got.push(await world.recvObject<number>(0, 6));
  assert.deepEqual(
    got,
    Array.from({ length: 10 }, (_, k) => k),
  );
}
await world.barrier();
console.log(`rank ${world.rank}: objects`);
