/** Messages of derived datatypes between ranks of one thread, on scarce buffers: every protocol, in both directions. */

import { describe, expect, test } from 'vitest';
import {
  type Communicator,
  contiguous,
  type Data,
  f64,
  indexedBlock,
  type Layout,
  MpiError,
  PROC_NULL,
  pack,
  struct,
  subarray,
  type TypedArray,
  vector,
} from '../../../src/index.ts';
import { createWorlds } from '../ranks.ts';

/** Rows of a matrix of three columns: short, at once, announced and in many pieces. */
const ROWS = [0, 1, 4, 5, 1000, 1024, 1025, 5000, 40_000];

function matrix(rows: number, first = 0): Float64Array<ArrayBuffer> {
  return Float64Array.from({ length: rows * 3 + 1 }, (_, k) => first + k);
}

async function exchange(a: Communicator, b: Communicator, data: Data, into: Data, isPosted: boolean) {
  const receive = isPosted ? b.recv(into, 0, 5) : undefined;
  const send = a.send(data, 1, 5);
  const [status] = await Promise.all([receive ?? b.recv(into, 0, 5), send]);
  return status;
}

describe.each([true, false])('receive posted first: %s', (isPosted) => {
  test.each(ROWS)('%i elements: a column, to an array, from one, to another column', async (rows) => {
    const [a, b] = createWorlds(2);
    const column = vector(rows, 1, 3);
    const from = matrix(rows);
    const elements = Float64Array.from({ length: rows }, (_, row) => from[row * 3 + 1]!);
    const status = { source: 0, tag: 5, count: rows, byteLength: rows * 8, type: 'f64', cancelled: false };

    const array = new Float64Array(rows);
    expect(await exchange(a!, b!, column.of(from, 1), array, isPosted)).toEqual(status);
    expect(array).toEqual(elements);

    const into = matrix(rows, 0.5);
    const expected = into.slice();
    for (let row = 0; row < rows; row++) expected[row * 3 + 2] = elements[row]!;
    expect(await exchange(a!, b!, elements, column.of(into, 2), isPosted)).toEqual(status);
    expect(into).toEqual(expected);

    into.set(matrix(rows, 0.5));
    expect(await exchange(a!, b!, column.of(from, 1), column.of(into, 2), isPosted)).toEqual(status);
    expect(into).toEqual(expected);
  });

  test('a plane of a cube, irregular blocks, a message to oneself', async () => {
    const [a, b] = createWorlds(2);
    const cube = Int32Array.from({ length: 30 ** 3 }, (_, k) => k);
    const plane = subarray([30, 30, 30], [28, 28, 1], [1, 1, 3]);
    const received = new Int32Array(30 ** 3);
    await exchange(a!, b!, plane.of(cube), plane.of(received), isPosted);
    expect(pack(plane.of(received))).toEqual(pack(plane.of(cube)));
    expect(received.filter((value) => value !== 0)).toHaveLength(28 * 28);

    const displs = Array.from({ length: 5000 }, (_, k) => k * 5 + (k % 3));
    const scattered = indexedBlock(2, displs).of(cube);
    const list = new Int32Array(10_000);
    await exchange(a!, b!, scattered, list, isPosted);
    expect(list).toEqual(pack(scattered));

    for (const [data, into] of [
      [scattered, list],
      [list, scattered],
      [
        scattered,
        indexedBlock(
          1,
          Array.from({ length: 10_000 }, (_, k) => k * 2),
        ).of(received),
      ],
    ] as const) {
      const wanted = Array.from(pack(data as Layout<Int32Array>));
      const receive = isPosted ? a!.recv(into, 0) : undefined;
      const send = a!.send(data, 0);
      await Promise.all([receive ?? a!.recv(into, 0), send]);
      expect(Array.from(pack(into as Layout<Int32Array>))).toEqual(wanted);
    }
  });
});

test('values of a struct arrive as they were, and are counted whole', async () => {
  const [a, b] = createWorlds(2);
  const particle = struct({ x: f64, id: f64 });
  for (const wide of [particle, struct({ x: f64, id: f64, kind: f64 })] as const) {
    for (const count of [1, 2, 300, 3000]) {
      const values = Array.from({ length: count }, (_, id) => ({ x: id / 3, id, kind: id % 7 }));
      const view = wide.alloc(count + 1);
      const status = await exchange(a!, b!, wide.encode(values), wide.of(view), count % 2 === 0);
      expect(status).toMatchObject({ count, type: 'bytes' });
      expect(wide.decode(view).slice(0, count)).toEqual(wide === particle ? values.map(({ x, id }) => ({ x, id })) : values);
    }
  }
});

