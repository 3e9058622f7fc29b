/** Rank 0 receives from anybody when all others have ended: `any-source.mjs wait|await|own`; `own`: it sends to itself later. */

import { ANY_SOURCE, world } from 'tsmpi';

const how = process.argv[2];
if (world.rank === 0) {
  const receive = world.recv(new Float64Array(1), ANY_SOURCE, 7);
  if (how === 'own') setTimeout(() => void world.send(1, 0, 7), 1500);
  if (how === 'wait') receive.wait();
  else console.log(`got one from ${(await receive).source}`);
}
