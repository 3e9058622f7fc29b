/** Prints, as JSON, which of Node's own modules a rank has loaded by the end of its first collective. */

import { SUM, world } from 'tsmpi';

world.allreduce(1, SUM).wait();
if (world.rank === 0) console.log(JSON.stringify(process.moduleLoadList));
