/** Each error's code and words: one lower-case sentence, what was wrong and then what was expected. */

import { describe, expect, test } from 'vitest';
import type { MpiError } from '../../../src/base/errors.ts';
import { IN_PLACE } from '../../../src/comm/in-place.ts';
import { BAND, SUM } from '../../../src/datatype/operator.ts';
import { createWorlds, startRanks } from '../ranks.ts';

/** What a call throws, or what its request rejects with. */
async function failure(call: () => unknown): Promise<MpiError> {
  try {
    await call();
  } catch (error) {
    return error as MpiError;
  }
  throw new Error('nothing failed');
}

describe('at the call', () => {
  const one = new Float64Array(1);
  test.each([
    ['ERR_MPI_RANK', /^dest -1 is no rank of world: expected an integer from 0 to 1 or PROC_NULL$/, (w) => w.send(one, -1)],
    ['ERR_MPI_RANK', /^dest 2 is no rank of world: expected/, (w) => w.send(one, 2)],
    ['ERR_MPI_RANK', /^dest 0\.5 is no rank of world: expected/, (w) => w.send(one, 0.5)],
    ['ERR_MPI_RANK', /^dest "1" is no rank of world: expected/, (w) => w.send(one, '1' as never)],
    ['ERR_MPI_GROUP', /^create got 5: expected a group, as world\.group and its parts are$/, (w) => w.create(5 as never)],
    [
      'ERR_MPI_RANK',
      /^source 7 is no rank of world: expected an integer from 0 to 1, ANY_SOURCE or PROC_NULL$/,
      (w) => w.recv(one, 7),
    ],
    ['ERR_MPI_TAG', /^tag -1 is no tag: expected an integer from 0 to 2147483647$/, (w) => w.send(one, 1, -1)],
    ['ERR_MPI_TAG', /^tag 1\.5 is no tag: expected an integer from 0 to 2147483647 or ANY_TAG$/, (w) => w.recv(one, 1, 1.5)],
    [
      'ERR_MPI_TYPE',
      /^send got a string: expected a typed array, DataView, buffer or layout; use sendObject for other values$/,
      (w) => w.send('x' as never, 1),
    ],
    ['ERR_MPI_TYPE', /^send got a plain array: expected .* use sendObject/, (w) => w.send([1] as never, 1)],
    ['ERR_MPI_TYPE', /^recv got undefined: expected a typed array/, (w) => w.recv(undefined as never, 1)],
    ['ERR_MPI_TYPE', /value\.f/, (w) => w.sendObject({ f: () => 1 }, 1)],
    ['ERR_MPI_ARG', /^send has no option tagg: expected tag, signal, timeoutMs$/, (w) => w.send(one, 1, { tagg: 1 } as never)],
    ['ERR_MPI_ROOT', /^root 2 is no rank of world: expected an integer from 0 to 1$/, (w) => w.bcast(one, 2)],
    ['ERR_MPI_OP', /BAND/, (w) => w.allreduce(one, BAND as never)],
    [
      'ERR_MPI_COUNT',
      /^allreduce: the result has room for 1 elements: expected 2, as many as were given$/,
      (w) => w.allreduce(new Float64Array(2), one, SUM),
    ],
    [
      'ERR_MPI_COUNT',
      /^alltoall: 3 elements cannot be divided among 2 ranks: expected a multiple$/,
      (w) => w.alltoall(new Float64Array(3)),
    ],
    ['ERR_MPI_BUFFER', /^IN_PLACE was given without the buffer that serves as both$/, (w) => w.allgather(IN_PLACE as never)],
    [
      'ERR_MPI_BUFFER',
      /^sendrecv: the send and the receive buffer overlap in memory: expected separate buffers$/,
      (w) => {
        const both = new Float64Array(10);
        return w.sendrecv(both.subarray(0, 6), 1, both.subarray(5), 1);
      },
    ],
    ['ERR_MPI_ARG', /^split got -3 for its color: expected an integer, 0 or more, or undefined$/, (w) => w.split(-3)],
    [
      'ERR_MPI_ARG',
      /^timeoutMs is soon: expected milliseconds, 0 or more$/,
      (w) => w.recv(one, 1, { timeoutMs: 'soon' as never }),
    ],
    ['ERR_MPI_ARG', /^timeoutMs is -1: expected milliseconds, 0 or more$/, (w) => w.send(one, 1, { timeoutMs: -1 })],
    ['ERR_MPI_ARG', /^signal is stop: expected an AbortSignal$/, (w) => w.barrier({ signal: 'stop' as never })],
  ] as [string, RegExp, (world: ReturnType<typeof createWorlds>[number]) => unknown][])('%s %s', async (code, message, call) => {
    const [world] = createWorlds(2);
    const error = await failure(() => call(world!));
    expect(error.message).toMatch(message);
    expect(error.code).toBe(code);
    expect(error.errorClass).toBe(code.replace('ERR_MPI_', 'MPI_ERR_'));
  });
});

