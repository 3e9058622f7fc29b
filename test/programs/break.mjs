/**
 * A job to be broken in the middle of something: `break.mjs start|point-to-point|collective|finalize`. Each rank prints
 * `ready PID` when it is there and goes on until it is ended, but that rank 5 does what its input says: a number is an
 * exit code, anything else is thrown.
 */

import { readSync, writeSync } from 'node:fs';

const moment = process.argv[2];
const isBroken = process.env.TSMPI_RANK === '5';
const ready = () => writeSync(1, `ready ${process.pid}\n`);
const breakAs = (input) => {
  const how = String(input).trim();
  if (/^\d+$/.test(how)) process.exit(Number(how));
  throw new Error(how);
};
const waitForInput = () => {
  const input = Buffer.alloc(100);
  return input.toString('utf8', 0, readSync(0, input));
};

if (moment === 'start' && isBroken) {
  ready();
  breakAs(waitForInput());
}
const { createKeyval, self, SUM, world } = await import('tsmpi');
if (isBroken && moment !== 'finalize') process.stdin.on('data', breakAs);
switch (moment) {
  case 'start':
    ready();
    await world.barrier();
    break;
  case 'point-to-point':
    await exchange(async (turn) => {
      const data = new Float64Array([1, 600, 5000, 100_000][turn % 4]).fill(world.rank);
      const into = new Float64Array(data.length);
      await world.sendrecv(data, (world.rank + 1) % world.size, into, (world.rank + world.size - 1) % world.size);
    });
    break;
  case 'collective':
    await exchange((turn) => world.allreduce(new Float64Array([1, 600, 100_000][turn % 3]).fill(1), SUM));
    break;
  case 'finalize':
    // Rank 5 stays in its own finalize; the others wait in theirs until it has received what they send.
    self.setAttribute(
      createKeyval({
        delete: () => {
          ready();
          if (isBroken) breakAs(waitForInput());
        },
      }),
      1,
    );
    if (!isBroken) world.send(new Float64Array(100_000), 5);
    break;
  default:
    throw new Error(`no such moment: ${moment}`);
}

/** Take turns without end. */
async function exchange(take) {
  for (let turn = 0; ; turn++) {
    await take(turn);
    if (turn === 12) ready();
  }
}
