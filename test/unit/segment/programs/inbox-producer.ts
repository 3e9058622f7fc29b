/**
 * A producer: sends `count` numbered cells into the inbox of local rank 0 and prints how many.
 *
 *     node inbox-producer.mjs <holder pid> <fd> <bytes> <own local rank> <count>
 */

import { constants } from 'node:fs';
import { loadAddon } from '../../../../src/native/loader.ts';
import { InboxProducer } from '../../../../src/segment/inbox.ts';
import { Segment } from '../../../../src/segment/segment.ts';

const [holder, fd, bytes, rank, count] = process.argv.slice(2).map(Number) as [number, number, number, number, number];
const addon = loadAddon().addon!;
const own = addon.open(`/proc/${holder}/fd/${fd}`, constants.O_RDWR);
if (own < 0) throw new Error(`cannot open the memory: errno ${-own}`);
const segment = Segment.attach(addon.map(own, bytes));
const producer = new InboxProducer(segment);
const { i32, f64 } = segment;
console.log('ready');
for (let k = 0; k < count; k++) {
  let cell = producer.claim(0);
  while (cell < 0) {
    addon.yield();
    cell = producer.claim(0);
  }
  i32[cell + 1] = rank;
  i32[cell + 2] = k;
  i32[cell + 3] = Math.imul(k, 0x9e3779b1) ^ rank;
  f64[(cell + 8) >> 1] = rank * 1e9 + k;
  producer.publish(cell);
}
console.log('done');
