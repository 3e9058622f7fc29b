/**
 * Hello: who is there. Every rank says its number, host and process; the order in which they speak is chance.
 *
 *     npx tsmpirun -n 4 examples/01-hello.ts
 */

import { job, world } from 'tsmpi';

console.log(`hello from rank ${world.rank} of ${world.size} on ${job.hostname}, process ${process.pid}`);
