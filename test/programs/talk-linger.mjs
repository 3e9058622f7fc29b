/** Each rank exchanges a number with all others, says `talked`, and waits for a message that nobody sends: `talk-linger.mjs`. */

import { SUM, world } from 'tsmpi';

await world.allreduce(1, SUM);
console.log('talked');
await world.recv(new Float64Array(1), (world.rank + 1) % world.size);
