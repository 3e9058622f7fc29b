/**
 * Hands on what comes to a port to another, and sends the first connection's words again, all by itself, when its input says
 * so: `recorder.mjs FROM HOST:PORT`. Prints what it got for them.
 */

import { connect, createServer } from 'node:net';

const [from, to] = process.argv.slice(2);
const [host, port] = to.split(':');
const recorded = [];
let isFirst = true;
const server = createServer((client) => {
  const records = isFirst;
  isFirst = false;
  const upstream = connect(Number(port), host);
  client.on('data', (bytes) => records && recorded.push(bytes));
  client.pipe(upstream).pipe(client);
  for (const socket of [client, upstream])
    socket.on('error', () => {}).on('close', () => [client, upstream].map((one) => one.destroy()));
});
server.listen(Number(from), () => console.log('listens'));
process.stdin.on('data', () => {
  const replay = connect(Number(port), host);
  let answer = '';
  replay.setEncoding('latin1').on('data', (text) => {
    answer += text;
  });
  replay
    .on('error', () => {})
    .on('close', () => {
      console.log(`closed after ${recorded.length === 0 ? 'no record' : JSON.stringify(answer)}`);
    });
  // Of an upgrade the head alone: what is not read would take the answer back.
  const words = Buffer.concat(recorded);
  const isUpgrade = words.toString('latin1', 0, 4) === 'GET ';
  replay.write(isUpgrade ? words.subarray(0, words.indexOf('\r\n\r\n') + 4) : words);
});
process.stdin.on('end', () => process.exit());
