/** Ask for more memory than the process may have and say what came of it. Argument: addon. */

import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';

const addon = createRequire(import.meta.url)(process.argv[2]);
const before = readdirSync('/proc/self/fd').length;
const outcome = addon.createMemory('tsmpi-refused', 1 << 20);
console.log(`outcome ${outcome}, descriptors left ${readdirSync('/proc/self/fd').length - before}`);
