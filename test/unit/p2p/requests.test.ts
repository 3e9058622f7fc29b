/** Requests: completion, lists, probes, persistent ones, cancelling, time-outs and signals. */

import { getEventListeners } from 'node:events';
import { describe, expect, test } from 'vitest';
import type { MpiError } from '../../../src/base/errors.ts';
import { startAll } from '../../../src/comm/persistent.ts';
import { PROC_NULL } from '../../../src/p2p/matching-queue.ts';
import { testAll, testAny, testSome, waitAll, whenAll, whenAny, whenSome } from '../../../src/p2p/request-list.ts';
import { createWorlds, startRanks } from '../ranks.ts';

const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function codeOf(promise: PromiseLike<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    return (error as MpiError).code;
  }
  return 'none';
}

test('done, result, test, status', async () => {
  const [a, b] = createWorlds(2);
  const into = new Int32Array(2);
  const receive = b!.recv(into, 0, 7);
  expect(receive.done).toBe(false);
  expect(() => receive.result).toThrow(
    /^recv\(source 0, tag 7\) on world is not complete: await it, wait\(\) or test\(\) first$/,
  );
  expect(receive.test()).toBe(false);
  await a!.send(Int32Array.of(1, 2), 1, 7);
  while (!receive.test()) await turn();
  expect(receive.result).toEqual(receive.status);
  expect(receive.wait().count).toBe(2);
  const send = a!.send(into, 1);
  expect(() => send.status).toThrow(/has no status/);
  await b!.recv(into);
});

test('then calls back asynchronously, returns a Promise; catch and finally', async () => {
  const [a, b] = createWorlds(2);
  await a!.send(Int32Array.of(1), 1);
  await b!.probe(0);
  const receive = b!.recv(new Int32Array(1), 0);
  expect(receive.done).toBe(true);
  const order: string[] = [];
  const promise = receive.then(() => order.push('then'));
  order.push('after');
  expect(promise).toBeInstanceOf(Promise);
  expect(receive instanceof Promise).toBe(false);
  await promise;
  expect(order).toEqual(['after', 'then']);
  await a!.send(new Int32Array(9), 1);
  const failing = b!.recv(new Int32Array(1), 0);
  let isOver = false;
  expect(await failing.catch((error: unknown) => (error as MpiError).code)).toBe('ERR_MPI_TRUNCATE');
  expect(
    await codeOf(
      failing.finally(() => {
        isOver = true;
      }),
    ),
  ).toBe('ERR_MPI_TRUNCATE');
  expect(isOver).toBe(true);
});

test('a loop of awaits that are always ready lets timers run', async () => {
  const [world] = createWorlds(1);
  let ticks = 0;
  const timer = setInterval(() => ticks++, 1);
  const one = new Int32Array(1);
  // The loop turns every few milliseconds; if it did not, no tick would come before the deadline.
  const deadline = performance.now() + 10_000;
  while (ticks < 20 && performance.now() < deadline) {
    await world!.send(one, 0);
    await world!.recv(one, 0);
  }
  expect(ticks).toBe(20);
  while (ticks < 40 && performance.now() < deadline) await world!.send(one, PROC_NULL);
  clearInterval(timer);
  expect(ticks).toBe(40);
});

describe('lists', () => {
  test('all, any and some', async () => {
    const [a, b] = createWorlds(2);
    const buffers = Array.from({ length: 3 }, () => new Int32Array(1));
    const receives = buffers.map((buffer, tag) => b!.recv(buffer, 0, tag));
    expect(testAny(receives)).toBeUndefined();
    expect(testAll(receives)).toBe(false);
    const any = whenAny(receives);
    await a!.send(Int32Array.of(11), 1, 1);
    expect(await any).toMatchObject({ index: 1, result: { tag: 1 } });
    expect(testSome(receives).map(({ index }) => index)).toEqual([1]);
    await a!.send(Int32Array.of(10), 1, 0);
    expect((await whenSome([receives[0]!, receives[2]!])).map(({ index }) => index)).toEqual([0]);
    await a!.send(Int32Array.of(12), 1, 2);
    expect((await whenAll(receives)).map(({ tag }) => tag)).toEqual([0, 1, 2]);
    expect(waitAll(receives).length).toBe(3);
    expect(buffers.map(([value]) => value)).toEqual([10, 11, 12]);
    expect(await whenAll([])).toEqual([]);
    expect(() => whenAny([])).toThrow(/^the list of requests is empty: expected at least one request$/);
  });

  test('of a send taken at once and a receive under way: the receive is waited for', async () => {
    const [world] = createWorlds(1);
    const into = new Int32Array(1);
    const receive = world!.recv(into, 0, 1);
    for (const done of [world!.send(into, PROC_NULL), world!.send(into, 0, 2)]) {
      expect(done.done).toBe(true);
      expect(() => whenAll([done, receive]).wait({ timeoutMs: 5 })).toThrow(/did not complete within the time given to wait/);
      expect(() => waitAll([done, receive], { timeoutMs: 5 })).toThrow(/did not complete within the time given to wait/);
    }
    await world!.send(Int32Array.of(3), 0, 1);
    await receive;
    expect(into[0]).toBe(3);
    await world!.recv(into, 0, 2);
  });

  test('a failed part fails the whole', async () => {
    const [a, b] = createWorlds(2);
    const all = whenAll([b!.recv(new Int32Array(1), 0, 0), b!.recv(new Int32Array(1), 0, 1)]);
    await a!.send(new Int32Array(5), 1, 0);
    await a!.send(new Int32Array(1), 1, 1);
    expect(await codeOf(all)).toBe('ERR_MPI_TRUNCATE');
  });
});

