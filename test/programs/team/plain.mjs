/** A team of two in plain JavaScript. */

import { alloc, SUM, team } from 'tsmpi';

const crew = await team(2);
const { fill, sum } = crew.kernels(new URL('./plain-kernels.mjs', import.meta.url));
const array = alloc(Float64Array, 1000, { shared: true });
await crew.parallelFor(fill, array.length, array);
console.log(`${crew.size} threads, ${crew.parallelReduce(sum, array.length, SUM, array).wait()}`);
