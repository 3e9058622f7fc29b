/** One allreduce, in CommonJS. */

const { SUM, world } = require('tsmpi');

if (world.allreduce(1, SUM).wait() !== world.size) throw new Error('wrong sum');
