/** Who cannot prove that it belongs to the job gets nothing, costs little, and keeps nobody out. */

import { describe, expect, test } from 'vitest';
import { FINISH } from '../../../../src/transport/frame.ts';
import { TAKEN } from '../../../../src/transport/transport.ts';
import { makeNonce, Proof, writeRequest } from '../../../../src/transport/websocket/upgrade.ts';
import { Arrivals } from '../../../conformance/arrivals.ts';
import { addon, countDescriptors, missing, named } from '../../native/native-addon.ts';
import { type End, KEY, openEnd, Table } from './ends.ts';
import { drive, encodeMessage, proof, RawPeer, request } from './raw-peer.ts';

const DEADLINE_SLACK_MS = 4000;

describe.skipIf(missing)(named('strangers'), () => {
  function listen(): { end: End; port: number; table: Table; arrivals: Arrivals } {
    const table = new Table();
    const end = openEnd(addon, table, 5);
    return { end, port: (table.addresses.get(5) as { port: number }).port, table, arrivals: new Arrivals(2) };
  }

  const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');
  const good = (): string => text(request(2, 5));

  test.each<[string, () => string, RegExp]>([
    ['a wrong key', () => text(writeRequest(new Proof('job', KEY.slice(1)), 'h', 1, 2, 5, makeNonce())), /^HTTP\/1\.1 403 /],
    ['another job', () => text(writeRequest(new Proof('other', KEY), 'h', 1, 2, 5, makeNonce())), /^HTTP\/1\.1 403 /],
    ['a proof for another rank', () => good().replace('Tsmpi-From: 2', 'Tsmpi-From: 3'), /^HTTP\/1\.1 403 /],
    ['another nonce', () => good().replace(/Key: .{4}/, 'Key: AAAA'), /^HTTP\/1\.1 403 /],
    ['no proof', () => good().replace(/Tsmpi-Proof: .*\r\n/, ''), /^HTTP\/1\.1 403 /],
    [
      'the proof of the other side',
      () => {
        const nonce = makeNonce();
        return text(request(2, 5, nonce)).replace(
          /Tsmpi-Proof: .*\r\n/,
          `Tsmpi-Proof: ${proof.make('rank-accept', 2, 5, nonce)}\r\n`,
        );
      },
      /^HTTP\/1\.1 403 /,
    ],
    ['a question for another rank', () => text(request(2, 6)), /^HTTP\/1\.1 403 /],
    ['a rank that is not of the job', () => text(request(16, 5)), /^HTTP\/1\.1 400 /],
    ['itself', () => text(request(5, 5)), /^HTTP\/1\.1 400 /],
    ['a browser', () => 'GET / HTTP/1.1\r\nHost: x\r\n\r\n', /^HTTP\/1\.1 400 /],
    ['another version', () => good().replace('Version: 13', 'Version: 8'), /^HTTP\/1\.1 400 /],
    ['no header', () => 'GET /tsmpi HTTP/1.1\r\nnonsense\r\n\r\n', /^$/],
    ['a head without an end', () => `GET /tsmpi HTTP/1.1\r\nX: ${'x'.repeat(5000)}`, /^$/],
  ])('%s', async (_, write, status) => {
    const { end, port, arrivals } = listen();
    const peer = new RawPeer(port);
    peer.socket.write(write(), 'latin1');
    await drive([end], [arrivals], () => peer.isClosed, 'the stranger is dropped');
    expect(peer.status).toMatch(status);
    expect(end.transport.sendControl(2, FINISH, 0, 0)).not.toBe(TAKEN);
  });

  test('an upgrade is taken once: a recorded one is refused', async () => {
    const { end, port, arrivals } = listen();
    const recorded = request(2, 5);
    const peer = new RawPeer(port);
    peer.socket.write(recorded);
    await drive([end], [arrivals], () => peer.status !== '', 'the first is answered');
    expect(peer.status).toBe('HTTP/1.1 101 Switching Protocols');
    expect(peer.received.toString('latin1')).toMatch(/Tsmpi-Proof: [A-Za-z0-9+/]{43}=\r\n/);
    peer.socket.destroy();
    const thief = new RawPeer(port);
    thief.socket.write(recorded);
    await drive([end], [arrivals], () => thief.isClosed, 'the second is dropped');
    expect(thief.received.toString('latin1')).toMatch(/^HTTP\/1\.1 403 .*Tsmpi-Reason: this upgrade was made before/s);
  });

  test('a hundred at once hold sixteen descriptors, and a rank comes in all the same', async () => {
    const { end, port, table, arrivals } = listen();
    const before = countDescriptors();
    const strangers = Array.from({ length: 100 }, () => new RawPeer(port));
    for (const { socket } of strangers) socket.write('GET /');
    const own = (): number => countDescriptors() - before - strangers.filter(({ isClosed }) => !isClosed).length;
    await drive([end], [arrivals], () => strangers.filter(({ isClosed }) => isClosed).length >= 84, 'all but 16 are dropped');
    expect(own()).toBeLessThanOrEqual(16);
    const rank = openEnd(addon, table, 2);
    const flood = Array.from({ length: 20 }, () => new RawPeer(port));
    expect(flood).toHaveLength(20);
    await drive(
      [end, rank],
      [arrivals, new Arrivals(5)],
      () => rank.transport.sendControl(5, FINISH, 7, 0) === TAKEN,
      'a rank is connected',
    );
    await drive([end, rank], [arrivals, new Arrivals(5)], () => arrivals.frames.length > 0, 'its frame arrives');
  });

  test('one that is slow is dropped after five seconds, also while the rank sleeps', async () => {
    const { end, port, arrivals } = listen();
    const peer = new RawPeer(port);
    peer.socket.write('GET /tsmpi');
    const ready = new Int32Array(2);
    const start = performance.now();
    // As a sleeping rank does: it polls only when its descriptor says so.
    await drive(
      [],
      [],
      () => {
        if (addon.listReady(end.epoll, ready) > 0) for (let k = 0; k < 32; k++) end.transport.poll(arrivals);
        return peer.isClosed;
      },
      'the slow one is dropped',
    );
    const took = performance.now() - start;
    expect(took).toBeGreaterThan(4500);
    expect(took).toBeLessThan(5000 + DEADLINE_SLACK_MS);
    expect(addon.listReady(end.epoll, ready)).toBe(0);
  });

  test('a gigabyte from a stranger is not read', async () => {
    const { end, port, arrivals } = listen();
    const peer = new RawPeer(port);
    const chunk = Buffer.alloc(1 << 20, 'x');
    let written = 0;
    const more = (): void => {
      while (!peer.isClosed && written < 1 << 30 && peer.socket.write(chunk)) written += chunk.byteLength;
    };
    peer.socket.on('drain', more);
    more();
    await drive([end], [arrivals], () => peer.isClosed, 'the stranger is dropped');
    expect(written).toBeLessThan(1 << 30);
  });

  test('rubbish on a proven connection closes it with its code, and others go on', async () => {
    const { end, port, table, arrivals } = listen();
    const cases: [number, Uint8Array][] = [
      [1002, Uint8Array.of(0x82, 1, 0)],
      [1009, Uint8Array.of(0x82, 0xff, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0)],
      [1008, encodeMessage(new Uint8Array(32).fill(255))],
      [1008, encodeMessage(new Uint8Array(32))],
    ];
    for (const [k, [code, bytes]] of cases.entries()) {
      const peer = new RawPeer(port);
      peer.socket.write(request(8 + k, 5));
      await drive([end], [arrivals], () => peer.status.includes('101'), 'the upgrade is answered');
      peer.socket.write(bytes);
      await drive([end], [arrivals], () => peer.isClosed, 'the connection is closed');
      expect(peer.closeCode).toBe(code);
      expect(end.suspicions.at(-1)).toMatchObject({ peer: 8 + k, isFinal: true });
      expect(end.transport.describe(8 + k)).toMatch(
        new RegExp(`^what came from rank ${8 + k} broke the protocol \\(closed with ${code}\\)`),
      );
    }
    const rank = openEnd(addon, table, 2);
    await drive([end, rank], [arrivals, new Arrivals(5)], () => rank.transport.sendControl(5, FINISH, 7, 0) === TAKEN, 'a rank');
    await drive([end], [arrivals], () => arrivals.frames.at(-1)?.source === 7, 'its frame arrives');
  });
});
