/** What a team's calls take, refuse and bring back: a line for each. Two threads. */

import { alloc, createOp, MAX, MAXLOC, MIN, PROD, SUM, team } from 'tsmpi';

const crew = await team(2);
const k = crew.kernels<typeof import('./kernels.ts')>(new URL('./kernels.ts', import.meta.url));
const array = alloc(Float64Array, 100, { shared: true });
const word = (): Int32Array => alloc(Int32Array, 2, { shared: true });

async function report(name: string, fn: () => unknown): Promise<void> {
  try {
    console.log(`${name}: ${String(await fn())}`);
  } catch (error) {
    const { code, name: type, message } = error as Error & { code?: string };
    console.log(`${name}: ${code ?? type}: ${message.replaceAll(/file:\S+\//g, '')}`);
  }
}
const anything = (value: unknown): never => value as never;

// Both threads at once, hot and parked, blocked and awaited.
crew.parallelFor(k.meet, 2, word()).wait();
await new Promise((resolve) => setTimeout(resolve, 20));
crew.parallelFor(k.meet, 2, word()).wait();
await new Promise((resolve) => setTimeout(resolve, 20));
await crew.parallelFor(k.meet, 2, word());

const threads = alloc(Int32Array, 2, { shared: true });
await crew.parallelFor(k.note, { from: 0, to: 2, caller: false }, threads, -0, -(2n ** 40n));
console.log(`caller false: ${threads.every((id) => id !== 0)}`);
await report('sum', () => crew.parallelReduce(k.sum, 100, SUM, array.fill(2)));
await report('nothing', () => [SUM, PROD, MIN, MAX].map((op) => crew.parallelReduce(k.sum, 0, op, array).wait()));
const last = createOp<Float64Array>((_input, _inout) => {});
await report('own operator', () => crew.parallelReduce(k.sum, { from: 0, to: 10, grain: 1, schedule: 'dynamic' }, last, array));
await report('own operator of nothing', () => crew.parallelReduce(k.sum, 0, last, array));
await report('maxloc', () => crew.parallelReduce(k.sum, 1, anything(MAXLOC), array));

await report('closure', () =>
  crew.parallelFor(
    anything((from: number) => from),
    1,
  ),
);
await report('no kernel', () => crew.parallelFor(anything(undefined), 1));
await report('own array', () => crew.parallelFor(k.fill, 1, new Float64Array(1), 1));
await report('object', () => crew.parallelFor(anything(k.fill), 1, { a: 1 }));
await report('range', () => crew.parallelFor(k.fill, 1.5, array, 1));
await report('range backwards', () => crew.parallelFor(k.fill, { from: 2, to: 1 }, array, 1));
await report('schedule', () => crew.parallelFor(k.fill, { from: 0, to: 1, schedule: anything('auto') }, array, 1));
await report('grain', () => crew.parallelFor(k.fill, { from: 0, to: 1, grain: 0 }, array, 1));
await report('url', () => crew.kernels(anything('./kernels.ts')));
await report('threads', () => team(0));

await report('own part fails', () => crew.parallelFor(k.fail, 2, 0));
await report('worker fails', () => crew.parallelFor(k.fail, { from: 0, to: 2, caller: false }, 1));
await crew.parallelFor(k.fail, { from: 0, to: 2, caller: false }, 1).catch((error: Error) => {
  console.log(
    error
      .stack!.split('\n')
      .filter((line) => /kernels\.ts|in kernel/.test(line))
      .map((line) => line.replace(/\(.*\/(kernels)/, '($1'))
      .join('\n'),
  );
});
await report('world', () => crew.parallelFor(k.useWorld, { from: 0, to: 2, caller: false }));
await report('promise', () => crew.parallelFor(anything(k.wait), 1));
await report('text', () => crew.parallelReduce(anything(k.text), 1, SUM));

await report('task', async () => JSON.stringify(await crew.run(k.twice, { value: 4 })));
await report('task fails', () => crew.run(k.throwTask, undefined));
await report('task of no copy', () => crew.run(k.twice, anything({ value: () => {} })));
// A worker that is busy with a task is not waited for.
const held = word();
const task = crew.run(k.holdTask, held);
while (Atomics.load(held, 1) === 0) await new Promise((resolve) => setTimeout(resolve, 1));
await report('beside a task', () => crew.parallelReduce(k.sum, 100, SUM, array));
const controller = new AbortController();
const waiting = crew.run(k.holdTask, word(), { signal: controller.signal });
controller.abort(new Error('no longer wanted'));
await report('task called off', () => waiting);
Atomics.store(held, 0, 1);
Atomics.notify(held, 0);
await report('held task', async () => (await task) !== 0);
// What a task leaves behind goes on in a worker that has no loop, though others sleep without their event loop.
const ticks = word();
await crew.run(k.tickTask, ticks);
while (Atomics.load(ticks, 1) < 20) await new Promise((resolve) => setTimeout(resolve, 1));
Atomics.store(ticks, 0, 1);
await report('beside a timer', () => crew.parallelReduce(k.sum, 100, SUM, array));

const stop = new AbortController();
const block = word();
const chunks = crew.parallelFor(
  k.hold,
  { from: 0, to: 1000, grain: 1, schedule: 'dynamic', caller: false, signal: stop.signal },
  block,
);
while (Atomics.load(block, 1) === 0) await new Promise((resolve) => setTimeout(resolve, 1));
stop.abort(new Error('enough'));
await report('aborted', () => chunks);
Atomics.store(block, 0, 1);
Atomics.notify(block, 0);
await report('after it', () => crew.parallelReduce(k.sum, 100, SUM, array));
console.log(`chunks begun: ${block[1]}`);
const counts = alloc(Int32Array, 5000, { shared: true });
const own = new AbortController();
setTimeout(() => own.abort(new Error('by a timer')), 5);
const turns = { from: 0, to: 5000, grain: 1, schedule: 'dynamic', signal: own.signal } as const;
await report('own part aborted', () => crew.parallelFor(k.count, turns, 0, counts, 20_000));
console.log(`all run: ${counts.every((value) => value === 1)}`);
const slow = word();
await report('timeout', () => crew.parallelFor(k.hold, { from: 0, to: 1, caller: false, timeoutMs: 20 }, slow));
Atomics.store(slow, 0, 1);
Atomics.notify(slow, 0);
await crew[Symbol.asyncDispose]();
await report('disposed', () => crew.parallelFor(k.fill, 1, array, 1));
