/**
 * Watch the loop over memory and a doorbell of the test's, and do what the mode says at each wake.
 * Arguments: addon, path of the memory, path of the doorbell, mode. A line on stdin ends it.
 */

import { constants } from 'node:fs';
import { createRequire } from 'node:module';

const [addonPath, memoryPath, bellPath, mode] = process.argv.slice(2);
const addon = createRequire(import.meta.url)(addonPath);
const [WAKES, HEAD, FIRST_CELL, CELLS] = [2, 16, 1024, 16];
const memory = addon.open(memoryPath, constants.O_RDWR);
const buffer = addon.map(memory, 8192);
const words = new Int32Array(buffer);
const bell = addon.open(bellPath, constants.O_RDWR | constants.O_NONBLOCK);
const epoll = addon.createEpoll(bell);
const layout = {
  sleepingOffset: 0,
  pollingOffset: 4,
  headOffset: 4 * HEAD,
  cellsOffset: 4 * FIRST_CELL,
  cellByteLength: 64,
  cellCount: CELLS,
};

function take() {
  for (;;) {
    const head = words[HEAD];
    const mark = FIRST_CELL + 16 * (head & (CELLS - 1));
    if (Atomics.load(words, mark) !== ((head + 1) | 0)) return;
    Atomics.store(words, HEAD, (head + 1) | 0);
  }
}

function leaveTraces() {
  const traces = ['wake'];
  process.nextTick(() => traces.push('tick'));
  void Promise.resolve().then(() => {
    traces.push('promise');
    console.log(traces.join(', '));
  });
}

function onWake() {
  const wakes = Atomics.add(words, WAKES, 1) + 1;
  if (mode === 'takes') take();
  else if (mode === 'promises') leaveTraces();
  else if (mode === 'referenced') addon.refWatch(watch, false);
  else if (mode === 'exits-in-wake') process.exit(5);
  else if (mode === 'stops-in-wake') addon.stopWatch(watch);
  else if (mode === 'throws') throw new Error('thrown by wake');
  else if (mode === 'catches') throw new Error(`thrown by wake ${wakes}`);
}

const watch = addon.startWatch(buffer, layout, epoll, bell, onWake);
console.log('watching');
if (mode === 'catches') process.on('uncaughtException', (error, origin) => console.log(`${origin} ${error.message}`));
if (['counts', 'takes', 'promises', 'catches'].includes(mode)) {
  process.stdin.once('data', () => {
    addon.stopWatch(watch);
    process.stdin.destroy();
  });
}
if (['referenced', 'throws', 'exits-in-wake', 'stops-in-wake'].includes(mode)) addon.refWatch(watch, true);
if (mode === 'exits') setImmediate(() => process.exit(5));
if (mode === 'ticks') {
  let ticks = 0;
  const timer = setInterval(() => {
    if (++ticks < 5) return;
    clearInterval(timer);
    addon.stopWatch(watch);
    console.log('five ticks');
  }, 20);
}
