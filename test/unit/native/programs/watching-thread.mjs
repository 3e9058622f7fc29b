/** A worker thread with a watch of its own. Arguments: addon, what it does when it is woken for the first time. */

import { createRequire } from 'node:module';
import { parentPort } from 'node:worker_threads';

const [addonPath, mode] = process.argv.slice(2);
const addon = createRequire(import.meta.url)(addonPath);
const memory = addon.createMemory('tsmpi-thread', 8192);
const buffer = addon.map(memory, 8192);
addon.close(memory);
const [bell, ringer] = addon.pipe(true);
const layout = { sleepingOffset: 0, pollingOffset: 4, headOffset: 64, cellsOffset: 4096, cellByteLength: 64, cellCount: 16 };
let wakes = 0;
const watch = addon.startWatch(buffer, layout, addon.createEpoll(bell), bell, () => {
  if (++wakes > 1) return;
  parentPort.postMessage('ready');
  if (mode === 'throwing') throw new Error('thrown by wake');
  if (mode === 'polling') new Int32Array(buffer)[1] = 1;
  if (mode === 'spinning') for (;;);
});
addon.refWatch(watch, true);
addon.ring(ringer);
