/** Waits for the end of its input before it sends anything: `gate.mjs`. Prints `ready PID` first; then as ring.mjs. */

import { once } from 'node:events';
import 'tsmpi';

console.log(`ready ${process.pid}`);
await once(process.stdin.resume(), 'end');
await import('./ring.mjs');
