/** A long message each way moves while both ranks compute: `overlap.mjs BYTES MS`. Prints how long the receive waited
 * afterwards, and whether all came. */

import { world } from 'tsmpi';

const [byteLength, ms] = process.argv.slice(2).map(Number);
const { rank } = world;
const peer = 1 - rank;
const data = new Float64Array(byteLength / 8).map((_, k) => k + rank);
const inbox = new Float64Array(byteLength / 8);
const requests = [world.recv(inbox, peer, 1), world.send(data, peer, 1)];
// Behind the announcements, so that both receives are matched.
const inWord = new Int32Array(1);
for (let round = 0; round < 3; round++) world.sendrecv(Int32Array.of(round), peer, inWord, peer).wait();
for (const end = performance.now() + ms; performance.now() < end; );
const start = performance.now();
requests[0].wait();
const waitedMs = Math.round(performance.now() - start);
requests[1].wait();
const isRight = inbox.every((value, k) => value === k + peer);
console.log(`rank ${rank}: ${isRight ? 'right' : 'wrong'}, waited ${waitedMs} ms`);