test('probes look, matched probes claim', async () => {
  const [a, b] = createWorlds(2);
  expect(b!.tryProbe()).toBeUndefined();
  const waiting = b!.probe(0, 4);
  await a!.send(Float64Array.of(1, 2, 3), 1, 4);
  expect(await waiting).toMatchObject({ source: 0, tag: 4, count: 3, type: 'f64' });
  expect(b!.tryProbe(0, 4)).toMatchObject({ count: 3 });
  const message = await b!.mprobe();
  expect(b!.tryProbe()).toBeUndefined();
  const into = new Float64Array(3);
  expect(await message.recv(into)).toMatchObject({ count: 3 });
  expect(into[2]).toBe(3);
  expect(() => message.recv(into)).toThrow(/^this message was received already/);
  expect(b!.tryMprobe()).toBeUndefined();
  await a!.sendObject({ k: 1 }, 1, 9);
  while (b!.tryProbe() === undefined) await turn();
  expect(await b!.tryMprobe(0, 9)!.recvObject()).toEqual({ k: 1 });
});

test('persistent requests', async () => {
  const [a, b] = createWorlds(2);
  const data = new Float64Array(2000);
  const into = new Float64Array(2000);
  const send = a!.sendInit(data, 1, 3);
  const receive = b!.recvInit(into, 0, 3);
  for (let round = 1; round <= 3; round++) {
    data.fill(round);
    const [status] = await Promise.all([receive.start(), send.start()]);
    expect([status.count, into[1999]]).toEqual([2000, round]);
  }
  const [open] = startAll([receive]);
  expect(() => receive.start()).toThrow(/was started before and is not complete/);
  await Promise.all([open, send.start()]);
  send.free();
  expect(() => send.start()).toThrow(/was freed/);
});

