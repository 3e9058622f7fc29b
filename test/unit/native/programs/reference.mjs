/** Side 1 of the references. Arguments: addon, path of the memory, its byte length. */

import { constants, writeSync } from 'node:fs';
import { createRequire } from 'node:module';

const [addonPath, path, byteLength] = process.argv.slice(2);
const addon = createRequire(import.meta.url)(addonPath);
const fd = addon.open(path, constants.O_RDWR);
const segment = addon.map(fd, Number(byteLength));
writeSync(1, 'ready\n');
for (let run = 0; run < 2; run++) addon.referencePingPong(segment, 64, 1, 200);
let isSame = true;
for (let run = 0; run < 2; run++) {
  const received = new Uint8Array(100_003);
  addon.referencePipeline(segment, 512, 1, received, 100_003, 3, 4096, 4);
  isSame &&= received.every((byte, index) => byte === ((index * 31) & 255));
}
writeSync(1, `received as sent: ${isSame}\n`);
