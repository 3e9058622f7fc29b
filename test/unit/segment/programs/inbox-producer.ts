/**
 * A producer: sends `count` numbered cells into the inbox of local rank 0 and prints how many.
 *
 *     node inbox-producer.mjs <holder pid> <fd> <bytes> <own local rank> <count> [<cell> <point>]
 *
 * With a cell and a point it kills itself there: unclaimed, claimed, half filled, filled, published.
 */

import { constants } from 'node:fs';
import { loadAddon } from '../../../../src/native/loader.ts';
import { InboxProducer } from '../../../../src/segment/inbox.ts';
import { Segment } from '../../../../src/segment/segment.ts';

const [holder, fd, bytes, rank, count] = process.argv.slice(2).map(Number) as [number, number, number, number, number];
const addon = loadAddon().addon!;
const [deadlyCell = '-1', deadlyPoint] = process.argv.slice(7);
const own = addon.open(`/proc/${holder}/fd/${fd}`, constants.O_RDWR);
if (own < 0) throw new Error(`cannot open the memory: errno ${-own}`);
const segment = Segment.attach(addon.map(own, bytes));
const producer = new InboxProducer(segment);
const { i32, f64 } = segment;
/** Die here, as by kill -9 from outside, if this is the cell and the point to die at. */
function pass(point: string, k: number): void {
  if (k === Number(deadlyCell) && point === deadlyPoint) process.kill(process.pid, 'SIGKILL');
}

console.log('ready');
for (let k = 0; k < count; k++) {
  pass('unclaimed', k);
  let cell = producer.claim(0);
  while (cell < 0) {
    addon.yield();
    cell = producer.claim(0);
  }
  pass('claimed', k);
  i32[cell + 1] = rank;
  i32[cell + 2] = k;
  pass('half filled', k);
  i32[cell + 3] = Math.imul(k, 0x9e3779b1) ^ rank;
  f64[(cell + 8) >> 1] = rank * 1e9 + k;
  pass('filled', k);
  producer.publish(cell);
  pass('published', k);
}
console.log('done');
