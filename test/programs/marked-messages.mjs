/**
 * Sends, then receives, messages that need no waiting, between marks that a trace of system calls shows: looks for files that
 * are not there. argv: a folder in which rank 1 sees that rank 0 has sent.
 */

import { accessSync, existsSync, writeFileSync } from 'node:fs';
import { world } from 'tsmpi';

const MESSAGES = 60;
const sent = `${process.argv[2]}/sent`;
const data = new Uint8Array(8);

function mark(name) {
  try {
    accessSync(`/tsmpi-mark/${name}`);
  } catch {
    // It never is there.
  }
}

world.barrier().wait();
if (world.rank === 0) {
  mark('send-begin');
  for (let k = 0; k < MESSAGES; k++) world.send(data, 1).wait();
  mark('send-end');
  writeFileSync(sent, '');
} else {
  // Awake, and not in a call: nobody has to ring.
  while (!existsSync(sent));
  mark('recv-begin');
  for (let k = 0; k < MESSAGES; k++) world.recv(data, 0).wait();
  mark('recv-end');
}
