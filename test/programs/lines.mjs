/**
 * Prints numbered lines in pieces of odd lengths: `lines.mjs COUNT BYTES [END]`. END: `exit` ends with code 9 right after the
 * last line, `spin` computes for ever, `open` leaves the last line without its end. Uses nothing of tsmpi.
 */

import { writeSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';

const [count, byteLength, end] = process.argv.slice(2);
const rank = process.env.TSMPI_RANK;
// Not process.stdout.fd for a process: Node makes the pipe non-blocking as soon as process.stdout is looked at.
const fd = isMainThread ? 1 : process.stdout.fd;
let text = '';
for (let k = 0; k < Number(count); k++) text += `${rank}:${k}:`.padEnd(Number(byteLength), String(rank)).concat('\n');
if (end === 'open') text = text.slice(0, -1);
for (let offset = 0, step = 7; offset < text.length; offset += step, step = 1 + ((step * 31) % 5000)) {
  const bytes = Buffer.from(text.slice(offset, offset + step));
  for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done);
}
if (end === 'exit') process.exit(9);
if (end === 'spin') for (;;);