test('the other calls that take data: ssend, sendrecv, sendrecvReplace, mprobe, persistent, nobody', async () => {
  const [a, b] = createWorlds(2);
  const column = vector(2000, 1, 2);
  const left = Float64Array.from({ length: 4000 }, (_, k) => k);
  const right = new Float64Array(4000);
  await Promise.all([b!.recv(column.of(right, 1), 0), a!.ssend(column.of(left), 1)]);
  expect(pack(column.of(right, 1))).toEqual(pack(column.of(left)));

  // Columns that interlock in one matrix do not overlap.
  const both = [left.slice(), right.map((value) => -value)];
  const [first] = await Promise.all(
    [a!, b!].map((comm, rank) => comm.sendrecv(column.of(both[rank]!), 1 - rank, column.of(both[rank]!, 1), 1 - rank)),
  );
  expect(first).toMatchObject({ source: 1, count: 2000 });
  expect(pack(column.of(both[0]!, 1))).toEqual(pack(column.of(both[1]!)));

  const swapped = [left.slice(), right.slice()];
  const before = swapped.map((array) => pack(column.of(array, 1)));
  await Promise.all([a!, b!].map((comm, rank) => comm.sendrecvReplace(column.of(swapped[rank]!, 1), 1 - rank, 1 - rank)));
  expect(swapped.map((array) => pack(column.of(array, 1)))).toEqual([...before].reverse());
  expect(swapped[0]![0]).toBe(0);

  const send = a!.send(column.of(left), 1, 9);
  const message = await b!.mprobe(0, 9);
  expect(message.status).toMatchObject({ count: 2000, type: 'f64' });
  right.fill(0);
  await message.recv(column.of(right));
  await send;
  expect(pack(column.of(right))).toEqual(pack(column.of(left)));

  const out = a!.sendInit(column.of(left), 1, 3);
  const inward = b!.recvInit(column.of(right, 1), 0, 3);
  for (let round = 1; round <= 3; round++) {
    left[0] = round;
    await Promise.all([inward.start(), out.start()]);
    expect(right[1]).toBe(round);
  }
  await a!.send(column.of(left), PROC_NULL);
  expect(await a!.recv(column.of(left), PROC_NULL)).toMatchObject({ source: PROC_NULL, count: 0 });
});

test('a message that does not fit is consumed, and nothing is written', async () => {
  const [a, b] = createWorlds(2);
  for (const count of [3, 30, 3000]) {
    const into = new Float64Array(count * 2);
    const layout = vector(count - 1, 1, 2).of(into);
    const [long] = await Promise.allSettled([b!.recv(layout, 0), a!.send(new Float64Array(count).fill(1), 1)]);
    expect((long as PromiseRejectedResult).reason).toMatchObject({ code: 'ERR_MPI_TRUNCATE' });
    const [other] = await Promise.allSettled([b!.recv(layout, 0), a!.send(new Float32Array(2), 1)]);
    expect((other as PromiseRejectedResult).reason).toMatchObject({ code: 'ERR_MPI_TYPE' });
    expect(into.every((value) => value === 0)).toBe(true);
    const [less] = await Promise.all([b!.recv(layout, 0), a!.send(Float64Array.of(5), 1)]);
    expect([less.count, into[0], into[2]]).toEqual([1, 5, 0]);
  }
});

test('memory that is transferred away under way fails both sides', async () => {
  const [a, b] = createWorlds(2);
  const from = new Float64Array(100_000);
  const into = new Float64Array(50_000);
  const send = a!.send(vector(50_000, 1, 2).of(from), 1);
  structuredClone(from, { transfer: [from.buffer] });
  const results = await Promise.allSettled([send, b!.recv(into, 0)]);
  for (const result of results) {
    const { reason } = result as PromiseRejectedResult;
    expect(reason).toBeInstanceOf(MpiError);
    expect(reason.code).toBe('ERR_MPI_BUFFER');
  }
});

test('one item of a datatype with its element type over other arrays is refused', () => {
  const arrays: TypedArray[] = [new Float32Array(4), new BigInt64Array(4)];
  for (const array of arrays) expect(() => contiguous(2, f64).of(array)).toThrow('a datatype of f64 was laid over');
  expect(contiguous(2, f64).of(new DataView(new ArrayBuffer(16))).datatype.size).toBe(16);
});