describe('giving up', () => {
  test('cancel withdraws a receive that was not matched', async () => {
    const [a, b] = createWorlds(2);
    const into = new Int32Array(1);
    const receive = b!.recv(into, 0);
    expect(receive.cancel()).toBe(true);
    expect((await receive).cancelled).toBe(true);
    expect(receive.cancel()).toBe(false);
    const object = b!.recvObject(0);
    expect(object.cancel()).toBe(true);
    expect(await codeOf(object)).toBe('ERR_MPI_CANCELLED');
    for (const [name, probe] of [
      ['probe', b!.probe(0, 6)],
      ['mprobe', b!.mprobe(0, 6)],
    ] as const) {
      expect(probe.cancel()).toBe(true);
      await expect(probe).rejects.toMatchObject({
        code: 'ERR_MPI_CANCELLED',
        message: `${name}(source 0, tag 6) on world was cancelled`,
      });
    }
    await a!.send(Int32Array.of(4), 1);
    await b!.recv(into, 0);
    expect(into[0]).toBe(4);
  });

  test('timeoutMs and signals withdraw too, and the buffer is free', async () => {
    const [a, b] = createWorlds(2);
    const into = new Int32Array(1);
    await expect(b!.recv(into, { source: 0, tag: 5, timeoutMs: 20 })).rejects.toThrow(
      /^recv\(source 0, tag 5\) on world did not complete within its timeoutMs$/,
    );
    const controller = new AbortController();
    const receive = b!.recv(into, 0, { signal: controller.signal });
    expect(() => receive.wait()).toThrow(/signals need the event loop; use timeoutMs, or await it/);
    controller.abort(new Error('enough'));
    await expect(receive).rejects.toThrow('enough');
    await expect(b!.recv(into, 0, 0, { signal: AbortSignal.abort(new Error('before')) })).rejects.toThrow('before');
    await a!.send(Int32Array.of(6), 1, 5);
    expect((await b!.recv(into)).tag).toBe(5);
  });

  test('a time-out longer than a timer of Node holds does not fire', async () => {
    const [a, b] = createWorlds(2);
    const into = new Int32Array(1);
    for (const timeoutMs of [Number.POSITIVE_INFINITY, 2 ** 31, 1e300]) {
      const receive = b!.recv(into, 0, 2, { timeoutMs });
      for (const end = performance.now() + 10; performance.now() < end; ) await turn();
      expect(receive.done).toBe(false);
      await a!.send(Int32Array.of(9), 1, 2);
      expect((await receive).count).toBe(1);
    }
  });

  test('what is complete keeps no timer and no listener', async () => {
    const [a, b] = createWorlds(2);
    const { signal } = new AbortController();
    const before = timers();
    for (let k = 0; k < 50; k++) {
      const receive = b!.recv(new Int32Array(1), 0, 2, { timeoutMs: 60_000, signal });
      await a!.send(Int32Array.of(9), 1, 2);
      await receive;
    }
    expect(timers()).toBe(before);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  test('a send that was not handed over is withdrawn, alone and in sendrecv; the rest goes on underneath', async () => {
    const [a, b] = startRanks(2);
    b!.progress.stop(); // b moves only when it is asked to
    const [from, to] = [a!.world, b!.world];
    // An inbox of 128 cells takes no more than so many.
    const flood = Array.from({ length: 200 }, (_, k) => from.send(Int32Array.of(k), 1, 1));
    expect(flood.filter(({ done }) => done).length).toBeLessThan(200);
    const late = from.send(Int32Array.of(1), 1, 2, { timeoutMs: 5 });
    const both = from.sendrecv(Int32Array.of(2), 1, new Int32Array(1), 1, { sendTag: 3, timeoutMs: 5 });
    const announced = from.ssend(Int32Array.of(3), 1, 4);
    expect(await codeOf(late)).toBe('ERR_MPI_TIMEOUT');
    expect(await codeOf(both)).toBe('ERR_MPI_TIMEOUT');
    const into = new Int32Array(1);
    for (let k = 0; k < 200; k++) {
      const receive = to.recv(into, 0, 1);
      while (!receive.test()) await turn();
      expect(into[0]).toBe(k);
    }
    const last = to.recv(into, 0, 4);
    while (!last.test()) await turn();
    expect([to.tryProbe(0, 2), to.tryProbe(0, 3)]).toEqual([undefined, undefined]);
    await Promise.all([...flood, announced]);
    // The receive of sendrecv was withdrawn too: what comes now goes to the next one.
    await to.send(Int32Array.of(8), 0, 0);
    await from.recv(into, 1);
    expect(into[0]).toBe(8);
  });

  test('a receive that was matched goes on underneath, and its sender completes', async () => {
    const [a, b] = startRanks(2);
    a!.progress.stop();
    // Short and synchronous: its payload moves when the receiver has asked for it.
    const into = new Float64Array(100);
    const send = a!.world.ssend(new Float64Array(100).fill(4), 1, 2);
    const receive = b!.world.recv(into, 0, 2, { timeoutMs: 5 });
    while (b!.progress.poll());
    expect(await codeOf(receive)).toBe('ERR_MPI_TIMEOUT');
    expect(into.every((value) => value === 0)).toBe(true);
    while (!send.test()) await turn();
    for (const end = performance.now() + 5000; into.at(-1) !== 4 && performance.now() < end; ) await turn();
    expect(into.every((value) => value === 4)).toBe(true);
  });

  test('wait({ timeoutMs }) only stops waiting', async () => {
    const [a, b] = createWorlds(2);
    const into = new Int32Array(1);
    const receive = b!.recv(into, 0);
    expect(() => receive.wait({ timeoutMs: 10 })).toThrow(/did not complete within the time given to wait\(\); it goes on/);
    await a!.send(Int32Array.of(8), 1);
    await receive;
    expect(into[0]).toBe(8);
  });

  test('an abandoned collective makes its communicator unusable', async () => {
    const [a] = createWorlds(2);
    expect(await codeOf(a!.barrier({ timeoutMs: 20 }))).toBe('ERR_MPI_TIMEOUT');
    expect(() => a!.barrier()).toThrow(
      /^barrier on world, on which barrier was given up before it was complete: use another communicator$/,
    );
  });
});
