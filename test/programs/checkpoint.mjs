/**
 * Goes on from the last checkpoint and saves each step: `checkpoint.mjs FOLDER STEPS COLUMNS [KILL_AT]`. What it loads it compares
 * with what that step must be, and prints `loaded S` (`loaded -` where there is none), then `saved S` at each save.
 *
 * KILL_AT: this process kills itself (-9) right before so many calls that change or open files, beginning with 1.
 */

import fs from 'node:fs';
import { world } from 'tsmpi';

const [folder, steps, columns, killAt] = process.argv.slice(2);
/** Rows that no number of ranks divides. */
const shape = [37, Number(columns)];

/** Value of an item at a step. */
const value = (step, place) => (step + 1) * 1000 + (place % 997);

const from = Math.floor((shape[0] * world.rank) / world.size);
const to = Math.floor((shape[0] * (world.rank + 1)) / world.size);
const field = new Float64Array((to - from) * shape[1]);
const time = new Float64Array(1);
const parts = { field: { data: field, shape, start: [from, 0] }, time: { data: time } };

const checkpoint = await world.checkpoint(folder);
let step = 0;
if (checkpoint.latest === undefined) {
  if (world.rank === 0) console.log('loaded -');
} else {
  ({ step } = await checkpoint.load(parts));
  for (let k = 0; k < field.length; k++) {
    if (field[k] !== value(step, from * shape[1] + k))
      throw new Error(`step ${step}: item ${k} of rank ${world.rank} is ${field[k]}`);
  }
  if (time[0] !== step) throw new Error(`step ${step}: the time is ${time[0]}`);
  if (world.rank === 0) console.log(`loaded ${step}`);
  step++;
}

if (killAt !== undefined) {
  let calls = 0;
  for (const name of ['openSync', 'writeSync', 'fsyncSync', 'renameSync', 'rmSync']) {
    const call = fs[name];
    fs[name] = (...args) => {
      if (++calls === Number(killAt)) process.kill(process.pid, 'SIGKILL');
      return call(...args);
    };
  }
}

for (const end = step + Number(steps); step < end; step++) {
  for (let k = 0; k < field.length; k++) field[k] = value(step, from * shape[1] + k);
  time[0] = step;
  await checkpoint.save(step, parts);
  if (world.rank === 0) fs.writeSync(1, `saved ${step}\n`);
}
