/** Ring the doorbell behind a path when a line comes in. Arguments: addon, path. */

import { constants } from 'node:fs';
import { createRequire } from 'node:module';

const [addonPath, path] = process.argv.slice(2);
const addon = createRequire(import.meta.url)(addonPath);
const bell = addon.open(path, constants.O_RDWR | constants.O_NONBLOCK);
process.stdin.once('data', () => {
  console.log(`rung ${addon.ring(bell)}`);
  process.stdin.destroy();
});
console.log('ready');
