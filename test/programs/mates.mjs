/**
 * Ranks that stay until they are ended, but for one, which ends in some way: `mates.mjs MODE RANK [HOW]`. HOW the others
 * stay: they await, wait, spin or block. Prints `ready RANK PID` first; `sit`: that is all. `leave`: the others wait for it.
 */

import { spawnSync } from 'node:child_process';
import { abort, job, world } from 'tsmpi';

const [mode, who, how = 'await'] = process.argv.slice(2);
const { rank } = world;
const inbox = new Float64Array(1);
await world.barrier();
process.stdout.write(`ready ${rank} ${process.pid}\n`);
await world.barrier();
if (rank === Number(who)) {
  switch (mode) {
    case 'kill':
      process.kill(process.pid, 'SIGKILL');
      break;
    case 'throw':
      throw new Error(`boom of rank ${rank}`);
    case 'exit':
      process.exit(42);
      break;
    case 'abort':
      abort(5, 'enough');
      break;
    case 'leave':
    case 'part':
      process.exit(0);
      break;
    case 'place': {
      const names = Object.keys(process.env).filter((name) => /^PMI|^HYD/.test(name));
      const script = "import('tsmpi').then(({ world }) => world.rank).catch((error) => console.log(error.message))";
      const { stdout } = spawnSync(process.execPath, ['-e', script], { encoding: 'utf8', cwd: import.meta.dirname });
      const { localRank, localSize, hosts } = job;
      const { TSMPI_RANK, TSMPI_SIZE, TSMPI_LOCAL_RANK } = process.env;
      const variables = `${TSMPI_RANK} ${TSMPI_SIZE} ${TSMPI_LOCAL_RANK}`;
      console.log(JSON.stringify({ names, variables, child: stdout.trim(), localRank, localSize, hosts }));
      break;
    }
  }
}
if (mode === 'place') await world.barrier();
else if (how === 'spin') for (;;);
else if (how === 'block') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
else {
  const request = world.recv(inbox, mode === 'leave' ? Number(who) : (rank + 1) % world.size);
  if (how === 'wait') request.wait();
  else await request;
}
