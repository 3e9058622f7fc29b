/** Rank 0 prints the bytes that each message costs it which was announced and not received. */

import { world } from 'tsmpi';

const MESSAGES = 20_000;
const message = new Uint8Array(20_000);
const go = new Uint8Array(1);

if (world.rank === 0) {
  globalThis.gc();
  const before = process.memoryUsage();
  world.send(go, 1).wait();
  world.probe(1, 2).wait(); // the last of them: all have come
  globalThis.gc();
  const after = process.memoryUsage();
  console.log(`${Math.round((after.heapUsed + after.external - before.heapUsed - before.external) / MESSAGES)} bytes`);
  for (let k = 0; k < MESSAGES; k++) world.recv(message, 1, 1).wait();
  world.recv(go, 1, 2).wait();
} else {
  world.recv(go, 0).wait();
  const sends = Array.from({ length: MESSAGES }, () => world.send(message, 0, 1));
  sends.push(world.send(go, 0, 2));
  for (const send of sends) send.wait();
}
