/** Attributes, hints and error handling of communicators, ranks in one thread. */

import { describe, expect, test } from 'vitest';
import {
  ANY_SOURCE,
  APPNUM,
  type Communicator,
  createKeyval,
  type Intercommunicator,
  type Keyval,
  SUM,
  TAG_UB,
  UNIVERSE_SIZE,
  WTIME_IS_GLOBAL,
} from '../../../src/index.ts';
import { aborted, createWorlds } from '../ranks.ts';

function each<C, T>(comms: readonly C[], call: (comm: C, rank: number) => PromiseLike<T> | T): Promise<T[]> {
  return Promise.all(comms.map(async (comm, rank) => call(comm, rank)));
}

async function createInter(worlds: readonly Communicator[]): Promise<Intercommunicator[]> {
  const locals = await each(worlds, (world) => world.split(world.rank % 2));
  return each(locals, (local, rank) => local.intercommCreate(0, worlds[rank], 1 - (rank % 2)));
}

describe('attributes', () => {
  test('are set, read, replaced and deleted, each deletion told once', () => {
    const [world] = createWorlds(1);
    const deleted: string[] = [];
    const key = createKeyval<string>({ delete: (value, from) => deleted.push(`${value} of ${from.name}`) });
    const other = createKeyval<number | null>();
    expect(world!.attribute(key)).toBeUndefined();
    expect(world!.deleteAttribute(key)).toBe(false);
    world!.setAttribute(key, 'first');
    world!.setAttribute(other, null);
    expect([world!.attribute(key), world!.attribute(other)]).toEqual(['first', null]);
    world!.setAttribute(key, 'second');
    expect(deleted).toEqual(['first of world']);
    expect(world!.deleteAttribute(key)).toBe(true);
    expect(world!.attribute(key)).toBeUndefined();
    expect(deleted).toEqual(['first of world', 'second of world']);
  });

  test('dup hands on what their keys say: nothing, the value, or what a function makes of it; split hands on nothing', async () => {
    const worlds = createWorlds(2);
    const kept = createKeyval<object>({ copy: true });
    const dropped = createKeyval<string>();
    const counted = createKeyval<number>({ copy: (value, from) => (value < 3 ? value + from.size : undefined) });
    const value = {};
    for (const world of worlds) {
      world.setAttribute(kept, value);
      world.setAttribute(dropped, 'here');
      world.setAttribute(counted, world.rank * 2);
    }
    const pending = worlds.map((world) => world.dup());
    // What is set after the call belongs to the old one alone.
    for (const world of worlds) world.setAttribute(kept, { later: true });
    const dups = await Promise.all(pending.map(async (made) => made));
    for (const [rank, dup] of dups.entries()) {
      expect(dup.attribute(kept)).toBe(value);
      expect(dup.attribute(dropped)).toBeUndefined();
      expect(dup.attribute(counted)).toBe(rank * 2 + 2);
    }
    // On rank 1 the function says that there is no more.
    const again = await each(dups, (dup) => dup.dup());
    expect(again.map((dup) => dup.attribute(counted))).toEqual([4, undefined]);
    const parts = await each(worlds, (world) => world.split(0));
    expect(parts.map((part) => part.attribute(kept))).toEqual([undefined, undefined]);
    const grids = await each(worlds, (world) => world.cartesian([2]));
    for (const grid of grids) grid.setAttribute(kept, value);
    expect((await each(grids, (grid) => grid.dup())).map((grid) => [grid.attribute(kept), grid.dims])).toEqual([
      [value, [2]],
      [value, [2]],
    ]);
  });

  test('go with their communicator, last in first out: by free, by disposal, not twice', async () => {
    const worlds = createWorlds(2);
    const deleted: string[] = [];
    const keys = ['a', 'b', 'c'].map((name) => createKeyval<string>({ name, delete: (value) => deleted.push(value) }));
    const fill = (comm: { setAttribute(key: Keyval<string>, value: string): void }, prefix: string) => {
      for (const key of keys) comm.setAttribute(key, `${prefix}${key.name}`);
    };
    const dups = await each(worlds, (world) => world.dup());
    for (const dup of dups) fill(dup, String(dup.rank));
    await each(dups, (dup) => dup.free());
    expect(deleted).toEqual(['0c', '0b', '0a', '1c', '1b', '1a']);
    await each(dups, (dup) => dup.free());
    deleted.length = 0;
    const inters = await createInter(worlds);
    fill(inters[0]!, 'i');
    inters[0]![Symbol.dispose]();
    inters[0]![Symbol.dispose]();
    expect(deleted).toEqual(['ic', 'ib', 'ia']);
    expect(() => inters[0]!.setAttribute(keys[0]!, 'late')).toThrow('was freed or disposed');
  });

  test('a function of a key that throws: dup fails at the call, deletion leaves the value', async () => {
    const [world] = createWorlds(1);
    const stop = (): never => {
      throw new RangeError('not now');
    };
    const key = createKeyval<number>({ copy: stop, delete: stop });
    const dup = await world!.dup();
    dup.setAttribute(key, 5);
    expect(() => dup.dup()).toThrow('not now');
    expect(() => dup.deleteAttribute(key)).toThrow('not now');
    expect(() => dup.free()).toThrow('not now');
    expect(dup.attribute(key)).toBe(5);
    expect(await dup.allreduce(1, SUM)).toBe(1);
    // Disposal gives the handle up all the same.
    expect(() => dup[Symbol.dispose]()).toThrow('not now');
    expect(() => dup.barrier()).toThrow('was freed or disposed');
  });

  test('predefined ones can be read on every communicator, and only read', async () => {
    const worlds = createWorlds(2, [0, 1]);
    const inters = await createInter(worlds);
    for (const comm of [worlds[0]!, await inters[1]!]) {
      expect(comm.attribute(TAG_UB)).toBe(2 ** 31 - 1);
      expect(comm.attribute(WTIME_IS_GLOBAL)).toBe(true);
      expect(comm.attribute(UNIVERSE_SIZE)).toBe(2);
      expect(comm.attribute(APPNUM)).toBe(0);
      expect(() => comm.setAttribute(TAG_UB, 3)).toThrow('setAttribute got TAG_UB, which can only be read');
      expect(() => comm.deleteAttribute(APPNUM)).toThrow('deleteAttribute got APPNUM, which can only be read');
    }
    expect(() => worlds[0]!.attribute('name' as never)).toThrow(
      'attribute got name for its key: expected what createKeyval returns',
    );
    expect(() => createKeyval({ copy: 1 as never })).toThrow('createKeyval got 1 for copy');
    expect(() => worlds[0]!.setAttribute(createKeyval({ name: 'k' }), undefined)).toThrow('setAttribute got undefined for k');
  });
});

