/** A worker of a team ends in one of the ways of kernels.ts, while the rank blocks or awaits. */

import { team } from 'tsmpi';

const [way = '0', how = 'wait'] = process.argv.slice(2);
const crew = await team(2);
const k = crew.kernels<typeof import('./kernels.ts')>(new URL('./kernels.ts', import.meta.url));
const loop = crew.parallelFor(k.end, { from: 0, to: 2, caller: false }, Number(way));
if (how === 'wait') loop.wait();
else await loop;
await new Promise((resolve) => setTimeout(resolve, 10_000));
