/**
 * Ranks 0 and 1 send each other gigabytes while rank 2 prints the time, line by line: `beside.mjs GIGABYTES`. Rank 2 is told
 * when it is enough.
 */

import { whenAll, world } from 'tsmpi';

const { rank } = world;
const LINE_MS = 20;
if (rank < 2) {
  const out = new Float64Array(4 << 20).fill(rank);
  const into = [0, 1, 2, 3].map(() => new Float64Array(4 << 20));
  for (let done = 0; done < Number(process.argv[2]) * 8; done++) {
    await whenAll(into.flatMap((array) => [world.send(out, 1 - rank), world.recv(array, 1 - rank)]));
  }
  if (rank === 0) await world.send(Int32Array.of(1), 2, 9);
} else {
  const end = world.recv(new Int32Array(1), 0, 9);
  while (!end.test()) {
    console.log(`at ${Date.now()}`);
    await new Promise((resolve) => setTimeout(resolve, LINE_MS));
  }
}