describe('info', () => {
  test('keeps what is understood, passes over the rest, and is not handed on', async () => {
    const [world] = createWorlds(1);
    expect(world!.info).toEqual({});
    world!.info = { mpi_assert_no_any_tag: 'false', unheard_of: 'x' };
    world!.info = { mpi_assert_no_any_source: 'true' };
    expect(world!.info).toEqual({ mpi_assert_no_any_tag: 'false', mpi_assert_no_any_source: 'true' });
    expect((await world!.dup()).info).toEqual({});
    expect((await world!.dup({ info: { mpi_assert_no_any_tag: 'true' } })).info).toEqual({ mpi_assert_no_any_tag: 'true' });
    expect(() => {
      world!.info = { mpi_assert_no_any_tag: 'perhaps' };
    }).toThrow("info mpi_assert_no_any_tag is \"perhaps\": expected 'true' or 'false'");
    expect(() => {
      world!.info = 'fast' as never;
    }).toThrow('info got fast: expected a record of texts by name');
  });

  test('holds every receive and probe against what was promised', async () => {
    const [world] = createWorlds(1);
    const comm = await world!.dup({ info: { mpi_assert_no_any_source: 'true' } });
    const into = new Float64Array(1);
    const refused: (() => unknown)[] = [
      () => comm.recv(into),
      () => comm.recv(into, ANY_SOURCE, 3),
      () => comm.recv(into, { tag: 3 }),
      () => comm.sendrecv(1, 0, into, ANY_SOURCE),
      () => comm.recvInit(into),
      () => comm.recvObject(),
      () => comm.messages(),
      () => comm.probe(),
      () => comm.mprobe(),
      () => comm.tryProbe(),
      () => comm.tryMprobe(),
    ];
    for (const call of refused)
      expect(call).toThrow(/^source is ANY_SOURCE on world\.dup, whose info has mpi_assert_no_any_source/);
    await Promise.all([comm.send(2.5, 0, 4), comm.recv(into, 0)]);
    expect(into[0]).toBe(2.5);
    comm.info = { mpi_assert_no_any_source: 'false', mpi_assert_no_any_tag: 'true' };
    expect(() => comm.recv(into, ANY_SOURCE)).toThrow('tag is ANY_TAG on world.dup, whose info has mpi_assert_no_any_tag');
    await Promise.all([comm.send(3.5, 0, 4), comm.recv(into, { tag: 4 })]);
    expect(into[0]).toBe(3.5);
  });
});

