/** Two ranks send each other so many bytes at once, `checksum.mjs wait|await BYTES`, and look at every one of them. */

import { world } from 'tsmpi';

const [how, text] = process.argv.slice(2);
const count = Number(text) / 4;
const peer = 1 - world.rank;
const data = new Uint32Array(count);
const inbox = new Uint32Array(count);
const valueAt = (rank, k) => Math.imul(k + 1, 2654435761 + rank) >>> 0;
for (let k = 0; k < count; k++) data[k] = valueAt(world.rank, k);
const requests = [world.recv(inbox, peer, 1), world.send(data, peer, 1)];
if (how === 'await') await Promise.all(requests);
else for (const request of requests) request.wait();
let wrong = 0;
for (let k = 0; k < count; k++) if (inbox[k] !== valueAt(peer, k)) wrong++;
console.log(`rank ${world.rank}: ${wrong === 0 ? 'right' : `${wrong} words are wrong`}`);
