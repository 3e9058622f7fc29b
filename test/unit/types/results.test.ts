/**
 * What calls return, as the compiler infers it and as it is at run time: a world of one gives every call its result.
 *
 * The types are checked by `tsc -p test`, which `npm run check` runs; each value beside them when the test runs.
 */

import { expect, expectTypeOf, test } from 'vitest';
import {
  ANY_SOURCE,
  ANY_TAG,
  alloc,
  BAND,
  type Communicator,
  createOp,
  type FilledParts,
  IN_PLACE,
  MAX,
  MAXLOC,
  type Message,
  type Persistent,
  PROC_NULL,
  type Request,
  type Status,
  SUM,
  startAll,
  testAny,
  waitAll,
  waitAny,
  whenAll,
  whenAny,
  whenSome,
  world,
} from '../../../src/index.ts';

const signal = new AbortController().signal;
const shared = new Float64Array(new SharedArrayBuffer(16));

test('scalars stay scalars', async () => {
  const sum = world.allreduce(3.5, MAX);
  expectTypeOf(sum).toEqualTypeOf<Request<number>>();
  expect(await sum).toBe(3.5);
  const big = world.allreduce(7n, BAND, { timeoutMs: 1000 });
  expectTypeOf(big).toEqualTypeOf<Request<bigint>>();
  expect(await big).toBe(7n);
  const located = await world.allreduce({ value: 2, location: 4 }, MAXLOC);
  expectTypeOf(located).toEqualTypeOf<{ value: number; location: number }>();
  expect(located).toEqual({ value: 2, location: 4 });
  const toRoot = await world.reduce(1, SUM);
  expectTypeOf(toRoot).toEqualTypeOf<number | undefined>();
  expect(toRoot).toBe(1);
  expectTypeOf(world.reduce(1n, SUM, 0)).toEqualTypeOf<Request<bigint | undefined>>();
  const broadcast = await world.bcast(2.5, 0);
  expectTypeOf(broadcast).toEqualTypeOf<number>();
  expect(broadcast).toBe(2.5);
  expectTypeOf(world.bcast(2n)).toEqualTypeOf<Request<bigint>>();
});

test('fresh results have the element type, over an ArrayBuffer', async () => {
  const reduced = await world.allreduce(shared, SUM);
  expectTypeOf(reduced).toEqualTypeOf<Float64Array<ArrayBuffer>>();
  expect(reduced.buffer).toBeInstanceOf(ArrayBuffer);
  const gathered = await world.gather(world.rank);
  expectTypeOf(gathered).toEqualTypeOf<Float64Array<ArrayBuffer> | undefined>();
  expect(gathered).toEqual(Float64Array.of(0));
  const bigs = await world.allgather(5n);
  expectTypeOf(bigs).toEqualTypeOf<BigInt64Array<ArrayBuffer>>();
  expect(bigs).toEqual(BigInt64Array.of(5n));
  const bytes = await world.allgather(Buffer.from('x'));
  expectTypeOf(bytes).toEqualTypeOf<Uint8Array<ArrayBuffer>>();
  expect([...bytes]).toEqual([120]);
  const viewed = await world.gather(new DataView(new ArrayBuffer(2)));
  expectTypeOf(viewed).toEqualTypeOf<Uint8Array<ArrayBuffer> | undefined>();
  expect(viewed).toEqual(new Uint8Array(2));
  const exchanged = await world.alltoall(Uint8ClampedArray.of(300));
  expectTypeOf(exchanged).toEqualTypeOf<Uint8ClampedArray<ArrayBuffer>>();
  expect(exchanged).toEqual(Uint8ClampedArray.of(255));
  const parts = await world.gatherv(Int16Array.of(1, 2));
  expectTypeOf(parts).toEqualTypeOf<FilledParts<Int16Array<ArrayBuffer>> | undefined>();
  expect(parts).toMatchObject({ data: Int16Array.of(1, 2), counts: Int32Array.of(2) });
  expectTypeOf(world.allreduce(Int8Array.of(1), SUM)).resolves.toEqualTypeOf<Int8Array<ArrayBuffer>>();
  expectTypeOf(world.allreduce(Uint16Array.of(1), SUM)).resolves.toEqualTypeOf<Uint16Array<ArrayBuffer>>();
  expectTypeOf(world.allreduce(Uint32Array.of(1), SUM)).resolves.toEqualTypeOf<Uint32Array<ArrayBuffer>>();
  expectTypeOf(world.allreduce(Float32Array.of(1), SUM)).resolves.toEqualTypeOf<Float32Array<ArrayBuffer>>();
  expectTypeOf(world.allreduce(BigUint64Array.of(1n), BAND)).resolves.toEqualTypeOf<BigUint64Array<ArrayBuffer>>();
});

