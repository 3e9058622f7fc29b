/**
 * Connects to each of those addresses a hundred times at once and behaves as KIND says: `stranger.mjs KIND HOST:PORT...`. Ends
 * when all have been closed from the other side, and says how much it could write.
 *
 *     nothing   says nothing
 *     rubbish   bytes without sense, an upgrade without a proof, a hello of TLS
 *     secret    TLS with another secret
 *     gigabyte  as much as is taken, ten of them a gigabyte together
 */

import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';

const COUNT = 100;
const TOTAL_BYTES = 1 << 30;
const CHUNK = Buffer.alloc(1 << 20, 'x');
const UPGRADE =
  'GET /tsmpi HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\r\n';
const HELLO = Buffer.from('16030100050100000100', 'hex');

const [kind, ...addresses] = process.argv.slice(2);
let written = 0;
let closed = 0;
for (const address of addresses) for (let k = 0; k < COUNT; k++) open(address, k);

function open(address, k) {
  const [host, port] = address.split(':');
  const options = { host, port: Number(port) };
  const psk = { psk: Buffer.alloc(32, k), identity: 'job' };
  const secure = { ciphers: 'PSK+AESGCM:PSK+CHACHA20', pskCallback: () => psk, checkServerIdentity: () => undefined };
  const socket = kind === 'secret' ? connectTls({ ...options, ...secure }) : connect(options);
  socket.on('error', () => {}).resume();
  socket.on('close', () => {
    written += socket.bytesWritten;
    if (++closed === COUNT * addresses.length) console.log(`${closed} closed, ${written} bytes written`);
  });
  if (kind === 'rubbish') socket.write([CHUNK.subarray(0, 100), UPGRADE, HELLO][k % 3]);
  if (kind !== 'gigabyte') return;
  const more = () => {
    while (!socket.destroyed && socket.bytesWritten < TOTAL_BYTES / 10 && socket.write(CHUNK));
  };
  socket.on('connect', more).on('drain', more);
}
