/** The `ws` package talks to it, as client and as server: any key, any fragments, pings between, 0 bytes to 8 MiB. */

import { randomFillSync } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { CLEAR, CREDIT, FINISH, PIECE, SHORT } from '../../../../src/transport/frame.ts';
import { TAKEN } from '../../../../src/transport/transport.ts';
import { HEAD_BYTES, PIECE_BYTES } from '../../../../src/transport/websocket/wire.ts';
import { Arrivals } from '../../../conformance/arrivals.ts';
import { Random } from '../../datatype/random.ts';
import { addon, missing, named } from '../../native/native-addon.ts';
import { type End, openEnd, Table } from './ends.ts';
import { drive, encodeFrame, proof } from './raw-peer.ts';

/** `ws` stands for rank 2, rank 5 is ours. */
const [THEIRS, OURS] = [2, 5];

interface Meeting {
  readonly end: End;
  readonly arrivals: Arrivals;
  readonly ws: WebSocket;
}

/** Our listener, and `ws` as its client, which masks with random keys. */
async function asClient(): Promise<Meeting> {
  const table = new Table();
  const end = openEnd(addon, table, OURS);
  const arrivals = new Arrivals(THEIRS);
  const { port } = table.addresses.get(OURS) as { port: number };
  const ws = new WebSocket(`ws://127.0.0.1:${port}/tsmpi`, 'tsmpi', {
    headers: { 'Tsmpi-From': THEIRS, 'Tsmpi-To': OURS },
    finishRequest: (request) => {
      const nonce = String(request.getHeader('sec-websocket-key'));
      request.setHeader('Tsmpi-Proof', proof.make('rank-connect', THEIRS, OURS, nonce));
      request.end();
    },
  });
  const answers: unknown[] = [];
  ws.on('upgrade', ({ headers }) => answers.push(headers['tsmpi-proof']));
  onTestFinished(() => ws.terminate());
  await drive([end], [arrivals], () => ws.readyState === WebSocket.OPEN, '`ws` is connected');
  expect(answers).toHaveLength(1);
  ws.send(encodeFrame({ kind: CREDIT }));
  return { end, arrivals, ws };
}

/** `ws` as a server, and our transport as its client, which masks with key 0. */
async function asServer(): Promise<Meeting> {
  const server = new WebSocketServer({
    port: 0,
    host: '127.0.0.1',
    handleProtocols: () => 'tsmpi',
    verifyClient: ({ req: { headers } }: { req: { headers: Record<string, string | string[] | undefined> } }) => {
      const nonce = String(headers['sec-websocket-key']);
      return proof.isRight(String(headers['tsmpi-proof']), 'rank-connect', OURS, THEIRS, nonce);
    },
  });
  server.on('headers', (headers, request) => {
    const nonce = String(request.headers['sec-websocket-key']);
    headers.push(`Tsmpi-Proof: ${proof.make('rank-accept', OURS, THEIRS, nonce)}`);
  });
  let ws: WebSocket | undefined;
  server.on('connection', (socket) => {
    ws = socket;
  });
  onTestFinished(() => {
    ws?.terminate();
    server.close();
  });
  await new Promise((resolve) => server.once('listening', resolve));
  const table = new Table();
  table.addresses.set(THEIRS, { host: '127.0.0.1', port: (server.address() as AddressInfo).port });
  const end = openEnd(addon, table, OURS);
  const arrivals = new Arrivals(THEIRS);
  const send = (): boolean => end.transport.sendControl(THEIRS, FINISH, 0, 0) === TAKEN;
  await drive([end], [arrivals], () => send() && ws !== undefined, 'it is connected with `ws`');
  return { end, arrivals, ws: ws! };
}

/** Frames of pieces that make up so many bytes. */
function pieces(data: Uint8Array): Uint8Array {
  const frames: Uint8Array[] = [];
  for (let offset = 0; offset < data.byteLength; offset += PIECE_BYTES) {
    const payload = data.subarray(offset, offset + PIECE_BYTES);
    frames.push(encodeFrame({ kind: PIECE, source: 1, tag: payload.byteLength, byteLength: offset, payload }));
  }
  return Buffer.concat(frames);
}