describe("errors: 'abort'", () => {
  async function createFatal(): Promise<Communicator> {
    const [world] = createWorlds(1);
    const comm = await world!.dup();
    comm.name = 'halo';
    comm.errors = 'abort';
    return comm;
  }

  test.each<[string, (comm: Communicator) => unknown, RegExp]>([
    ['a wrong argument', (comm) => comm.send(new Int8Array(1), 5), /dest 5 is no rank of halo/],
    [
      'a wrong argument of a collective',
      (comm) => comm.allreduce(new Int8Array(1), undefined as never),
      /undefined is no operator/,
    ],
    [
      'a message that does not fit',
      (comm) => [comm.send(new Int8Array(8), 0), comm.recv(new Int8Array(1), 0)],
      /whose buffer holds 1 bytes/,
    ],
    [
      'a receive of another type',
      (comm) => [comm.send(new Int8Array(8), 0), comm.recv(new Float64Array(1), 0)],
      /i8.*f64|f64.*i8/,
    ],
    ['an object received as an array', (comm) => [comm.sendObject({}, 0), comm.recv(new Int8Array(99), 0)], /recvObject/],
    ['an array received as an object', (comm) => [comm.send(new Int8Array(1), 0), comm.recvObject(0)], /use recv/],
    [
      'a claimed message received wrongly',
      async (comm) => {
        await comm.send(new Int8Array(1), 0);
        const message = await comm.mprobe();
        message.recv('text' as never);
      },
      /message.recv got a string/,
    ],
    [
      'a persistent operation started twice',
      (comm) => {
        const receive = comm.recvInit(new Int8Array(1), 0, 7);
        receive.start();
        receive.start();
      },
      /was started before/,
    ],
    [
      'a persistent collective',
      (comm) => {
        const reduce = comm.allreduceInit(new Int8Array(1), new Int8Array(1), SUM);
        reduce.free();
        reduce.start();
      },
      /was freed/,
    ],
    ['a function that throws', (comm) => comm.split(0, Number.NaN), /split got NaN/],
    ['a communicator given up before', (comm) => [comm[Symbol.dispose](), comm.barrier()], /was freed or disposed/],
  ])('%s ends the job, naming the communicator', async (_name, call, expected) => {
    const comm = await createFatal();
    await Promise.allSettled([(async () => call(comm))()].flat());
    await expect.poll(() => aborted).toHaveLength(1);
    expect(aborted[0]).toMatchObject({ code: 1 });
    expect(aborted[0]!.reason).toMatch(/^error on halo, whose errors end the job: /);
    expect(aborted[0]!.reason).toMatch(expected);
  });

  test('what the program asked for itself is no error: time-outs, cancelled requests, signals', async () => {
    const comm = await createFatal();
    await expect(comm.recv(new Int8Array(1), 0, { timeoutMs: 1 })).rejects.toMatchObject({ code: 'ERR_MPI_TIMEOUT' });
    const probe = comm.probe(0);
    expect(probe.cancel()).toBe(true);
    await expect(comm.recv(new Int8Array(1), 0, { signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow('enough');
    const abortion = new AbortController();
    const late = comm.recvObject(0, { signal: abortion.signal });
    abortion.abort(new Error('late'));
    await expect(late).rejects.toThrow('late');
    expect(aborted).toEqual([]);
    expect(await comm.allreduce(2, SUM)).toBe(2);
  });

  test('is handed on to what is made of it, and can be taken back', async () => {
    const worlds = createWorlds(2);
    const comms = await each(worlds, (world) => world.dup());
    expect(comms[0]!.errors).toBe('throw');
    for (const comm of comms) comm.errors = 'abort';
    const inters = await each(await each(comms, (comm) => comm.split(comm.rank)), (local, rank) => {
      expect(local.errors).toBe('abort');
      return local.intercommCreate(0, comms[rank], 1 - rank);
    });
    const made = [
      ...(await each(comms, (comm) => comm.dup())),
      ...(await each(comms, (comm) => comm.cartesian([2]))),
      ...(await each(comms, (comm) => comm.graph([], []))),
      ...inters,
      ...(await each(inters, (inter) => inter.dup())),
      ...(await each(inters, (inter) => inter.merge(false))),
    ];
    expect(made.map(({ errors }) => errors)).toEqual(made.map(() => 'abort'));
    expect(worlds[0]!.errors).toBe('throw');
    for (const comm of comms) comm.errors = 'throw';
    expect(() => comms[0]!.send(1, 7)).toThrow('dest 7 is no rank');
    expect(Object.getOwnPropertyNames(comms[0]!)).toEqual(Object.getOwnPropertyNames(worlds[0]!));
    expect(comms[0]!.allreduce).not.toBe(worlds[0]!.allreduce);
    expect(await Promise.all(comms.map(async (comm) => comm.allreduce(1, SUM)))).toEqual([2, 2]);
    expect(() => {
      comms[0]!.errors = 'ignore' as never;
    }).toThrow("errors got ignore: expected 'throw' or 'abort'");
    expect(aborted).toEqual([]);
  });
});
