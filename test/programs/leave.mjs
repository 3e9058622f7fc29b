/** Ends normally, with a listener of its own for that, in which the last rank thinks better of it. */

import { world } from 'tsmpi';

await world.barrier();
process.on('exit', (code) => {
  console.log(`rank ${world.rank} leaves with ${code}`);
  if (world.rank === world.size - 1) process.exitCode = 5;
});
