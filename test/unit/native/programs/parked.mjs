/** Park on the doorbell behind a path until it rings. Arguments: addon, path. */

import { constants, writeSync } from 'node:fs';
import { createRequire } from 'node:module';

const [addonPath, path] = process.argv.slice(2);
const addon = createRequire(import.meta.url)(addonPath);
const bell = addon.open(path, constants.O_RDWR | constants.O_NONBLOCK);
const epoll = addon.createEpoll(bell);
writeSync(1, 'parking\n');
writeSync(1, `woken ${addon.park(epoll, bell, -1)}\n`);