test('a result that was given is returned as it is, whatever its buffer', async () => {
  const out = await world.allreduce(Float64Array.of(1, 2), shared, SUM);
  expectTypeOf(out).toEqualTypeOf<Float64Array<SharedArrayBuffer>>();
  expect(out).toBe(shared);
  const inPlace = Int32Array.of(3);
  const reduced = await world.allreduce(IN_PLACE, inPlace, SUM);
  expectTypeOf(reduced).toEqualTypeOf<Int32Array<ArrayBuffer>>();
  expect(reduced).toBe(inPlace);
  expectTypeOf(world.gather(1, new Float64Array(1))).resolves.toEqualTypeOf<Float64Array<ArrayBuffer> | undefined>();
  expectTypeOf(world.reduce(inPlace, undefined, SUM)).resolves.toExtend<Int32Array | undefined>();
  const view = new DataView(new ArrayBuffer(8));
  const sent = await world.bcast(view);
  expectTypeOf(sent).toEqualTypeOf<DataView<ArrayBuffer>>();
  expect(sent).toBe(view);
});

test('options stand behind the last argument given', async () => {
  expectTypeOf(world.gather(1, { root: 0, signal })).toEqualTypeOf<Request<Float64Array<ArrayBuffer> | undefined>>();
  expectTypeOf(world.gather(1, 0, { timeoutMs: 1000 })).toEqualTypeOf<Request<Float64Array<ArrayBuffer> | undefined>>();
  expectTypeOf(world.allreduce(shared, SUM, { timeoutMs: 1000 })).toEqualTypeOf<Request<Float64Array<ArrayBuffer>>>();
  expectTypeOf(world.reduce(1, SUM, { root: 0 })).toEqualTypeOf<Request<number | undefined>>();
  expectTypeOf(world.bcast(shared, { root: 0, signal })).toEqualTypeOf<Request<Float64Array<SharedArrayBuffer>>>();
  const into = new Float64Array(2);
  await world.send(into, 0, { tag: 3, timeoutMs: 1000 });
  await world.send(into, 0, 4, { timeoutMs: 1000 });
  const first = world.recv(into, { source: 0, tag: 4, timeoutMs: 1000 });
  expectTypeOf(first).toEqualTypeOf<Request<Status>>();
  expect((await first).tag).toBe(4);
  expect((await world.recv(into, 0, { timeoutMs: 1000 })).tag).toBe(3);
});

test('statuses, probes, objects', async () => {
  const into = new DataView(new ArrayBuffer(8));
  await world.send(-1.5, 0, 6);
  const status = await world.recv(into, ANY_SOURCE, ANY_TAG);
  expectTypeOf(status).toEqualTypeOf<Status>();
  expectTypeOf(status.type).toEqualTypeOf<
    'i8' | 'u8' | 'u8c' | 'i16' | 'u16' | 'i32' | 'u32' | 'f32' | 'f64' | 'i64' | 'u64' | 'bytes' | 'object'
  >();
  expect(into.getFloat64(0, true)).toBe(-1.5);
  expect(status).toMatchObject({ source: 0, tag: 6, type: 'f64', byteLength: 8, cancelled: false });
  expectTypeOf(world.tryProbe()).toEqualTypeOf<Status | undefined>();
  expectTypeOf(world.tryMprobe(0)).toEqualTypeOf<Message | undefined>();
  const sent = world.sendObject({ name: 'a' }, 0);
  expectTypeOf(sent).toEqualTypeOf<Request<void>>();
  const message = await world.mprobe();
  expectTypeOf(message).toEqualTypeOf<Message>();
  const value = await message.recvObject<{ name: string }>();
  expectTypeOf(value).toEqualTypeOf<{ name: string }>();
  expect(value).toEqual({ name: 'a' });
  await sent;
  const unknown = world.recvObject({ timeoutMs: 1 });
  expectTypeOf(unknown).toEqualTypeOf<Request<unknown>>();
  await expect(unknown).rejects.toMatchObject({ code: 'ERR_MPI_TIMEOUT' });
  expectTypeOf(world.messages<number>(0)).toEqualTypeOf<AsyncIterableIterator<{ value: number; status: Status }>>();
});

