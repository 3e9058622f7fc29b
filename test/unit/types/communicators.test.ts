/** Attributes, hints, error handling, topologies and intercommunicators: what the compiler infers and refuses. */

import { expect, expectTypeOf, test } from 'vitest';
import {
  type Cartesian,
  type Communicator,
  type Comparison,
  createKeyval,
  type ErrorHandling,
  type FilledParts,
  type Graph,
  IN_PLACE,
  type Info,
  type Intercommunicator,
  type Keyval,
  LAND,
  MAXLOC,
  type Persistent,
  type Request,
  ROOT,
  SUM,
  TAG_UB,
  WTIME_IS_GLOBAL,
  world,
} from '../../../src/index.ts';

test('an attribute has the type of its key', async () => {
  const key = createKeyval<{ steps: number }>({ copy: (value) => ({ steps: value.steps + 1 }) });
  expectTypeOf(key).toEqualTypeOf<Keyval<{ steps: number }>>();
  expectTypeOf(world.attribute(key)).toEqualTypeOf<{ steps: number } | undefined>();
  expectTypeOf(world.attribute(TAG_UB)).toEqualTypeOf<number | undefined>();
  expectTypeOf(world.attribute(WTIME_IS_GLOBAL)).toEqualTypeOf<boolean | undefined>();
  const comm = await world.dup();
  // @ts-expect-error a value of another type
  comm.setAttribute(key, 'five');
  // @ts-expect-error a key is made by createKeyval
  expect(() => comm.attribute('steps')).toThrow('expected what createKeyval returns');
  // @ts-expect-error a copy of another type
  createKeyval<number>({ copy: () => 'text' });
  comm.setAttribute(key, { steps: 1 });
  expect((await comm.dup()).attribute(key)).toEqual({ steps: 2 });
});

test('info, errors, comparison', async () => {
  expectTypeOf(world.info).toEqualTypeOf<Info>();
  expectTypeOf(world.errors).toEqualTypeOf<ErrorHandling>();
  expectTypeOf(world.compare(world)).toEqualTypeOf<Comparison>();
  const comm = await world.dup({ info: { any: 'text' }, timeoutMs: 1000 });
  expect(() => {
    // @ts-expect-error texts only
    comm.info = { mpi_assert_no_any_tag: true };
  }).toThrow("expected 'true' or 'false'");
  expect(() => {
    // @ts-expect-error two ways only
    comm.errors = 'return';
  }).toThrow("expected 'throw' or 'abort'");
});

test('copies of communicators with a topology have it', async () => {
  const grid = await world.cartesian([1]);
  expectTypeOf(grid.dup()).toEqualTypeOf<Request<Cartesian>>();
  const graph = await world.distGraph([[0, 0, 2]]);
  expectTypeOf(graph.dup()).toEqualTypeOf<Request<Graph>>();
  expect((await graph.dup()).sourceWeights).toEqual([2]);
  // @ts-expect-error an edge has two ends
  expect(() => world.distGraph([[0]])).toThrow('edge 0 goes to undefined');
  expectTypeOf(world.createGroup(world.group)).toEqualTypeOf<Request<Communicator>>();
  expect(world.group.includeRanges([[0, 0]]).ranks).toEqual([0]);
});

test('calls of intercommunicators: results of the other group’s data', () => {
  /** Never called: one rank is not two groups. */
  const calls = (inter: Intercommunicator, data: Float64Array<SharedArrayBuffer>, root: number) => {
    expectTypeOf(inter.allreduce(1, SUM)).toEqualTypeOf<Request<number>>();
    expectTypeOf(inter.allreduce({ value: 1, location: 2 }, MAXLOC)).resolves.toEqualTypeOf<{
      value: number;
      location: number;
    }>();
    expectTypeOf(inter.allgather(data)).toEqualTypeOf<Request<Float64Array<ArrayBuffer>>>();
    expectTypeOf(inter.allgatherv(data)).toEqualTypeOf<Request<FilledParts<Float64Array<ArrayBuffer>>>>();
    expectTypeOf(inter.gather(undefined, data, ROOT)).toEqualTypeOf<Request<typeof data | undefined>>();
    expectTypeOf(inter.reduce(data, undefined, SUM, root)).toExtend<Request<unknown>>();
    expectTypeOf(inter.reduceScatter(data, [1], SUM)).toEqualTypeOf<Request<Float64Array<ArrayBuffer>>>();
    expectTypeOf(inter.bcast(1n, root)).toEqualTypeOf<Request<bigint>>();
    expectTypeOf(inter.gatherObject('x', root)).toEqualTypeOf<Request<string[] | undefined>>();
    expectTypeOf(inter.allreduceObject('x', (a, b) => a + b)).toEqualTypeOf<Request<string>>();
    expectTypeOf(inter.split(1)).toEqualTypeOf<Request<Intercommunicator | undefined>>();
    expectTypeOf(inter.create(inter.group)).toEqualTypeOf<Request<Intercommunicator | undefined>>();
    expectTypeOf(inter.dup()).toEqualTypeOf<Request<Intercommunicator>>();
    expectTypeOf(inter.merge(true)).toEqualTypeOf<Request<Communicator>>();
    expectTypeOf(inter.allgatherInit(data, data)).toEqualTypeOf<Persistent<typeof data>>();
    // @ts-expect-error nothing is in place between two groups
    void inter.allreduce(IN_PLACE, data, SUM);
    // @ts-expect-error logical operators on floats
    void inter.allreduce(data, LAND);
    // @ts-expect-error a root must be named
    inter.bcast(data);
    // @ts-expect-error scans are not defined
    inter.scan(data, SUM);
    // @ts-expect-error another element type
    void inter.alltoall(data, new Int32Array(1));
  };
  expect(calls).toBeTypeOf('function');
});
