/**
 * A long message each way moves while both ranks compute: `overlap.mjs BYTES`. Each rank prints how long the exchange takes
 * by itself, how long the receive still waited after computing four times as long, and whether all came.
 */

import { MAX, whenAll, world } from 'tsmpi';

const byteLength = Number(process.argv[2]);
const { rank } = world;
const peer = 1 - rank;
const data = new Float64Array(byteLength / 8).map((_, k) => k + rank);
const inbox = new Float64Array(byteLength / 8);

const alone = performance.now();
await whenAll([world.recv(inbox, peer, 1), world.send(data, peer, 1)]);
const slowest = Float64Array.of(performance.now() - alone);
world.allreduce(slowest, slowest, MAX).wait();
inbox.fill(-1);

const requests = [world.recv(inbox, peer, 1), world.send(data, peer, 1)];
// Behind the announcements, so that both receives are matched.
const inWord = new Int32Array(1);
for (let round = 0; round < 3; round++) world.sendrecv(Int32Array.of(round), peer, inWord, peer).wait();
for (const end = performance.now() + 4 * slowest[0]; performance.now() < end; );
const start = performance.now();
requests[0].wait();
const waitedMs = Math.round(performance.now() - start);
requests[1].wait();
const isRight = inbox.every((value, k) => value === k + peer);
console.log(`rank ${rank}: ${isRight ? 'right' : 'wrong'}, ${Math.round(slowest[0])} ms alone, waited ${waitedMs} ms`);