test('lists of requests keep each one’s result', async () => {
  const requests = [world.allreduce(1, SUM), world.recv(new Int8Array(1), PROC_NULL), world.gather(Int8Array.of(1))] as const;
  const all = await whenAll(requests);
  expectTypeOf(all).toEqualTypeOf<[number, Status, Int8Array<ArrayBuffer> | undefined]>();
  expect(all).toMatchObject([1, { source: PROC_NULL }, Int8Array.of(1)]);
  expectTypeOf(waitAll(requests)).toEqualTypeOf<[number, Status, Int8Array<ArrayBuffer> | undefined]>();
  const any = waitAny([world.allreduce(1, SUM), world.allreduce(2n, SUM)]);
  expectTypeOf(any).toEqualTypeOf<{ index: number; result: number | bigint }>();
  expectTypeOf(testAny([world.barrier()])).toExtend<{ index: number } | undefined>();
  expectTypeOf(whenAny([world.barrier()]).wait().index).toEqualTypeOf<number>();
  expectTypeOf(whenSome([world.allreduce(1, SUM)])).toEqualTypeOf<Request<{ index: number; result: number }[]>>();
  expectTypeOf(world.allreduce(1, SUM).wait()).toEqualTypeOf<number>();
  expectTypeOf(world.allreduce(1, SUM).then((sum) => String(sum))).toEqualTypeOf<Promise<string>>();
});

test('persistent operations', async () => {
  const into = new Float64Array(1);
  const receive = world.recvInit(into, 0, 1);
  expectTypeOf(receive).toEqualTypeOf<Persistent<Status>>();
  const send = world.sendInit(Float64Array.of(8), 0, 1);
  expectTypeOf(send).toEqualTypeOf<Persistent<void>>();
  const started = startAll([receive]);
  expectTypeOf(started).toEqualTypeOf<Request<Status>[]>();
  await whenAll([...started, ...startAll<unknown>([send])]);
  expect(into[0]).toBe(8);
  send.free();
  receive.free();
});

test('communicators: a colour always makes one, no colour may not', async () => {
  const one = await world.split(0);
  expectTypeOf(one).toEqualTypeOf<Communicator>();
  const none = await world.split(undefined as number | undefined);
  expectTypeOf(none).toEqualTypeOf<Communicator | undefined>();
  expect(none).toBeUndefined();
  const created = await world.create(world.group.include([0]));
  expectTypeOf(created).toEqualTypeOf<Communicator | undefined>();
  expect(created!.size).toBe(1);
  expectTypeOf(world.dup()).toEqualTypeOf<Request<Communicator>>();
  expectTypeOf(world.group.rank).toEqualTypeOf<number | undefined>();
  expectTypeOf(world.group.translate([0], one.group)).toEqualTypeOf<(number | undefined)[]>();
  expectTypeOf(world.abort).returns.toBeNever();
  {
    using scoped = await world.dup();
    expectTypeOf(scoped).toEqualTypeOf<Communicator>();
  }
  await Promise.all([one.free(), created!.free()]);
});

test('alloc: the buffer’s type follows `shared`', () => {
  const plain = alloc(Float64Array, 3);
  expectTypeOf(plain).toEqualTypeOf<Float64Array<ArrayBuffer>>();
  expect(plain.buffer).toBeInstanceOf(ArrayBuffer);
  const both = alloc(BigUint64Array, 3, { shared: true });
  expectTypeOf(both).toEqualTypeOf<BigUint64Array<SharedArrayBuffer>>();
  expect(both.buffer).toBeInstanceOf(SharedArrayBuffer);
});

test('a user’s operator sees the arrays it says it works on', async () => {
  const larger = createOp<Float64Array>((input, inout) => {
    expectTypeOf(input).toEqualTypeOf<Float64Array>();
    for (let k = 0; k < input.length; k++) inout[k] = Math.max(input[k], inout[k]);
  });
  expect(await world.allreduce(2, larger)).toBe(2);
});
