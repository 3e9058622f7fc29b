/** Whatever bytes come over a proven connection: no crash, no hang, no write outside a target; others go on. */

import { describe, expect, test } from 'vitest';
import { WINDOW } from '../../../../src/transport/credit.ts';
import { ANNOUNCE, CLEAR, CREDIT, EAGER, FINISH, PIECE, SHORT } from '../../../../src/transport/frame.ts';
import { BUSY, TAKEN } from '../../../../src/transport/transport.ts';
import { QUEUE_BYTES } from '../../../../src/transport/websocket/shared-buffers.ts';
import { Arrivals } from '../../../conformance/arrivals.ts';
import { Random } from '../../datatype/random.ts';
import { addon, missing, named, until } from '../../native/native-addon.ts';
import { type End, openEnd, Table } from './ends.ts';
import { drive, encodeFrame, encodeMessage, RawPeer, request } from './raw-peer.ts';

describe.skipIf(missing)(named('hostile bytes'), () => {
  function listen(): { end: End; port: number; table: Table } {
    const table = new Table();
    const end = openEnd(addon, table, 5);
    return { end, port: (table.addresses.get(5) as { port: number }).port, table };
  }

  async function connect(end: End, port: number, from: number, arrivals: Arrivals): Promise<RawPeer> {
    const peer = new RawPeer(port);
    peer.socket.write(request(from, 5));
    await drive([end], [arrivals], () => peer.status.includes('101'), 'the upgrade is answered');
    return peer;
  }

  /** A frame that a rank might send. */
  function frame(random: Random): Uint8Array {
    const kind = [SHORT, EAGER, ANNOUNCE, CLEAR, PIECE, FINISH, CREDIT][random.below(7)]!;
    const length = kind === SHORT ? random.below(33) : kind === EAGER || kind === PIECE ? random.below(3000) : 0;
    const payload = new Uint8Array(length).fill(7);
    const byteLength = kind === PIECE ? random.below(1000) : length;
    return encodeFrame({ kind, type: kind <= ANNOUNCE ? random.below(12) : 0, tag: length, byteLength, payload });
  }

  test.each(Array.from({ length: 30 }, (_, seed) => seed + 1))(
    'frames with bytes changed, cut and made up: seed %i',
    async (seed) => {
      const random = new Random(seed);
      const { end, port, table } = listen();
      for (let round = 0; round < 6; round++) {
        const arrivals = new Arrivals(8);
        // Element types of other sizes than the payload: the copy is of whole elements.
        arrivals.pieceTarget = new Uint8Array(5000);
        const peer = await connect(end, port, 6 + round, arrivals);
        const parts: Uint8Array[] = [];
        for (let k = 0; k < 20; k++) {
          const key = random.below(2) === 0 ? [0, 0, 0, 0] : [1, 2, 3, random.below(256)];
          const message = random.below(8) === 0 ? new Uint8Array(random.below(300)) : frame(random);
          const bytes = encodeMessage(message, 2, key);
          const changes = random.below(4) === 0 ? 1 + random.below(3) : 0;
          for (let change = 0; change < changes; change++)
            bytes[random.below(Math.min(bytes.byteLength, 46))] = random.below(256);
          parts.push(random.below(10) === 0 ? bytes.subarray(0, random.below(bytes.byteLength)) : bytes);
        }
        const stream = Buffer.concat(parts);
        for (let at = 0; at < stream.byteLength; ) {
          const next = at + 1 + random.below(2000);
          peer.socket.write(stream.subarray(at, next));
          at = next;
        }
        peer.socket.end();
        const isOver = (): boolean => peer.isClosed && !end.transport.describe(6 + round).startsWith('connected with');
        await drive([end], [arrivals], isOver, 'the connection is over');
        for (const { payload } of arrivals.frames) expect(payload?.byteLength ?? 0).toBeLessThan(300_000);
      }
      // A rank of the job is served as if nothing had been.
      const rank = openEnd(addon, table, 2);
      const arrivals = new Arrivals(2);
      const ends = [end, rank];
      await drive(ends, [arrivals, new Arrivals(5)], () => rank.transport.sendControl(5, FINISH, 77, 0) === TAKEN, 'it is taken');
      await drive(ends, [arrivals, new Arrivals(5)], () => arrivals.frames.at(-1)?.source === 77, 'it arrives');
    },
  );

  test('more payload than there is credit for, more credit than there is', async () => {
    const { end, port } = listen();
    const arrivals = new Arrivals(6);
    arrivals.isHolding = true;
    const greedy = await connect(end, port, 6, arrivals);
    const short = encodeMessage(encodeFrame({ kind: SHORT, type: 2 }));
    for (let k = 0; k < WINDOW; k++) greedy.socket.write(short);
    await drive([end], [arrivals], () => arrivals.frames.length === WINDOW, 'all that was allowed is there');
    expect(greedy.isClosed).toBe(false);
    greedy.socket.write(short);
    await drive([end], [arrivals], () => greedy.isClosed, 'one more closes it');
    expect(greedy.closeCode).toBe(1008);
    // What came in time is still the program's.
    for (const { settle } of arrivals.frames) settle();

    const generous = await connect(end, port, 7, new Arrivals(7));
    generous.socket.write(encodeMessage(encodeFrame({ kind: CREDIT, credits: 1 })));
    await drive([end], [arrivals], () => generous.isClosed, 'it is closed');
    expect(generous.closeCode).toBe(1008);
  });

  test('a piece that does not fit its message is not written', async () => {
    const { end, port } = listen();
    const arrivals = new Arrivals(6);
    const memory = new Uint8Array(300);
    arrivals.pieceTarget = memory.subarray(100, 200);
    const peer = await connect(end, port, 6, arrivals);
    const payload = new Uint8Array(50).fill(9);
    peer.socket.write(encodeMessage(encodeFrame({ kind: PIECE, tag: 50, byteLength: 50, payload })));
    peer.socket.write(encodeMessage(encodeFrame({ kind: PIECE, tag: 50, byteLength: 51, payload })));
    await drive([end], [arrivals], () => peer.isClosed, 'it is closed');
    expect(arrivals.frames).toHaveLength(1);
    expect([...memory]).toEqual([...new Array(150).fill(0), ...new Array(50).fill(9), ...new Array(100).fill(0)]);
  });

  test('a peer that stops reading costs a bounded queue; others are served', async () => {
    const { end: sender, table } = listen();
    const [stopped, served] = [openEnd(addon, table, 6), openEnd(addon, table, 7)];
    const nobody = new Arrivals(5);
    const arrivals = new Arrivals(5);
    const send = (peer: number): number => sender.transport.sendControl(peer, FINISH, 1, 0);
    for (const [peer, other] of [
      [6, stopped],
      [7, served],
    ] as const) {
      await drive([sender, other], [new Arrivals(peer), nobody], () => send(peer) === TAKEN, `rank ${peer} is connected`);
    }
    const data = new Uint8Array(1 << 20);
    let refused = 0;
    // Rank 6 does not poll any more.
    await until(() => {
      sender.transport.poll(nobody);
      const answers = [sender.transport.sendPiece(6, 1, data, 0, 0, 65_536), send(6)];
      refused = answers.every((answer) => answer === BUSY) ? refused + 1 : 0;
      expect(sender.transport.traffic(6).queued).toBeLessThanOrEqual(QUEUE_BYTES);
      return refused === 100;
    }, 'everything to rank 6 is refused');
    const before = arrivals.frames.length;
    for (let k = 0; k < 100; k++) {
      await drive([sender, served], [nobody, arrivals], () => send(7) === TAKEN, 'rank 7 is sent to');
    }
    await drive([sender, served], [nobody, arrivals], () => arrivals.frames.length >= before + 100, 'rank 7 receives');
    // And rank 6 gets all of it once it goes on.
    const late = new Arrivals(5);
    const there = (): boolean => stopped.transport.traffic(5).received === sender.transport.traffic(6).sent;
    await drive(
      [sender, stopped],
      [nobody, late],
      () => sender.transport.sendPiece(6, 1, data, 0, 0, 65_536) === TAKEN,
      'a piece',
    );
    await drive([sender, stopped], [nobody, late], () => there() && sender.transport.traffic(6).queued === 0, 'the rest');
    expect(late.frames.every(({ kind, tag }) => kind === FINISH || tag === 65_536)).toBe(true);
  });

  test('an array that is given away in the middle of a piece ends the message, not the connection', async () => {
    const { end: sender, table } = listen();
    const receiver = openEnd(addon, table, 6);
    const [there, here] = [new Arrivals(5), new Arrivals(6)];
    await drive([sender, receiver], [here, there], () => sender.transport.sendControl(6, FINISH, 1, 0) === TAKEN, 'connected');
    const data = new Uint8Array(200_000).fill(1);
    await until(() => sender.transport.sendPiece(6, 3, data, 0, 0, data.byteLength) === BUSY, 'a piece is under way');
    // Envelopes go behind it.
    expect(sender.transport.sendControl(6, CLEAR, 4, 5)).toBe(TAKEN);
    expect(sender.transport.sendPiece(6, 9, data, 0, 0, 10)).toBe(BUSY);
    structuredClone(data, { transfer: [data.buffer] });
    await drive(
      [sender, receiver],
      [here, there],
      () => sender.transport.sendPiece(6, 3, data, 0, 0, -1) === TAKEN,
      'it is ended',
    );
    await drive([sender, receiver], [here, there], () => there.frames.at(-1)?.tag === -1, 'the end arrives');
    expect(there.frames.at(-2)).toMatchObject({ kind: CLEAR, source: 4, tag: 5 });
    expect(there.frames.at(-3)).toMatchObject({ kind: PIECE, source: 3, tag: 200_000 });
    await drive([sender, receiver], [here, there], () => sender.transport.sendControl(6, FINISH, 8, 0) === TAKEN, 'it goes on');
    await drive([sender, receiver], [here, there], () => there.frames.at(-1)?.source === 8, 'and arrives');
  });
});
