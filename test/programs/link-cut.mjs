/**
 * Two ranks exchange messages, short and announced, and look at them, while the link between them is cut: `link-cut.mjs FILE`.
 * Rank 1 makes FILE once they are under way, and ends it when somebody has made FILE.over and twenty more have gone.
 */

import { existsSync, writeFileSync } from 'node:fs';
import { world } from 'tsmpi';

const [file] = process.argv.slice(2);
const EACH = 20;
const peer = 1 - world.rank;
const lengths = [1, 700, 40_000];
let last = Number.POSITIVE_INFINITY;
for (let k = 0; k <= last; k++) {
  const data = new Int32Array(lengths[k % 3]).fill(2 * k + world.rank);
  const inbox = new Int32Array(data.length);
  await Promise.all([world.recv(inbox, peer, 1), world.send(data, peer, 1)]);
  if (!inbox.every((value) => value === 2 * k + peer)) throw new Error(`message ${k} is wrong`);
  if (world.rank === 1 && k === EACH) writeFileSync(file, '');
  const isOver = Int32Array.of(Number(world.rank === 1 && existsSync(`${file}.over`)));
  await world.bcast(isOver, 1);
  if (isOver[0] === 1 && last === Number.POSITIVE_INFINITY) last = k + EACH;
}
console.log(`rank ${world.rank}: right`);
