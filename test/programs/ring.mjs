/** Each rank sends its number to the next one and sums what all ranks have by allreduce: `ring.mjs`. */

import { SUM, world } from 'tsmpi';

const { rank, size } = world;
const inbox = new Float64Array(1);
await world.sendrecv(Float64Array.of(rank), (rank + 1) % size, inbox, (rank + size - 1) % size);
const total = await world.allreduce(inbox[0], SUM);
console.log(`rank ${rank} of ${size} got ${inbox[0]}, all together ${total}`);
