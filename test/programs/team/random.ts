/**
 * Loops of a team drawn at random: ranges, schedules, pauses in which workers fall asleep, several at once, in turn with
 * messages from shared arrays. Each index must have been run exactly once and each sum be right.
 */

import { alloc, type Range, type Request, SUM, team, world } from 'tsmpi';

const [seed = '1', rounds = '200', threads = '2'] = process.argv.slice(2);
let state = Number(seed) + 1000 * world.rank;
const draw = (limit: number): number => {
  state = (Math.imul(state, 1103515245) + 12345) | 0;
  return ((state >>> 8) & 0xffff) % limit;
};

const crew = await team(Number(threads));
const k = crew.kernels<typeof import('./kernels.ts')>(new URL('./kernels.ts', import.meta.url));
const array = alloc(Float64Array, 20_000, { shared: true });
const inbox = alloc(Float64Array, 20_000, { shared: true });
let wrong = 0;

for (let round = 0; round < Number(rounds); round++) {
  const loops: { request: Request<unknown>; check: () => boolean }[] = [];
  for (let more = 1 + draw(3); more > 0; more--) {
    const length = draw(4) === 0 ? draw(4) : draw(3000);
    const from = draw(100) - 50;
    const range: Range = {
      from,
      to: from + length,
      schedule: (['static', 'dynamic', 'guided'] as const)[draw(3)]!,
      ...(draw(2) === 0 ? {} : { grain: 1 + draw(200) }),
      caller: draw(4) !== 0,
    };
    if (draw(3) === 0) {
      const values = alloc(Float64Array, length + 1, { shared: true }).map((_, index) => index);
      const shared = alloc(Float64Array, length + 1, { shared: true });
      shared.set(values);
      const request = crew.parallelReduce(k.sum, { ...range, from: 0, to: length }, SUM, shared);
      loops.push({ request, check: () => request.result === (length * (length - 1)) / 2 });
    } else {
      const counts = alloc(Int32Array, length, { shared: true });
      const request = crew.parallelFor(k.count, range, from, counts, draw(3) * 20);
      loops.push({ request, check: () => counts.every((value) => value === 1) });
    }
  }
  for (const { request } of loops) {
    if (draw(2) === 0) await request;
    else request.wait();
  }
  for (const { check } of loops) if (!check()) wrong++;
  const pause = draw(6);
  if (pause === 0) await new Promise((resolve) => setTimeout(resolve, draw(5)));
  else if (pause === 1) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, draw(4));
  if (draw(8) === 0) await crew.run(k.twice, { value: round });
  if (world.size > 1 && round % 20 === 0) {
    crew.parallelFor(k.fill, array.length, array, world.rank + round).wait();
    const peer = world.rank ^ 1;
    await world.sendrecv(array, peer, inbox, peer);
    const total = crew.parallelReduce(k.sum, inbox.length, SUM, inbox).wait();
    if (total !== inbox.length * (peer + round)) wrong++;
  }
}
console.log(`rank ${world.rank}: ${wrong} of ${rounds} rounds wrong`);
