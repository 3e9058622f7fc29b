/**
 * A rank that does not end by itself, in one of several ways, for tests of what is left behind: `linger.mjs MODE`.
 * Prints `ready PID` first.
 */

import { spawn } from 'node:child_process';

const mode = process.argv[2];
if (mode === 'child') spawn('sleep', ['777'], { stdio: 'inherit' });
if (mode === 'session') spawn('sleep', ['777'], { stdio: 'ignore', detached: true });
if (mode === 'deaf') for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, () => {});
process.stdout.write(`ready ${process.pid}\n`);
switch (mode) {
  case 'spin':
    for (;;);
  case 'stop':
    process.kill(process.pid, 'SIGSTOP');
    break;
  case 'block':
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
    break;
  default:
    setInterval(() => {}, 1e6);
}
