/** Two ranks come to have one connection, whoever begins, whichever way is blocked; the end of one is told. */

import { createServer, type Server } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { FINISH } from '../../../../src/transport/frame.ts';
import { TAKEN } from '../../../../src/transport/transport.ts';
import { makeNonce, writeAnswer } from '../../../../src/transport/websocket/upgrade.ts';
import { Arrivals } from '../../../conformance/arrivals.ts';
import { Random } from '../../datatype/random.ts';
import { addon, countDescriptors, missing, named, until } from '../../native/native-addon.ts';
import { type End, openEnd, Table } from './ends.ts';
import { drive, proof, RawPeer, request } from './raw-peer.ts';

/** Rank 2 and rank 5 and what arrived at each. */
interface Pair {
  readonly table: Table;
  readonly ends: readonly [End, End];
  readonly arrivals: readonly [Arrivals, Arrivals];
}

const RANKS = [2, 5] as const;

function pair(): Pair {
  const table = new Table();
  const ends = [openEnd(addon, table, 2), openEnd(addon, table, 5)] as const;
  return { table, ends, arrivals: [new Arrivals(5), new Arrivals(2)] };
}

/** Listen with a server that does with its connections what it likes. */
async function serve(onSocket: Parameters<typeof createServer>[1]): Promise<number> {
  const server: Server = createServer(onSocket as never);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.close();
  });
  return (server.address() as { port: number }).port;
}

/** Have both sides send `count` numbered frames as soon as they can, and check that all arrive, in order. */
async function exchange({ ends, arrivals }: Pair, count: number, senders: readonly number[] = [0, 1], seed = 1): Promise<void> {
  const random = new Random(seed);
  const sent = [0, 0];
  await until(
    () => {
      // Who polls and who sends when is anybody's guess.
      const k = random.below(2);
      if (random.below(3) > 0) ends[k]!.transport.poll(arrivals[k]!);
      const from = random.below(2);
      if (senders.includes(from) && sent[from]! < count && random.below(2) === 0) {
        if (ends[from]!.transport.sendControl(RANKS[1 - from]!, FINISH, sent[from]!, 0) === TAKEN) sent[from]!++;
      }
      return senders.every((sender) => arrivals[1 - sender]!.frames.length === count);
    },
    `all frames arrive: ${ends[0].transport.describe(5)} / ${ends[1].transport.describe(2)}`,
  );
  for (const sender of senders) {
    expect(arrivals[1 - sender]!.frames.map(({ source }) => source)).toEqual(Array.from({ length: count }, (_, k) => k));
  }
}

