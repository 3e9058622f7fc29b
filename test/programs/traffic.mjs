/** Messages of every protocol and collectives without end: `traffic.mjs wait|await`. Prints `ready PID` first, and `under way` after some. */

import { SUM, world } from 'tsmpi';

const { rank, size } = world;
const isBlocking = process.argv[2] === 'wait';
const next = (rank + 1) % size;
const previous = (rank + size - 1) % size;
const out = [1, 600, 5000, 100_000].map((length) => new Float64Array(length).fill(rank));
const into = out.map(({ length }) => new Float64Array(length));
console.log(`ready ${process.pid}`);
for (let turn = 1; ; turn++) {
  for (const [k, data] of out.entries()) {
    const request = world.sendrecv(data, next, into[k], previous);
    if (isBlocking) request.wait();
    else await request;
  }
  const sum = world.allreduce(1, SUM);
  if ((isBlocking ? sum.wait() : await sum) !== size) throw new Error('a wrong sum');
  if (turn === 10 && rank === 0) console.log('under way');
}
