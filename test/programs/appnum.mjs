/** Each rank says which program of the launcher's command line it is. */

import { APPNUM, world } from 'tsmpi';

console.log(`rank ${world.rank}: program ${world.attribute(APPNUM)}`);
