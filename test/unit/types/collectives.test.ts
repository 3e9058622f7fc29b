/** What the v-forms, scans, persistent collectives and those of values return, inferred and at run time, and what they refuse. */

import { expect, expectTypeOf, test } from 'vitest';
import {
  BAND,
  type FilledParts,
  IN_PLACE,
  LAND,
  MAX,
  MAXLOC,
  MpiError,
  type Persistent,
  type Request,
  SUM,
  world,
} from '../../../src/index.ts';

const shared = new Float64Array(new SharedArrayBuffer(16)).fill(3);

/** The code with which a call is refused, at the call or by its request. */
async function code(call: () => unknown): Promise<string> {
  try {
    await call();
  } catch (error) {
    if (error instanceof MpiError) return error.code;
    throw error;
  }
  return 'nothing';
}

test('v-forms without receive parts make them', async () => {
  const gathered = await world.allgatherv(shared);
  expectTypeOf(gathered).toEqualTypeOf<FilledParts<Float64Array<ArrayBuffer>>>();
  expect(gathered).toEqual({ data: Float64Array.of(3, 3), counts: Int32Array.of(2), displs: Int32Array.of(0) });
  const exchanged = await world.alltoallv({ data: Uint8Array.of(1, 2, 3), counts: [2], displs: [1] });
  expectTypeOf(exchanged).toEqualTypeOf<FilledParts<Uint8Array<ArrayBuffer>>>();
  expect(exchanged.data).toEqual(Uint8Array.of(2, 3));
});

test('parts that were given are returned as they are', async () => {
  const parts = { data: new Int32Array(3), counts: [2], displs: [1] };
  const gathered = await world.gatherv(Int32Array.of(7, 8), parts);
  expectTypeOf(gathered).toEqualTypeOf<typeof parts | undefined>();
  expect(gathered).toBe(parts);
  expect(parts.data).toEqual(Int32Array.of(0, 7, 8));
  expectTypeOf(world.allgatherv(Int32Array.of(1, 2), parts, { timeoutMs: 1000 })).toEqualTypeOf<Request<typeof parts>>();
  expectTypeOf(world.alltoallv({ data: Int32Array.of(1, 2), counts: [2] }, parts)).toEqualTypeOf<Request<typeof parts>>();
  const into = new Int32Array(2);
  const scattered = await world.scatterv(parts, into, { root: 0 });
  expectTypeOf(scattered).toEqualTypeOf<Int32Array<ArrayBuffer>>();
  expect(scattered).toBe(into);
  expectTypeOf(world.scatterv(parts as typeof parts | undefined, into)).toEqualTypeOf<Request<Int32Array<ArrayBuffer>>>();
  expectTypeOf(world.scatterv(parts, IN_PLACE)).toEqualTypeOf<Request<typeof parts>>();
});

test('scans and reductions that scatter', async () => {
  const scanned = await world.scan(2, SUM);
  expectTypeOf(scanned).toEqualTypeOf<number>();
  expect(scanned).toBe(2);
  const before = await world.exscan(2, SUM);
  expectTypeOf(before).toEqualTypeOf<number | undefined>();
  expect(before).toBeUndefined();
  expectTypeOf(world.exscan(2n, BAND)).toEqualTypeOf<Request<bigint | undefined>>();
  expectTypeOf(world.exscan(shared, SUM)).toEqualTypeOf<Request<Float64Array<ArrayBuffer> | undefined>>();
  expectTypeOf(world.exscan(shared, new Float64Array(2), SUM)).toEqualTypeOf<Request<Float64Array<ArrayBuffer>>>();
  expectTypeOf(world.scan({ value: 1, location: 2 }, MAXLOC)).resolves.toEqualTypeOf<{ value: number; location: number }>();
  const block = await world.reduceScatterBlock(shared, MAX);
  expectTypeOf(block).toEqualTypeOf<Float64Array<ArrayBuffer>>();
  expect(block).toEqual(Float64Array.of(3, 3));
  const out = new Float32Array(1);
  const part = await world.reduceScatter(Float32Array.of(4), out, [1], SUM);
  expectTypeOf(part).toEqualTypeOf<Float32Array<ArrayBuffer>>();
  expect([part === out, out[0]]).toEqual([true, 4]);
  expectTypeOf(world.reduceScatter(Int8Array.of(4), [1], SUM)).resolves.toEqualTypeOf<Int8Array<ArrayBuffer>>();
});

