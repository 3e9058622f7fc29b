/** Long messages that nobody receives, and all ranks end: rank 0 sends one, or each rank to the next: `unreceived.mjs [each]`. */

import { world } from 'tsmpi';

if (world.rank === 0 || process.argv[2] === 'each') world.send(new Float64Array(100_000), (world.rank + 1) % world.size, 5);
