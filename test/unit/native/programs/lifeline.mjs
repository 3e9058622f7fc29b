/** Hold a lifeline and do what the mode says. Arguments: addon, path of the line, mode. */

import { spawn } from 'node:child_process';
import { constants, readdirSync, writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';

const [addonPath, path, mode] = process.argv.slice(2);
const addon = createRequire(import.meta.url)(addonPath);
const say = (line) => writeSync(1, `${line}\n`);
process.stdin.pause(); // opens what the event loop needs, so that the count below stays comparable
const before = readdirSync('/proc/self/fd').length;
const line = addon.open(path, constants.O_RDONLY | constants.O_NONBLOCK);
const started = addon.startLifeline(line);
say(`started ${started}, again ${addon.startLifeline(line)}`);

if (mode === 'spins') for (;;);
if (mode === 'parks') {
  const [bell] = addon.pipe(true);
  addon.park(addon.createEpoll(bell), bell, -1);
}
if (mode === 'awaits') setInterval(() => {}, 1000);
if (mode === 'has-child') {
  const child = spawn('/bin/sleep', ['60']);
  say(String(child.pid));
}
if (mode === 'stops') {
  addon.stopLifeline();
  say('stopped');
  const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  await lines.next();
  // The line has ended; the thread closes its own descriptor a moment after it was stopped.
  const epoll = addon.createEpoll(line);
  const outcome = addon.park(epoll, line, -1);
  addon.close(epoll);
  addon.close(line);
  let left = 1;
  while (left > 0) {
    left = readdirSync('/proc/self/fd').length - before;
    await new Promise((resolve) => setImmediate(resolve));
  }
  say(`${outcome === 1 ? 'ended' : 'goes on'}, alive, descriptors left ${left}`);
  await lines.next();
  const [read, write] = addon.pipe(false);
  say(`another ${addon.startLifeline(read)}`);
  addon.close(write);
  for (;;);
}
