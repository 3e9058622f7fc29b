/** Regions with known calls, bytes and waits; prints what it measured itself and, where asked, its own report. */

import { profile, region, SUM, startProfile, vector, world } from 'tsmpi';

if (process.argv[3] === 'start') startProfile();

const BUSY_MS = 60;
const STRIDED = 65536;
const data = new Float64Array(128);
const peer = world.rank ^ 1;

function busy(ms: number): void {
  for (const end = performance.now() + ms; performance.now() < end; );
}

// Rank 1 computes three times as long, and rank 0 waits for it.
region('uneven', () => {
  busy(world.rank === 0 ? BUSY_MS : 3 * BUSY_MS);
  const start = performance.now();
  world.barrier().wait();
  console.log(`barrier ${(performance.now() - start) / 1000}`);
});
await region('awaited', async () => {
  if (world.rank === 1) busy(BUSY_MS);
  for (let k = 0; k < 10; k++) {
    if (world.rank === 0) await world.recv(data, peer);
    else await world.send(data, peer);
  }
  region('within', () => world.allreduce(data, SUM).wait());
});
for (let k = 0; k < 300; k++) world.sendrecv(data, peer, new Float64Array(128), peer).wait();
try {
  region('failing', () => {
    throw new Error('no region stays open');
  });
} catch {}
region('last', () => world.sendObject({ a: 1 }, peer).wait());
await world.probe(peer);
await world.recvObject(peer);
// Packed while it is sent: too long for a copy.
const column = vector(STRIDED, 1, 2).of(new Float64Array(2 * STRIDED));
region('strided', () => world.sendrecv(column, peer, column, peer).wait());

if (process.argv[2] === 'own') {
  const report = await profile();
  console.log(report === undefined ? 'nothing' : JSON.stringify(report));
}
