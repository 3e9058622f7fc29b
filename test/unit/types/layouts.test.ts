/** Derived datatypes, as the compiler sees them and as they are at run time. */

import { expect, expectTypeOf, test } from 'vitest';
import {
  contiguous,
  type Datatype,
  f64,
  IN_PLACE,
  i64,
  LAND,
  type Layout,
  MpiError,
  pack,
  type Request,
  type StructValue,
  SUM,
  struct,
  u32,
  unpack,
  vector,
  world,
} from '../../../src/index.ts';

const shared = new Float64Array(new SharedArrayBuffer(32));
const column = vector(2, 1, 2);

test('a layout knows its array, a result the elements', async () => {
  const layout = column.of(shared);
  expectTypeOf(layout).toEqualTypeOf<Layout<Float64Array<SharedArrayBuffer>>>();
  expectTypeOf(pack(layout)).toEqualTypeOf<Float64Array<ArrayBuffer>>();
  const sum = await world.allreduce(layout, SUM);
  expectTypeOf(sum).toEqualTypeOf<Float64Array<ArrayBuffer>>();
  expect(sum).toEqual(new Float64Array(2));
  const into = column.of(new Float64Array(4), 1);
  const filled = await world.allreduce(layout, into, SUM);
  expectTypeOf(filled).toEqualTypeOf<Layout<Float64Array<ArrayBuffer>>>();
  expect(filled).toBe(into);
  expectTypeOf(world.allreduce(IN_PLACE, into, SUM)).toEqualTypeOf<Request<Layout<Float64Array<ArrayBuffer>>>>();
  expectTypeOf(world.allgather(layout)).toEqualTypeOf<Request<Float64Array<ArrayBuffer>>>();
  expectTypeOf(world.gather(new Float64Array(2), into)).resolves.toEqualTypeOf<Layout<Float64Array<ArrayBuffer>> | undefined>();
  expectTypeOf(world.alltoallw([layout], [into])).toEqualTypeOf<Request<void>>();
  const bytes = vector(2, 1, 2).of(new DataView(new ArrayBuffer(4)));
  expectTypeOf(pack(bytes)).toEqualTypeOf<Uint8Array<ArrayBuffer>>();
  expectTypeOf(unpack(new Uint8Array(16), 0, layout)).toBeNumber();
});

test('the value of a struct has its fields', async () => {
  const inner = struct({ n: i64 });
  const particle = struct({ x: f64, id: u32, inner });
  type Particle = StructValue<typeof particle>;
  expectTypeOf<Particle>().toEqualTypeOf<{ x: number; id: number; inner: { n: bigint } }>();
  const view = particle.alloc(1);
  expectTypeOf(view).toEqualTypeOf<DataView<ArrayBuffer>>();
  const values: Particle[] = [{ x: 0.5, id: 3, inner: { n: -7n } }];
  const [status] = await Promise.all([world.recv(particle.of(view), 0), world.send(particle.encode(values), 0)]);
  expect(status.count).toBe(1);
  expectTypeOf(particle.decode(view)).toEqualTypeOf<Particle[]>();
  expect(particle.decode(view)).toEqual(values);
  expectTypeOf(contiguous(2, particle)).toEqualTypeOf<Datatype>();
  // @ts-expect-error a field is missing
  expect(() => particle.encode([{ x: 1, id: 2 }])).toThrow(MpiError);
  // @ts-expect-error a field is a bigint
  expect(() => particle.write(view, 0, { x: 1, id: 2, inner: { n: 1 } })).toThrow(TypeError);
  // @ts-expect-error a struct lies over bytes
  expect(() => particle.of(shared)).toThrow(MpiError);
  // @ts-expect-error a field is an element type
  expect(() => struct({ x: 'f64' })).toThrow(MpiError);
});

test('what does not fit the elements of a layout', () => {
  const layout = column.of(shared);
  // @ts-expect-error logical operators on floats
  expect(() => world.allreduce(layout, LAND)).toThrow('LAND does not take f64');
  // @ts-expect-error floats into integers
  expect(() => world.allreduce(layout, column.of(new Int32Array(4)), SUM)).toThrow(MpiError);
  // @ts-expect-error a datatype is no data until it is laid over an array
  expect(() => world.send(column, 0)).toThrow('expected a typed array, DataView, buffer or layout');
});
