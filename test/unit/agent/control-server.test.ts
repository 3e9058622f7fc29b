/** Who gets through to the launcher: agents of its job, and nobody else, whatever they send. */

import { once } from 'node:events';
import { createServer, connect as dialTcp, type Socket } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { type Caller, listenForCallers } from '../../../src/agent/control-server.ts';
import { CIPHERS, deriveKey, type KeyedServer } from '../../../src/agent/keyed-websocket.ts';
import type { FromAgent, ToAgent } from '../../../src/agent/protocol.ts';
import { WebSocketConnection } from '../../../src/agent/websocket-connection.ts';

const JOB = 'job-1';
const secret = Buffer.alloc(32, 7);
const sockets: { destroy(): void }[] = [];
let server: KeyedServer;
let callers: Caller<ToAgent, FromAgent>[];
let onCaller: () => void;

beforeEach(async () => {
  callers = [];
  onCaller = () => {};
  server = await listenForCallers<ToAgent, FromAgent>(
    { identity: JOB, key: deriveKey(secret, JOB, 'control'), ports: undefined },
    (caller) => {
      callers.push(caller);
      onCaller();
    },
  );
});
afterEach(() => {
  for (const { connection } of callers) connection.drop();
  for (const socket of sockets.splice(0)) socket.destroy();
  server.close();
});

/** Dial as an agent does, with these changes; resolve when it is open. */
async function dial(changes: ConnectionOptions = {}, port = server.port): Promise<WebSocket> {
  const psk = deriveKey(secret, JOB, 'control');
  const options = {
    ciphers: CIPHERS,
    pskCallback: () => ({ psk, identity: JOB }),
    checkServerIdentity: () => undefined,
    ...changes,
  };
  const socket = new WebSocket(`wss://127.0.0.1:${port}`, options as object);
  await once(socket, 'open');
  return socket;
}

function raw(port = server.port): Socket {
  const socket = dialTcp(port, '127.0.0.1');
  // Read what comes, or its end is never seen.
  socket.on('error', () => {}).resume();
  sockets.push(socket);
  return socket;
}

/** Unlike once() this takes a reset for an end. */
const closing = (socket: Socket): Promise<void> =>
  new Promise((resolve) => (socket.closed ? resolve() : socket.once('close', () => resolve())));

test('an agent gets through, and messages of any size go both ways in order', async () => {
  const agent = new WebSocketConnection<FromAgent, ToAgent>(await dial());
  expect(callers).toMatchObject([{ remoteAddress: '127.0.0.1', localAddress: '127.0.0.1' }]);
  const { connection } = callers[0];
  const got: [string, number][] = [];
  const all = new Promise<void>((resolve) => {
    connection.onMessage = (message, body) => {
      got.push([message.kind, body.byteLength]);
      if (got.length === 3) resolve();
    };
  });
  agent.send({ kind: 'stdinClosed' });
  agent.send({ kind: 'output', rank: 1, stream: 1 }, Buffer.alloc(3_000_000, 1));
  agent.send({ kind: 'paused' });
  await all;
  expect(got).toEqual([
    ['stdinClosed', 0],
    ['output', 3_000_000],
    ['paused', 0],
  ]);
  const answered = new Promise<ToAgent>((resolve) => {
    agent.onMessage = resolve;
  });
  connection.send({ kind: 'credit', rank: 1, byteLength: 5 });
  expect(await answered).toEqual({ kind: 'credit', rank: 1, byteLength: 5 });
  const ended = Promise.all([
    new Promise<void>((resolve) => (agent.onEnd = resolve)),
    new Promise<void>((resolve) => (connection.onEnd = resolve)),
  ]);
  agent.close();
  await ended;
});

test.each<[string, ConnectionOptions]>([
  ['another secret', { pskCallback: () => ({ psk: Buffer.alloc(32), identity: JOB }) }],
  ['another secret, TLS 1.2', { pskCallback: () => ({ psk: Buffer.alloc(32), identity: JOB }), maxVersion: 'TLSv1.2' }],
  ['another job', { pskCallback: () => ({ psk: deriveKey(secret, JOB, 'control'), identity: 'job-2' }) }],
  ['no secret', { pskCallback: undefined, rejectUnauthorized: false, ciphers: 'DEFAULT' } as ConnectionOptions],
])('%s does not get through', async (_, changes) => {
  await expect(dial(changes)).rejects.toThrow();
  expect(callers).toEqual([]);
  await dial();
  expect(callers).toHaveLength(1);
});

test('a recorded connection is worth nothing', async () => {
  const recorded: Buffer[] = [];
  const proxy = createServer((client) => {
    const upstream = raw();
    sockets.push(client);
    client.on('data', (bytes: Buffer) => {
      recorded.push(bytes);
      upstream.write(bytes);
    });
    client.on('error', () => {});
    upstream.pipe(client);
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const socket = await dial({}, (proxy.address() as { port: number }).port);
  expect(callers).toHaveLength(1);
  socket.terminate();
  proxy.close();
  const replay = raw();
  for (const bytes of recorded) replay.write(bytes);
  await closing(replay);
  expect(callers).toHaveLength(1);
});

test('rubbish, an upgrade without TLS and a gigabyte end the stranger’s connection and cost no memory', async () => {
  const http = raw();
  http.write('GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n');
  const flood = Buffer.alloc(1 << 20, 0x16);
  const before = process.memoryUsage().rss;
  const floods = Array.from({ length: 8 }, () => {
    const socket = raw();
    const more = (): void => {
      while (!socket.destroyed && socket.bytesWritten < 1 << 27 && socket.write(flood));
    };
    socket.on('connect', more).on('drain', more);
    return socket;
  });
  await Promise.all([http, ...floods].map(closing));
  expect(process.memoryUsage().rss - before).toBeLessThan(256 << 20);
  await dial();
  expect(callers).toHaveLength(1);
});

test('a hundred strangers who say nothing: the server holds 64 of them, five seconds each, and an agent still gets through', async () => {
  const strangers = Array.from({ length: 100 }, () => raw());
  let closed = 0;
  const turnedAway = new Promise<void>((resolve) => {
    for (const socket of strangers) socket.on('close', () => ++closed === 36 && resolve());
  });
  await turnedAway;
  expect(strangers.filter((socket) => !socket.destroyed)).toHaveLength(64);
  await expect(dial()).rejects.toThrow();
  await Promise.all(strangers.map(closing));
  await dial();
  expect(callers).toHaveLength(1);
});