describe.skipIf(missing).each([
  ['client', asClient],
  ['server', asServer],
] as const)(named('ws as %s'), (_, meet) => {
  const SIZES = [0, 1, 93, 94, 95, 1000, 65_503, 65_504, 65_536, 1 << 20, 8 << 20];

  test.each(SIZES)('%i bytes from it, as one message, in fragments, with pings between', async (byteLength) => {
    const { end, arrivals, ws } = await meet();
    let pongs = 0;
    ws.on('pong', () => pongs++);
    const data = randomFillSync(new Uint8Array(byteLength));
    arrivals.pieceTarget = new Uint8Array(byteLength);
    const random = new Random(byteLength + 1);
    for (const isFragmented of [false, true]) {
      arrivals.frames.length = 0;
      arrivals.pieceTarget.fill(0);
      const message = byteLength === 0 ? encodeFrame({ kind: SHORT, type: 2 }) : pieces(data);
      for (let at = 0; at < message.byteLength; ) {
        const next = isFragmented ? Math.min(message.byteLength, at + 1 + random.below(byteLength / 3 + 40)) : message.byteLength;
        ws.send(message.subarray(at, next), { fin: next === message.byteLength });
        if (isFragmented && random.below(3) === 0) ws.ping(Buffer.alloc(random.below(126), at));
        at = next;
      }
      ws.ping('last');
      const count = Math.max(1, Math.ceil(byteLength / PIECE_BYTES));
      const seen = pongs;
      await drive([end], [arrivals], () => arrivals.frames.length === count && pongs > seen, 'all is there');
      expect(Buffer.compare(arrivals.pieceTarget, data)).toBe(0);
    }
  });

  test.each(SIZES)('%i bytes to it', async (byteLength) => {
    const { end, arrivals, ws } = await meet();
    const messages: Buffer[] = [];
    ws.on('message', (message: Buffer) => messages.push(message));
    const data = randomFillSync(new Uint8Array(byteLength));
    let offset = 0;
    const send = (): boolean => {
      if (byteLength === 0) return end.transport.sendControl(THEIRS, CLEAR, 1, 2) === TAKEN;
      while (offset < byteLength) {
        const bytes = Math.min(PIECE_BYTES, byteLength - offset);
        if (end.transport.sendPiece(THEIRS, 3, data, offset, offset, bytes) !== TAKEN) return false;
        offset += bytes;
      }
      return true;
    };
    await drive([end], [arrivals], send, 'all is taken');
    const count = Math.max(1, Math.ceil(byteLength / PIECE_BYTES));
    const frames = (): Buffer[] => messages.filter((message) => [CLEAR, PIECE].includes(message[4]!));
    await drive([end], [arrivals], () => frames().length === count, 'all has arrived');
    expect(Buffer.compare(Buffer.concat(frames().map((message) => message.subarray(HEAD_BYTES))), data)).toBe(0);
  });

  test('it closes in order, and we do', async () => {
    const first = await meet();
    first.ws.close(1001);
    await drive([first.end], [first.arrivals], () => first.end.transport.describe(THEIRS) === 'rank 2 has ended', 'we are told');
    const second = await meet();
    let code = 0;
    second.ws.on('close', (given) => {
      code = given;
    });
    await drive(
      [second.end],
      [second.arrivals],
      () => second.end.transport.traffic(THEIRS).received > 0 || meet === asServer,
      'open',
    );
    second.end.transport.stop();
    await drive([], [], () => code !== 0, 'it is told');
    expect(code).toBe(1001);
  });
});

test.skipIf(missing)('a text message of `ws` closes with 1003', async () => {
  const { end, arrivals, ws } = await asClient();
  let code = 0;
  ws.on('close', (given) => {
    code = given;
  });
  ws.send('text');
  await drive([end], [arrivals], () => code !== 0, 'it is closed');
  expect(code).toBe(1003);
  expect(end.suspicions).toHaveLength(1);
});
