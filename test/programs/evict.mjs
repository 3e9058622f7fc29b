/**
 * A job that is evicted: `evict.mjs MODE FOLDER`. All modes save a checkpoint when they are, of as many steps as they made, and print it.
 *
 *     look    a loop of wait() that looks at job.evicted between two steps
 *     call    a loop of await; onEvict sets a flag
 *     late    onEvict, called while nothing of tsmpi is under way
 *     slow    the same as look, and then never ends
 */

import { job, MAX, world } from 'tsmpi';

const [mode, folder] = process.argv.slice(2);
const checkpoint = await world.checkpoint(folder);
let steps = 0;
let isCalled = false;

async function save(how) {
  const data = Int32Array.of(steps);
  await checkpoint.save(steps, { steps: { data, shape: [world.size], start: [world.rank] } });
  console.log(`rank ${world.rank} saved at ${steps > 0 ? 'a step' : 'no step'}, ${how}`);
}

if (mode === 'late') {
  const keepAlive = setInterval(() => {}, 1e6);
  job.onEvict(async () => {
    await save(`evicted ${job.evicted}`);
    clearInterval(keepAlive);
  });
  const taken = job.onEvict(() => console.log('taken back'));
  taken();
  await world.barrier();
  if (world.rank === 0) console.log(`ready ${process.pid}`);
} else {
  if (mode === 'call') {
    job.onEvict(() => {
      isCalled = true;
    });
  }
  for (;;) {
    const isOver = mode === 'call' ? isCalled : job.evicted;
    const request = world.allreduce(Number(isOver), MAX);
    if ((mode === 'call' ? await request : request.wait()) > 0) break;
    if (++steps === 10 && world.rank === 0) console.log('ready');
  }
  await save(mode === 'call' ? `called ${isCalled}` : `evicted ${job.evicted}`);
  if (mode === 'slow') for (;;) await new Promise((resolve) => setTimeout(resolve, 1e6));
}