describe.skipIf(missing)(named('one connection a pair'), () => {
  test.each(Array.from({ length: 40 }, (_, seed) => seed + 1))('both begin at once: seed %i', async (seed) => {
    const before = countDescriptors();
    const both = pair();
    const idle = countDescriptors() - before;
    await exchange(both, 20, [0, 1], seed);
    await drive(both.ends, both.arrivals, () => countDescriptors() - before - idle === 2, 'one socket is left on each side');
    expect(both.ends.flatMap(({ suspicions }) => suspicions)).toEqual([]);
  });

  test.each([0, 1])('only side %i sends', async (sender) => exchange(pair(), 5, [sender]));

  test.each([0, 1])('the way to side %i is blocked: the other connects', async (blocked) => {
    const both = pair();
    // A port on which nobody listens: the listener refuses.
    both.table.addresses.set(RANKS[blocked]!, { host: '127.0.0.1', port: 1 });
    await exchange(both, 5);
  });

  test.each([0, 1])('what listens at the address of side %i never answers: the other connects', async (silent) => {
    const both = pair();
    const port = await serve((socket: { on: (event: string, act: () => void) => void }) => socket.on('error', () => {}));
    both.table.addresses.set(RANKS[silent]!, { host: '127.0.0.1', port });
    await exchange(both, 5);
  });

  test('what listens there is another rank, or nobody of the job: it is said, and not asked again', async () => {
    const { table, ends, arrivals } = pair();
    const third = openEnd(addon, table, 7);
    table.addresses.set(5, table.addresses.get(7)!);
    const asks = (): number => ends[0].transport.sendControl(5, FINISH, 0, 0);
    await drive(
      [ends[0], third],
      [arrivals[0], new Arrivals(2)],
      () => asks() !== TAKEN && ends[0].suspicions.length > 0,
      'it fails',
    );
    expect(ends[0].suspicions).toMatchObject([{ peer: 5, isFinal: true }]);
    expect(ends[0].transport.describe(5)).toMatch(
      /^cannot connect to rank 5 at 127\.0\.0\.1:\d+: the listener there refused: this is rank 7$/,
    );
    expect(ends[0].transport.describeTrouble(5)).toBe(ends[0].transport.describe(5));

    let requests = 0;
    const liar = await serve((socket: import('node:net').Socket) => {
      socket.once('data', () => {
        requests++;
        socket.end(writeAnswer(proof, 3, 6, makeNonce()));
      });
    });
    table.addresses.set(6, { host: '127.0.0.1', port: liar });
    await drive(
      ends,
      arrivals,
      () => ends[0].transport.sendControl(6, FINISH, 0, 0) !== TAKEN && ends[0].suspicions.length > 1,
      'it fails',
    );
    expect(ends[0].transport.describe(6)).toMatch(/what listens there did not prove that it is rank 6$/);
    for (let k = 0; k < 100; k++)
      await drive(ends, arrivals, () => ends[0].transport.sendControl(6, FINISH, 0, 0) !== TAKEN, 'a turn');
    expect(requests).toBe(1);
  });

  test('an address that is known late, a listener that is there late', async () => {
    const both = pair();
    const address = both.table.addresses.get(5)!;
    both.table.addresses.delete(5);
    const { transport, suspicions } = both.ends[0];
    expect(transport.sendControl(5, FINISH, 0, 0)).not.toBe(TAKEN);
    expect(transport.describe(5)).toBe('rank 5 has not said yet where it listens');
    both.table.addresses.set(5, { host: '127.0.0.1', port: 1 });
    await drive(
      both.ends,
      both.arrivals,
      () => transport.sendControl(5, FINISH, 0, 0) !== TAKEN && suspicions.length > 0,
      'it fails',
    );
    expect(suspicions).toEqual([{ peer: 5, reason: 'cannot connect to rank 5 at 127.0.0.1:1: ECONNREFUSED', isFinal: false }]);
    both.table.addresses.set(5, address);
    await exchange(both, 5);
  });

  test('a rank that waits to try again is woken for it while it sleeps', async () => {
    const { table, ends, arrivals } = pair();
    table.addresses.set(5, { host: '127.0.0.1', port: 1 });
    const { transport, epoll, suspicions } = ends[0];
    const ready = new Int32Array(2);
    let wakes = 0;
    transport.sendControl(5, FINISH, 0, 0);
    await until(() => {
      if (addon.listReady(epoll, ready) === 0) return wakes >= 4;
      wakes++;
      transport.prepareSleep();
      while (transport.poll(arrivals[0]!));
      transport.sendControl(5, FINISH, 0, 0);
      return false;
    }, 'it is woken again and again');
    expect(suspicions).toHaveLength(1);
  });

  test('a peer that leaves has ended; one whose socket breaks is lost; neither is tried again', async () => {
    const both = pair();
    const third = openEnd(addon, both.table, 7);
    await exchange(both, 1);
    both.ends[1].transport.stop();
    await drive(
      [both.ends[0]],
      [both.arrivals[0]],
      () => both.ends[0].transport.describe(5) === 'rank 5 has ended',
      'it is told',
    );
    expect(both.ends[0].suspicions).toEqual([]);
    expect(both.ends[0].transport.sendControl(5, FINISH, 0, 0)).not.toBe(TAKEN);
    expect(both.ends[0].transport.isFlushed()).toBe(true);

    const raw = new RawPeer((both.table.addresses.get(7) as { port: number }).port);
    raw.socket.write(request(2, 7));
    const arrivals = new Arrivals(2);
    await drive([third], [arrivals], () => raw.status.includes('101'), 'the upgrade is answered');
    raw.socket.write(Uint8Array.of(0x89, 0x80, 0, 0, 0, 0));
    await drive([third], [arrivals], () => raw.frames.length >= 2, 'the ping is answered');
    raw.socket.resetAndDestroy();
    await drive([third], [arrivals], () => third.suspicions.length > 0, 'the loss is told');
    expect(third.suspicions).toMatchObject([{ peer: 2, isFinal: true }]);
    expect(third.transport.describeTrouble(2)).toMatch(
      /^the connection with rank 2 was (lost: ECONNRESET|closed without a word)$/,
    );
  });

  test('a range of ports is kept to, and one that is full is said', () => {
    const table = new Table();
    // Below those that the system gives to connections.
    const first = 20_000 + Math.floor(Math.random() * 10_000);
    const bind = { addresses: ['127.0.0.1'], portRange: [first, first + 1] as const };
    openEnd(addon, table, 1, { bind });
    openEnd(addon, table, 2, { bind });
    expect([1, 2].map((rank) => (table.addresses.get(rank) as { port: number }).port)).toEqual([first, first + 1]);
    expect(() => openEnd(addon, table, 3, { bind })).toThrow(
      `none of the ports ${first} to ${first + 1} is free on 127.0.0.1: expected one to listen on`,
    );
    expect(() => openEnd(addon, table, 3, { bind: { addresses: ['192.0.2.1'] } })).toThrow(
      'cannot listen on 192.0.2.1, port 0: EADDRNOTAVAIL',
    );
  });

  test('IPv6, and several addresses with one port', async () => {
    const both = pair();
    const third = openEnd(addon, both.table, 7, { bind: { addresses: ['127.0.0.1', '::1'] } });
    const { port } = both.table.addresses.get(7) as { port: number };
    both.table.addresses.set(7, { host: '::1', port });
    const arrivals = new Arrivals(2);
    const send = (): boolean => both.ends[0].transport.sendControl(7, FINISH, 4, 0) === TAKEN;
    await drive([both.ends[0], third], [both.arrivals[0], arrivals], send, 'it is taken');
    await drive([third], [arrivals], () => arrivals.frames.length === 1, 'it arrives');
    expect(both.ends[0].transport.describe(7)).toBe(`connected with [::1]:${port}`);
  });
});