test('persistent collectives give back the result that was set up', async () => {
  const out = new Float64Array(2);
  const reduce = world.allreduceInit(shared, out, SUM);
  expectTypeOf(reduce).toEqualTypeOf<Persistent<Float64Array<ArrayBuffer>>>();
  expect(await reduce.start()).toBe(out);
  expect(out).toEqual(Float64Array.of(3, 3));
  const inPlace = world.scanInit(IN_PLACE, shared, SUM);
  expectTypeOf(inPlace).toEqualTypeOf<Persistent<Float64Array<SharedArrayBuffer>>>();
  const barrier = world.barrierInit();
  expectTypeOf(barrier).toEqualTypeOf<Persistent<void>>();
  expectTypeOf(world.bcastInit(shared, 0)).toEqualTypeOf<Persistent<Float64Array<SharedArrayBuffer>>>();
  expectTypeOf(world.gatherInit(shared, out)).toEqualTypeOf<Persistent<Float64Array<ArrayBuffer> | undefined>>();
  expectTypeOf(world.reduceInit(shared, undefined, SUM, 0)).toExtend<Persistent<Float64Array | undefined>>();
  await barrier.start();
});

test('collectives of values keep the type of the value', async () => {
  const value = { name: 'a', field: Float64Array.of(1) };
  expectTypeOf(world.bcastObject(value, { root: 0 })).toEqualTypeOf<Request<typeof value>>();
  const all = await world.allgatherObject(value);
  expectTypeOf(all).toEqualTypeOf<(typeof value)[]>();
  expect(all).toEqual([value]);
  expectTypeOf(world.gatherObject(1, 0)).resolves.toEqualTypeOf<number[] | undefined>();
  expectTypeOf(world.scatterObject(['text'])).resolves.toEqualTypeOf<string>();
  expectTypeOf(world.alltoallObject([new Map<string, Date>()])).resolves.toEqualTypeOf<Map<string, Date>[]>();
  const joined = await world.allreduceObject('x', (a, b) => a + b);
  expectTypeOf(joined).toEqualTypeOf<string>();
  expect(joined).toBe('x');
  const none: number | undefined = await world.reduceObject(1, (a, b) => a * b);
  expect(none).toBe(1);
});

test('what does not fit', async () => {
  const integers = { data: new Int32Array(2), counts: [2] };
  // @ts-expect-error parts of another element type
  expect(await code(() => world.allgatherv(shared, integers))).toBe('ERR_MPI_TYPE');
  // @ts-expect-error parts of another element type
  expect(await code(() => world.alltoallv({ data: shared, counts: [2] }, integers))).toBe('ERR_MPI_TYPE');
  // @ts-expect-error parts of another element type
  expect(await code(() => world.scatterv(integers, new Float64Array(2)))).toBe('ERR_MPI_TYPE');
  // @ts-expect-error parts have counts
  expect(await code(() => world.alltoallv({ data: shared }))).toMatch(/^ERR_MPI_/);
  // @ts-expect-error logical operators on floats
  expect(await code(() => world.scan(shared, LAND))).toBe('ERR_MPI_OP');
  // @ts-expect-error bitwise operators on floats
  expect(await code(() => world.reduceScatterBlock(shared, BAND))).toBe('ERR_MPI_OP');
  // @ts-expect-error another element type
  expect(await code(() => world.exscan(shared, new Int32Array(2), SUM))).toBe('ERR_MPI_TYPE');
  // @ts-expect-error persistent forms take no numbers
  expect(await code(() => world.allreduceInit(3, SUM))).toMatch(/^ERR_MPI_/);
  // @ts-expect-error a root is a number
  expect(await code(() => world.bcastInit(shared, 'first'))).toBe('ERR_MPI_ROOT');
  // @ts-expect-error values to scatter are an array
  expect(await code(() => world.scatterObject({ 0: 'text' }))).toMatch(/^ERR_MPI_/);
  // @ts-expect-error an operator is no function of two values
  expect(await code(() => world.allreduceObject(1, SUM))).toMatch(/^ERR_MPI_/);
});
