/** One allreduce. */

import { SUM, world } from 'tsmpi';

if (world.allreduce(1, SUM).wait() !== world.size) throw new Error('wrong sum');
