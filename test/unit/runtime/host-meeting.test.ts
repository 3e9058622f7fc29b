/** Where hosts meet without agents: who proves itself is let in, whatever strangers say, and learns the addresses of all. */

import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { describe, expect, onTestFinished, test } from 'vitest';
import { HostDoor, visitFirstHost } from '../../../src/runtime/pmi/host-meeting.ts';
import { addon, countDescriptors, missing, named, until } from '../native/native-addon.ts';

const secret = { id: 'abc', key: Buffer.alloc(32, 7).toString('base64') };
const NONCE = 'n'.repeat(22);

function prove(purpose: string, host: number, addresses = '', key = secret.key): string {
  const text = [purpose, secret.id, host, NONCE, addresses].join('\n');
  return createHmac('sha256', Buffer.from(key, 'base64')).update(text).digest('base64url');
}

/** Connect to a door on the loopback address, and say that. */
function visit(port: number, text: string): number {
  const fd = addon.connectTcp('127.0.0.1', port);
  while (addon.connectOutcome(fd) !== 0);
  const bytes = Buffer.from(text);
  addon.send(fd, bytes, 0, bytes.byteLength);
  return fd;
}

/** Return what is there to read; undefined: the other side has closed. */
function read(fd: number): string | undefined {
  const bytes = Buffer.alloc(1024);
  for (;;) {
    const count = addon.receive(fd, bytes, 0, bytes.byteLength);
    if (count === 0) return undefined;
    if (count > 0) return bytes.toString('latin1', 0, count);
  }
}

/** Servers in a thread of their own, since whoever visits waits without turns: they answer a line in those ways. */
async function startServers(modes: readonly string[]): Promise<number[]> {
  const code = `
    const { createServer } = require('node:net');
    const { createHmac } = require('node:crypto');
    const { parentPort, workerData: { modes, secret } } = require('node:worker_threads');
    const json = JSON.stringify(['10.0.0.1', '10.0.0.2']);
    const answer = (mode, line) => {
      const [host, nonce] = line.split(' ');
      const text = ['host-accept', mode === 'other job' ? 'xyz' : secret.id, host, nonce, json].join('\\n');
      const proof = createHmac('sha256', Buffer.from(secret.key, 'base64')).update(text).digest('base64url');
      return proof + ' ' + (mode === 'other addresses' ? json.replace('10', '66') : json) + '\\n';
    };
    const listening = modes.map((mode) => new Promise((resolve) => {
      const server = createServer((socket) => {
        socket.on('error', () => {});
        socket.once('data', (data) => {
          if (mode === 'rubbish') socket.write('220 welcome\\n');
          else if (mode === 'goes') socket.destroy();
          else if (mode !== 'silent') socket.write(answer(mode, String(data)));
        });
      }).listen(0, '127.0.0.1', () => {
        resolve(server.address().port);
        if (mode === 'closed') server.close();
      });
    }));
    Promise.all(listening).then((ports) => parentPort.postMessage(ports));`;
  const worker = new Worker(code, { eval: true, workerData: { modes, secret } });
  onTestFinished(() => void worker.terminate());
  const [ports] = (await once(worker, 'message')) as [number[]];
  return ports;
}

describe.skipIf(missing)(named('hosts meet'), () => {
  test('rank 0 lets in each host once, and no stranger', () => {
    const before = countDescriptors();
    const door = new HostDoor(addon, [{ family: 'IPv4', address: '127.0.0.1' }]);
    expect(door.doors).toEqual([['127.0.0.1', expect.any(Number)]]);
    const port = door.doors[0]![1];
    const hello = (host: number, key?: string): string => `${host} ${NONCE} ${prove('host-connect', host, '', key)}\n`;
    const strangers = [
      'GET / HTTP/1.1\r\n\r\n',
      'x'.repeat(5000),
      hello(1, Buffer.alloc(32).toString('base64')),
      hello(0),
      hello(9),
      `1 ${NONCE} ${prove('host-accept', 1)}\n`,
    ].map((text) => visit(port, text));
    const silent = visit(port, '1');
    const [first, again, second] = [hello(1), hello(1), hello(2)].map((text) => visit(port, text)) as [number, number, number];
    const meeting = door.gather(secret, 3);
    door.close();
    expect(meeting.addresses).toEqual(['127.0.0.1', '127.0.0.1', '127.0.0.1']);
    expect(meeting.sockets.map(({ host }) => host).sort()).toEqual([1, 2]);
    const json = JSON.stringify(meeting.addresses);
    expect(read(first)).toBe(`${prove('host-accept', 1, json)} ${json}\n`);
    expect(read(second)).toBe(`${prove('host-accept', 2, json)} ${json}\n`);
    for (const fd of [...strangers, silent, again]) expect(read(fd)).toBeUndefined();
    for (const fd of [...strangers, silent, first, again, second, ...meeting.sockets.map((socket) => socket.fd)]) addon.close(fd);
    expect(countDescriptors()).toBe(before);
  });

  test('a visitor believes the one that proves itself, among all that answer', async () => {
    const ports = await startServers(['rubbish', 'closed', 'silent', 'other job', 'other addresses', 'goes', 'right']);
    const before = countDescriptors();
    const doors = ports.map((port): [string, number] => ['127.0.0.1', port]);
    const { sockets, addresses } = visitFirstHost(addon, secret, doors, 1);
    expect(addresses).toEqual(['10.0.0.1', '10.0.0.2']);
    const own = addon.socketAddress(sockets[0]!.fd, true);
    expect(own).toEqual(['127.0.0.1', ports.at(-1)]);
    addon.close(sockets[0]!.fd);
    // The servers are in this process too.
    await until(() => countDescriptors() === before, 'all connections are closed');
  });

  test('where nobody is right it says where it has tried', async () => {
    const [rubbish, closed] = (await startServers(['rubbish', 'closed'])) as [number, number];
    const doors: [string, number][] = [
      ['127.0.0.1', rubbish],
      ['127.0.0.1', closed],
    ];
    expect(() => visitFirstHost(addon, secret, doors, 1)).toThrow(
      `the host of rank 0 cannot be reached from here at 127.0.0.1:${rubbish}, 127.0.0.1:${closed}: hosts must take connections of each other`,
    );
    expect(() => visitFirstHost(addon, secret, [], 1)).toThrow('cannot be reached from here at no address');
  });
});