describe('when the message arrives', () => {
  test('types that differ name both and both ranks; the message is consumed, the sender completes', async () => {
    const [a, b] = createWorlds(2);
    for (const length of [2, 500, 30_000]) {
      const send = a!.send(new Float64Array(length), 1, 3);
      const error = await failure(() => b!.recv(new Int32Array(2 * length), 0, 3));
      expect(error.message).toBe(
        `rank 0 sent ${8 * length} bytes of f64 with tag 3 to rank 1, which receives i32: expected the same element type on both sides`,
      );
      expect(error).toMatchObject({ code: 'ERR_MPI_TYPE', communicator: 'world', rank: 1, peer: 0, tag: 3 });
      await send;
      await Promise.all([a!.send(new Int32Array(1), 1, 3), b!.recv(new Int32Array(1), 0, 3)]);
    }
  });

  test('a message that is too long is consumed, and nothing is written', async () => {
    const [a, b] = createWorlds(2);
    for (const length of [4, 500, 30_000]) {
      const into = new Float64Array(length);
      const send = a!.send(new Float64Array(length).fill(1), 1);
      const error = await failure(() => b!.recv(into.subarray(0, length - 1), 0));
      expect(error.code).toBe('ERR_MPI_TRUNCATE');
      expect(error.message).toMatch(/whose buffer holds \d+ bytes: expected a buffer at least as long as the message$/);
      expect(into.every((value) => value === 0)).toBe(true);
      await send;
    }
  });

  test('bytes that make no whole elements', async () => {
    const [a, b] = createWorlds(2);
    await a!.send(Buffer.alloc(10), 1);
    const error = await failure(() => b!.recv(new Float64Array(4), 0));
    expect([error.code, error.message]).toEqual([
      'ERR_MPI_TYPE',
      'rank 0 sent 10 bytes of bytes with tag 0, which are no whole number of f64 (8 bytes each) on rank 1',
    ]);
  });

  test('arrays and objects received as the other name the call to use', async () => {
    const [a, b] = createWorlds(2);
    await a!.send(new Float64Array(1), 1);
    expect((await failure(() => b!.recvObject(0))).message).toMatch(/which receives an object: use recv with an array of f64$/);
    const send = a!.sendObject('text', 1);
    expect((await failure(() => b!.recv(new Float64Array(1), 0))).message).toMatch(
      /sent an object .* which receives f64: use recvObject$/,
    );
    await send;
  });

  // A long message is fetched by the receiver, a synchronous short one is sent in pieces once the receiver asks.
  test.each([100_000, 100])('a buffer of %i elements that is detached while it is lent', async (length) => {
    const [a, b] = createWorlds(2);
    const data = new Float64Array(length);
    const send = a!.ssend(data, 1, 2);
    structuredClone(data.buffer, { transfer: [data.buffer] });
    const receive = b!.recv(new Float64Array(length), 0, 2);
    const error = await failure(() => send);
    expect(error.message).toBe(
      `the buffer of ssend(dest 1, tag 2, ${8 * length} bytes) on world was detached while it was lent to the send: keep it until the send is done`,
    );
    expect(error.code).toBe('ERR_MPI_BUFFER');
    if (length > 1000) await receive.catch(() => {});
    else expect(await failure(() => receive)).toMatchObject({ code: 'ERR_MPI_BUFFER', peer: 0, tag: 2 });
  });
});

test('a communicator that was given up', async () => {
  const worlds = createWorlds(2);
  const dups = await Promise.all(worlds.map((world) => world.dup()));
  await Promise.all(dups.map((dup) => dup.free()));
  const error = await failure(() => dups[0]!.send(new Float64Array(1), 1));
  expect([error.code, error.message]).toEqual([
    'ERR_MPI_COMM',
    'world.dup was freed or disposed: expected a communicator in use',
  ]);
  await dups[0]!.free();
  const [again] = await Promise.all(worlds.map((world) => world.dup()));
  again![Symbol.dispose]();
  expect((await failure(() => again!.barrier())).code).toBe('ERR_MPI_COMM');
});

test('a failure that nobody looked at is told at the rank’s end', async () => {
  const [a, b] = startRanks(2);
  await a!.world.send(new Float64Array(2), 1);
  b!.world.recv(new Float64Array(1), 0);
  while (b!.progress.poll());
  expect(b!.progress.unseen.drain()).toEqual([
    'recv(source 0, tag ANY_TAG) on world failed and nobody looked at it: rank 0 sent 16 bytes of f64 with tag 0 to rank 1, ' +
      'whose buffer holds 8 bytes: expected a buffer at least as long as the message; TSMPI_CALL_SITES=1 adds the line of the call',
  ]);
});
