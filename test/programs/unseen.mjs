/** Rank 1's receive fails and nobody looks at it: `unseen.mjs end|collect|seen`. */

import { world } from 'tsmpi';

const how = process.argv[2];
if (world.rank === 0) {
  await world.send(new Float64Array(4), 1, 3);
  await world.send(1, 1, 4);
} else {
  const post = () => world.recv(new Float64Array(1), 0, 3);
  if (how === 'seen') await post().catch(({ code }) => console.log(code));
  else post();
  // What was sent behind it has come, so it has failed by now, and the rank goes on.
  await world.recv(new Float64Array(1), 0, 4);
  console.log('goes on');
  if (how === 'collect') {
    setInterval(() => globalThis.gc(), 10);
    await new Promise(() => {});
  }
}
