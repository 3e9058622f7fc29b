/**
 * Files by wait() and by await: `file.mjs FOLDER`. Each rank prints `ok` at its end. Rank 0 limits the size of its files at the
 * end (prlimit), as a full disk would.
 */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';
import { alloc, f64, subarray, world } from 'tsmpi';

const [folder] = process.argv.slice(2);
const { rank, size } = world;
const path = `${folder}/field`;

/** 5 MB a rank, in columns of a matrix: long rounds and short runs. */
const rows = 500;
const columns = 1300;
const shape = [rows, columns * size];
const value = (i, j) => i * 1e6 + j;
const field = alloc(Float64Array, rows * columns, { shared: true });
for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) field[i * columns + j] = value(i, j + rank * columns);

const file = world.openFile(path, 'w+').wait();
file.setView(0, f64, subarray(shape, [rows, columns], [0, rank * columns]));
assert.equal(file.writeAtAll(0, field).wait().count, rows * columns);
file.sync().wait();
assert.equal(statSync(path).size, 8 * rows * columns * size);
const whole = new Float64Array(readFileSync(path).buffer);
for (let k = 0; k < whole.length; k += 997) assert.equal(whole[k], value(Math.floor(k / (columns * size)), k % (columns * size)));

// Rows instead, back, in both ways at once, while others are under way.
file.setView(0, f64);
const mine = Math.floor(rows / size);
const into = new Float64Array(mine * columns * size);
const [alone, together] = await Promise.all([
  file.readAt(rank * into.length, new Float64Array(into.length)),
  file.readAtAll(rank * into.length, into),
]);
assert.equal(alone.count, into.length);
assert.equal(together.count, into.length);
assert.equal(into[columns * size + 1], value(rank * mine + 1, 1));
let ticks = 0;
const timer = setInterval(() => ticks++, 1);
for (let k = 0; k < 20; k++) await file.writeAt(rank * into.length, into);
clearInterval(timer);
assert.ok(ticks > 0, 'the event loop got no turn');
await file.close();

const checkpoint = await world.checkpoint(`${folder}/states`);
const part = { data: field, shape, start: [0, rank * columns], subshape: [rows, columns] };
await checkpoint.save(1, { field: part });
if (rank === 0 && isMainThread) execFileSync('prlimit', ['--pid', String(process.pid), '--fsize=3000000:3000000']);
await world.barrier();
if (isMainThread) {
  const full = await world.openFile(`${folder}/full`, 'w');
  const words =
    /^writeAtAll: rank 0( on \S+)? could not write \d+ bytes at \d+ of .*full: file too large \(EFBIG\): expected a size within the limit/;
  await assert.rejects(full.writeAtAll(rank * 8 * field.length, field), { code: 'ERR_MPI_NO_SPACE', message: words });
  await full.close();
  await assert.rejects(checkpoint.save(2, { field: part }), {
    code: 'ERR_MPI_NO_SPACE',
    message: /^checkpoint: rank 0( on \S+)? could not write/,
  });
}
field.fill(0);
assert.equal((await checkpoint.load({ field: part })).step, 1);
assert.equal(field[columns + 1], value(1, 1 + rank * columns));
await checkpoint.close();
console.log('ok');
