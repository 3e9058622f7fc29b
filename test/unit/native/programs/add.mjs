/** Map the memory behind a path and add to its first word that many times. Arguments: addon, path, count. */

import { constants } from 'node:fs';
import { createRequire } from 'node:module';

const [addonPath, path, count] = process.argv.slice(2);
const addon = createRequire(import.meta.url)(addonPath);
const fd = addon.open(path, constants.O_RDWR);
const words = new Int32Array(addon.map(fd, 4096));
addon.close(fd);
for (let turn = 0; turn < Number(count); turn++) Atomics.add(words, 0, 1);
