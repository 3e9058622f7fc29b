/** Hold an array that the process named may read and write; show its first two elements at the first line. Arguments: addon, pid. */

import { createRequire } from 'node:module';

const [addonPath, pid] = process.argv.slice(2);
const addon = createRequire(import.meta.url)(addonPath);
const count = 100_000;
const array = Float64Array.from({ length: count }, (_, index) => index / 3);
process.stdin.once('data', () => {
  console.log(`${array[0]} ${array[1]}`);
  process.stdin.destroy();
});
console.log(`${addon.setPtracer(Number(pid))} ${addon.addressOf(array)} ${count}`);
