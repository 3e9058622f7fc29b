// Ranks that call different collectives, as processes: mismatch.mjs <case> [await]
import { MAX, SUM, world } from 'tsmpi';

const [what, how] = process.argv.slice(2);
const { rank, size } = world;
const odd = rank === size - 1;
const end = (request) => (how === 'await' ? request : request.wait());
world.barrier().wait();

switch (what) {
  case 'operator':
    await end(world.allreduce(new Float64Array(100), odd ? MAX : SUM));
    break;
  case 'root':
    await end(world.bcast(new Float64Array(4), odd ? 1 : 0));
    break;
  case 'count':
    await end(world.reduce(new Float64Array(odd ? 5 : 6), SUM));
    break;
  case 'path':
    // One rank in the shared area, the others in messages.
    await end(odd ? world.barrier() : world.allreduce(new Float64Array(100_000), SUM));
    break;
  case 'order':
    if (odd) world.barrier().wait();
    await end(world.allreduce(1, SUM));
    if (!odd) world.barrier().wait();
    break;
  case 'left':
    // The root of a gather that others have not called; it ends before anybody waits.
    if (odd) process.exit(0);
    await end(world.barrier());
    break;
  case 'passed':
    // Nobody waits: each sends to the other and goes on.
    await end(world.reduce(new Float64Array(1000), SUM, rank === 0 ? 1 : 0));
    break;
  case 'behind':
    // No collective meets another: one waits for a message that nobody sends.
    await end(odd ? world.recv(new Float64Array(1), 0, 7) : world.allreduce(1, SUM));
    break;
  case 'computes':
    if (odd) for (;;);
    await end(world.allreduce(1, SUM));
}
