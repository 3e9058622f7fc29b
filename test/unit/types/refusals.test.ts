/**
 * What must not compile: each line carries @ts-expect-error, so that `tsc -p test` fails when it does compile; and what the
 * compiler refuses is refused at run time too, for programs without types.
 */

import { expect, test } from 'vitest';
import {
  alloc,
  BAND,
  type Communicator,
  createOp,
  IN_PLACE,
  LAND,
  LOR,
  MAXLOC,
  MpiError,
  type Request,
  type Status,
  SUM,
  world,
} from '../../../src/index.ts';

const floats = new Float64Array(2);
const integers = new Int32Array(2);

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

test('what is no data', async () => {
  // @ts-expect-error a string is an object message
  expect(await code(() => world.send('text', 0))).toBe('ERR_MPI_TYPE');
  // @ts-expect-error a plain array is an object message
  expect(await code(() => world.send([1, 2], 0))).toBe('ERR_MPI_TYPE');
  // @ts-expect-error a plain object is an object message
  expect(await code(() => world.send({ x: 1 }, 0))).toBe('ERR_MPI_TYPE');
  // @ts-expect-error so is true
  expect(await code(() => world.ssend(true, 0))).toBe('ERR_MPI_TYPE');
  // @ts-expect-error nothing can be received into a number
  expect(await code(() => world.recv(1, 0))).toBe('ERR_MPI_TYPE');
  // @ts-expect-error nor into a string
  expect(await code(() => world.recv('text', 0))).toBe('ERR_MPI_TYPE');
  // @ts-expect-error persistent forms take no numbers
  expect(await code(() => world.sendInit(3.5, 0))).toBe('ERR_MPI_TYPE');
  // @ts-expect-error a string in a collective
  expect(await code(() => world.allgather('text'))).toBe('ERR_MPI_TYPE');
});

test('operators that do not fit the elements', async () => {
  // @ts-expect-error logical operators on floats
  expect(await code(() => world.allreduce(floats, LAND))).toBe('ERR_MPI_OP');
  // @ts-expect-error bitwise operators on floats
  expect(await code(() => world.allreduce(new Float32Array(1), BAND))).toBe('ERR_MPI_OP');
  // @ts-expect-error bitwise operators on floats, in place
  expect(await code(() => world.allreduce(IN_PLACE, floats, BAND))).toBe('ERR_MPI_OP');
  // @ts-expect-error a number is a float64
  expect(await code(() => world.allreduce(3, LOR))).toBe('ERR_MPI_OP');
  // @ts-expect-error a number is no pair of value and location
  expect(await code(() => world.allreduce(3, MAXLOC))).toBe('ERR_MPI_COUNT');
  // @ts-expect-error to the root as well
  expect(await code(() => world.reduce(floats, LAND, 0))).toBe('ERR_MPI_OP');
  // @ts-expect-error a function is no operator
  expect(await code(() => world.allreduce(floats, Math.max))).toBe('ERR_MPI_OP');
  // @ts-expect-error an operator must be there
  expect(await code(() => world.allreduce(floats))).toBe('ERR_MPI_OP');
  expect(await code(() => world.allreduce(integers, LAND))).toBe('nothing');
});

test('results of another element type', async () => {
  // @ts-expect-error allreduce of floats into integers
  expect(await code(() => world.allreduce(floats, integers, SUM))).toBe('ERR_MPI_TYPE');
  // @ts-expect-error gather of a number into integers
  expect(await code(() => world.gather(1, integers))).toBe('ERR_MPI_TYPE');
  // @ts-expect-error allgather of integers into floats
  expect(await code(() => world.allgather(integers, floats))).toBe('ERR_MPI_TYPE');
  // @ts-expect-error alltoall of bigints into floats
  expect(await code(() => world.alltoall(new BigInt64Array(2), floats))).toBe('ERR_MPI_TYPE');
  // @ts-expect-error scatter of floats into integers
  expect(await code(() => world.scatter(floats, integers))).toBe('ERR_MPI_TYPE');
  // @ts-expect-error reduce of signed into unsigned
  expect(await code(() => world.reduce(integers, new Uint32Array(2), SUM))).toBe('ERR_MPI_TYPE');
  // @ts-expect-error a number into itself makes no sense
  expect(await code(() => world.allreduce(IN_PLACE, 3, SUM))).toMatch(/^ERR_MPI/);
});

test('arguments of other types', async () => {
  // @ts-expect-error a rank is a number
  expect(await code(() => world.send(floats, '0'))).toBe('ERR_MPI_RANK');
  // @ts-expect-error a destination must be there
  expect(await code(() => world.send(floats))).toBe('ERR_MPI_RANK');
  // @ts-expect-error a tag is a number
  expect(await code(() => world.send(floats, 0, 'tag'))).toBe('ERR_MPI_TAG');
  // @ts-expect-error send has no root
  expect(await code(() => world.send(floats, 0, { root: 1 }))).toBe('ERR_MPI_ARG');
  // @ts-expect-error a name misspelt
  expect(await code(() => world.recv(floats, { sourse: 0 }))).toBe('ERR_MPI_ARG');
  // @ts-expect-error a time-out is a number
  expect(await code(() => world.recv(floats, 0, { timeoutMs: 'soon' }))).toBe('ERR_MPI_ARG');
  // @ts-expect-error a barrier has no root
  expect(await code(() => world.barrier({ root: 0 }))).toBe('ERR_MPI_ARG');
  // @ts-expect-error a colour is a number
  expect(await code(() => world.split('red'))).toBe('ERR_MPI_ARG');
  // @ts-expect-error alloc takes a constructor of typed arrays
  expect(() => alloc(Array, 3)).toThrow('alloc got Array: expected the constructor of a typed array, as Float64Array');
  // @ts-expect-error an operator is made of a function
  expect(() => createOp('sum')).toThrow(MpiError);
  // @ts-expect-error which works in place, over arrays
  const sum = createOp((a: number, b: number) => a + b);
  expect(sum.isCommutative).toBe(false);
});

test('requests and communicators are what they are', () => {
  // @ts-expect-error the result of a barrier is no status
  const barrier: Request<Status> = world.barrier();
  expect(barrier.wait()).toBeUndefined();
  const facts: Pick<Communicator, 'rank' | 'size'> = Object.freeze({ rank: world.rank, size: world.size });
  expect(() => {
    // @ts-expect-error the rank only reads
    facts.rank = 3;
  }).toThrow(TypeError);
  // @ts-expect-error off the root there is no array
  const gathered: Float64Array = world.gather(1).wait();
  expect(gathered).toEqual(Float64Array.of(1));
});
