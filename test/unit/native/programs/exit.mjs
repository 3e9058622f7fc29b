/** Leave with code 3, guarded, and do what the mode says where Node takes itself apart. Arguments: addon, mode. */

import { createRequire } from 'node:module';

const [addonPath, mode] = process.argv.slice(2);
const addon = createRequire(import.meta.url)(addonPath);
if (addon.guardExit(3) !== 0) process.exit(1);
const begun = process.hrtime.bigint();
if (mode === 'stands still') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
// Longer than a standstill is borne.
while (process.hrtime.bigint() - begun < 2_500_000_000n);
process.exit(4);
