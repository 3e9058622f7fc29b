/** Object messages between ranks: values, arrays beside them, order, and the iterator. */

import { expect, test } from 'vitest';
import { createWorlds } from '../ranks.ts';

test('what structuredClone takes arrives as it was', async () => {
  const [a, b] = createWorlds(2);
  const cyclic: { self?: unknown; name: string } = { name: 'ring' };
  cyclic.self = cyclic;
  const values = [
    undefined,
    null,
    -0,
    Number.NaN,
    2n ** 70n,
    'text',
    new Date(5),
    /x+/gi,
    new Map<unknown, unknown>([[1, new Set(['a'])]]),
    [1, [2, [3]]],
    {
      small: new Uint8Array(3),
      large: Float64Array.from({ length: 50_000 }, (_, i) => i),
      view: new DataView(new ArrayBuffer(5000)),
    },
  ];
  for (const value of values) {
    const [got] = await Promise.all([b!.recvObject(0, 1), a!.sendObject(value, 1, 1)]);
    expect(got).toEqual(value);
  }
  const [ring] = await Promise.all([b!.recvObject<typeof cyclic>(0), a!.sendObject(cyclic, 1)]);
  expect(ring.self).toBe(ring);
  const [error] = await Promise.all([b!.recvObject<Error>(0), a!.sendObject(new RangeError('far'), 1)]);
  expect([error instanceof RangeError, error.message]).toEqual([true, 'far']);
});

test('many objects with arrays, posted at once, keep their order and their arrays', async () => {
  const [a, b] = createWorlds(2);
  const sends = Array.from({ length: 50 }, (_, k) =>
    a!.sendObject({ k, parts: [new Int32Array(k * 100).fill(k), new Float32Array(2000).fill(k)] }, 1),
  );
  for (let k = 0; k < 50; k++) {
    const request = b!.recvObject<{ k: number; parts: [Int32Array, Float32Array] }>(0);
    const { k: number, parts } = await request;
    expect([number, parts[0].length, parts[0].every((x) => x === k), parts[1][1999]]).toEqual([k, 100 * k, true, k]);
    expect(request.status).toMatchObject({ source: 0, tag: 0, count: 1, type: 'object' });
  }
  await Promise.all(sends);
});

test('arrays and objects are matched in one order', async () => {
  const [a, b] = createWorlds(2);
  const sends = [a!.sendObject('first', 1), a!.send(Int32Array.of(2), 1), a!.sendObject('third', 1)];
  const into = new Int32Array(1);
  expect(await b!.recvObject(0)).toBe('first');
  await b!.recv(into, 0);
  expect(into[0]).toBe(2);
  expect(await b!.recvObject(0)).toBe('third');
  await Promise.all(sends);
});

test('an object received as an array is consumed with all its arrays, and its sender completes', async () => {
  const [a, b] = createWorlds(2);
  const into = new Float64Array(10);
  for (const length of [0, 1, 600, 900, 5000, 200_000]) {
    const field = new Float64Array(length);
    const value = { field, others: [new Int8Array(5000), new Int8Array(0)], text: 'x'.repeat(length) };
    const sends = [a!.sendObject(value, 1, 3), a!.sendObject({ field: new Float64Array(length).fill(1) }, 1, 4)];
    await expect(b!.recv(into, 0, 3)).rejects.toMatchObject({ code: 'ERR_MPI_TYPE' });
    await sends[0];
    // The next object gets its own arrays.
    const { field: got } = await b!.recvObject<typeof value>(0);
    expect(got.length === length && got.every((x) => x === 1)).toBe(true);
    await sends[1];
    const again = a!.sendObject(value, 1);
    const message = await b!.mprobe(0);
    await expect(message.recv(into)).rejects.toMatchObject({ code: 'ERR_MPI_TYPE' });
    await again;
  }
});

test('leaving messages() loses none', async () => {
  const [a, b] = createWorlds(2);
  const sends = Array.from({ length: 6 }, (_, k) => a!.sendObject(k, 1, 5));
  const got: number[] = [];
  for await (const { value, status } of b!.messages<number>(0, 5)) {
    expect(status.tag).toBe(5);
    got.push(value);
    if (got.length === 3) break;
  }
  for await (const { value } of b!.messages<number>(0, 5)) {
    got.push(value);
    if (got.length === 6) break;
  }
  expect(got).toEqual([0, 1, 2, 3, 4, 5]);
  await Promise.all(sends);
});
