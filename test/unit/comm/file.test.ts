/** Files, ranks in one thread that believe to be on several hosts, against arrays of bytes. */

import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type Communicator,
  type FileMode,
  f32,
  f64,
  i32,
  indexed,
  type MpiFile,
  struct,
  subarray,
  u8,
  u32,
  vector,
} from '../../../src/index.ts';
import { createWorlds } from '../ranks.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tsmpi-file-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

let count = 0;
const fresh = (): string => join(folder, `file-${++count}`);

/** Numbers that a seed fixes: 0 up to `below`. */
function drawer(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

function openAll(worlds: readonly Communicator[], path: string, mode: FileMode): Promise<MpiFile[]> {
  return Promise.all(worlds.map(async (world) => world.openFile(path, mode)));
}

function each<T>(files: readonly MpiFile[], call: (file: MpiFile, rank: number) => PromiseLike<T>): Promise<T[]> {
  return Promise.all(files.map(async (file, rank) => call(file, rank)));
}

/** What each of several ranks failed with. */
async function failures(calls: readonly PromiseLike<unknown>[]): Promise<{ code: string; message: string }[]> {
  const settled = await Promise.allSettled(calls);
  return settled.map((result) => {
    if (result.status === 'fulfilled') throw new Error('it succeeded');
    return { code: result.reason.code, message: result.reason.message };
  });
}

const HOSTS = [
  [0, 0, 0, 0],
  [0, 0, 1, 1],
  [0, 1, 2, 0],
  [0, 1, 0, 1],
];

describe.each(HOSTS.map((hostOf) => [hostOf]))('ranks on hosts %j', (hostOf) => {
  test('a matrix is written by its parts and read by others', async () => {
    const worlds = createWorlds(4, hostOf);
    const path = fresh();
    const [rows, columns] = [6, 4];
    const files = await openAll(worlds, path, 'w+');
    // Rank (i, j) of 2 x 2 has 3 x 2 elements.
    for (const [rank, file] of files.entries()) {
      file.setView(16, f64, subarray([rows, columns], [3, 2], [3 * (rank >> 1), 2 * (rank & 1)]));
    }
    const part = (rank: number): Float64Array =>
      Float64Array.from({ length: 6 }, (_, k) => (3 * (rank >> 1) + (k >> 1)) * columns + 2 * (rank & 1) + (k & 1));
    const statuses = await each(files, (file, rank) => file.writeAtAll(0, part(rank)));
    expect(statuses.map(({ count, byteLength, type }) => [count, byteLength, type])).toEqual(new Array(4).fill([6, 48, 'f64']));
    const written = readFileSync(path);
    expect(written.subarray(0, 16)).toEqual(Buffer.alloc(16));
    expect(new Float64Array(written.buffer.slice(written.byteOffset + 16, written.byteOffset + written.length))).toEqual(
      Float64Array.from({ length: 24 }, (_, k) => k),
    );
    // Each reads rows instead: 1.5 rows a rank, in another order.
    const read = await each(files, async (file, rank) => {
      file.setView(16, f64);
      const into = new Float64Array(6);
      expect((await file.readAtAll(6 * (3 - rank), into)).count).toBe(6);
      return into;
    });
    expect(read.map(([first]) => first)).toEqual([18, 12, 6, 0]);
    await each(files, (file) => file.close());
  });

  test('any runs of any ranks, long and short, against an array of bytes', async () => {
    const worlds = createWorlds(4, hostOf);
    for (let seed = 1; seed <= 6; seed++) {
      const draw = drawer(seed);
      const path = fresh();
      // One of them takes several blocks, on several hosts also several windows.
      const isLong = seed === 6;
      const spread = !isLong ? 3000 : hostOf[2] === 2 ? 9 << 20 : 5 << 19;
      // Bytes are dealt to ranks in stretches; some stay holes.
      const owner = new Int8Array(spread).fill(-1);
      for (let at = 0; at < spread; ) {
        const length = Math.min(spread - at, 1 + draw(isLong ? 700_000 : 90));
        owner.fill(draw(5) - 1, at, at + length);
        at += length;
      }
      const model = new Uint8Array(spread);
      const before = Uint8Array.from({ length: draw(spread) }, () => 200);
      writeFileSync(path, before);
      model.set(before);
      const files = await openAll(worlds, path, 'r+');
      const runsOf = (rank: number): { lengths: number[]; displs: number[] } => {
        const lengths: number[] = [];
        const displs: number[] = [];
        for (let at = 0; at < spread; ) {
          let end = at + 1;
          while (owner[end] === owner[at]) end++;
          if (owner[at] === rank) {
            displs.push(at);
            lengths.push(end - at);
          }
          at = end;
        }
        return { lengths, displs };
      };
      await each(files, (file, rank) => {
        const { lengths, displs } = runsOf(rank);
        const total = lengths.reduce((sum, length) => sum + length, 0);
        const data = new Uint8Array(total);
        for (let k = 0; k < total; k++) data[k] = (k * 7 + rank) & 255;
        let at = 0;
        for (const [k, displ] of displs.entries()) {
          model.set(data.subarray(at, at + lengths[k]!), displ);
          at += lengths[k]!;
        }
        if (total > 0) file.setView(0, u8, indexed(lengths, displs));
        return file.writeAtAll(0, data);
      });
      const end = Math.max(before.length, owner.findLastIndex((rank) => rank >= 0) + 1);
      expect(Buffer.compare(readFileSync(path), model.subarray(0, end))).toBe(0);
      // All of it, and what is behind it, by everybody, at odd places, both ways.
      await each(files, async (file, rank) => {
        file.setView(0);
        const into = new Uint8Array(spread).fill(99);
        const from = (rank * spread) >> 3;
        const { count } = await file.readAtAll(from, into);
        expect(count).toBe(Math.max(0, end - from));
        expect(Buffer.compare(into.subarray(0, count), model.subarray(from, end))).toBe(0);
        expect(Buffer.compare(into.subarray(count), Buffer.alloc(spread - count, 99))).toBe(0);
        const alone = new Uint8Array(spread).fill(98);
        expect((await file.readAt(from, alone)).count).toBe(count);
        expect(Buffer.compare(alone.subarray(0, count), into.subarray(0, count))).toBe(0);
      });
      await each(files, (file) => file.close());
      rmSync(path);
    }
  });
});

test('no host writes a block that is another host’s', async () => {
  const { TwoPhase, BLOCK_BYTES } = await import('../../../src/comm/file/two-phase.ts');
  const { Span } = await import('../../../src/comm/file/span.ts');
  const draw = drawer(3);
  for (let turn = 0; turn < 200; turn++) {
    const hosts = 1 + draw(5);
    const ranksOf = Array.from({ length: hosts }, (_, host) => [host]);
    const span = new Span();
    for (let at = draw(1 << 22), k = draw(40); k >= 0; k--, at += draw(1 << 22)) {
      const length = 1 + draw(1 << 21);
      span.add(at, length);
      at += length;
    }
    const port = {
      rank: 0,
      hosts: { ranksOf, hostOf: [], isContiguous: true },
      size: hosts,
      send: () => ({ kind: 'step' }),
      recv: () => ({ kind: 'step' }),
    };
    const plan = new TwoPhase(port as never, span.low, span.high);
    for (const _ of plan.announce(port as never, span)) void _;
    const writerOf = new Map<number, number>();
    let bytes = 0;
    for (let server = 0; server < plan.servers.length; server++) {
      for (let round = 0; round < plan.rounds; round++) {
        const portion = plan.portion(server, round);
        for (const [k, offset] of portion?.offsets.entries() ?? []) {
          const last = Math.floor((offset + portion!.lengths[k]! - 1) / BLOCK_BYTES);
          for (let block = Math.floor(offset / BLOCK_BYTES); block <= last; block++) {
            expect(writerOf.get(block) ?? server).toBe(server);
            writerOf.set(block, server);
          }
          bytes += portion!.lengths[k]!;
        }
      }
    }
    expect(bytes).toBe(span.byteLength);
  }
});

test('layouts in memory and in the file, a struct among them, in any mixture', async () => {
  const worlds = createWorlds(2, [0, 1]);
  const files = await openAll(worlds, fresh(), 'w+');
  // In memory every third element; in the file every second.
  await each(files, async (file, rank) => {
    file.setView(4 * rank, i32, vector(5, 1, 2, i32).resized(0, 40));
    const memory = Int32Array.from({ length: 30 }, (_, k) => 100 * rank + k);
    const layout = vector(10, 1, 3).of(memory);
    expect((await file.writeAtAll(0, layout)).count).toBe(10);
    const back = new Int32Array(30);
    expect((await file.readAt(0, vector(10, 1, 3).of(back))).count).toBe(10);
    expect(back).toEqual(memory.map((value, k) => (k % 3 === 0 ? value : 0)));
    const whole = new Int32Array(20);
    file.setView(0, i32);
    await file.readAtAll(0, whole);
    expect(Array.from(whole)).toEqual(Array.from({ length: 20 }, (_, k) => 100 * (k & 1) + 3 * (k >> 1)));
  });
  await each(files, async (file) => {
    // Without an element both count bytes, and bytes take any data.
    file.setView(0, undefined, vector(2, 4, 8));
    const values = new Int32Array(2);
    await file.readAt(4, values);
    expect(Array.from(values)).toEqual([3, 103]);
  });
  const particle = struct({ x: f64, id: u32 });
  await each(files, async (file, rank) => {
    file.setView(1000, particle);
    const own = [
      { x: rank + 0.5, id: rank },
      { x: rank + 0.75, id: 10 + rank },
    ];
    expect((await file.writeAt(2 * rank, particle.encode(own))).count).toBe(2);
    await file.sync();
    const view = particle.alloc(4);
    expect((await file.readAtAll(0, particle.of(view))).count).toBe(4);
    expect(particle.decode(view).map(({ id }) => id)).toEqual([0, 10, 1, 11]);
  });
  await each(files, (file) => file.close());
});

test('a short read says how much was there, in whole elements, and leaves the rest', async () => {
  const path = fresh();
  writeFileSync(path, Buffer.from(Float64Array.of(1, 2, 3).buffer).subarray(0, 20));
  const files = await openAll(createWorlds(2, [0, 1]), path, 'r');
  await each(files, async (file) => {
    const into = new Float64Array(4).fill(7);
    expect(await file.readAt(0, into)).toMatchObject({ count: 2, byteLength: 20 });
    expect(Array.from(into.subarray(0, 2))).toEqual([1, 2]);
    expect(into[3]).toBe(7);
    expect(await file.readAt(100, into)).toMatchObject({ count: 0, byteLength: 0 });
    expect(await file.readAtAll(8, into.fill(0))).toMatchObject({ count: 1, byteLength: 12 });
    expect(file.size()).toBe(20);
    expect(() => file.writeAt(0, into)).toThrow(/was opened with 'r': expected 'r\+', 'w', 'w\+' or 'a'/);
  });
  await each(files, (file) => file.close());
});

test('modes: what is there is kept, emptied, or written behind; size, setSize', async () => {
  const worlds = createWorlds(3, [0, 0, 1]);
  const path = fresh();
  writeFileSync(path, 'what was there');
  const behind = await openAll(worlds, path, 'a');
  await each(behind, (file, rank) => file.writeAtAll(rank, Buffer.from(`${rank}`)));
  await each(behind, (file) => file.close());
  expect(readFileSync(path, 'utf8')).toBe('what was there012');
  const emptied = await openAll(worlds, path, 'w');
  expect(emptied.map((file) => file.size())).toEqual([0, 0, 0]);
  await each(emptied, (file) => file.setSize(5000));
  expect(statSync(path).size).toBe(5000);
  const settled = await Promise.allSettled(emptied.map(async (file, rank) => file.setSize(rank)));
  expect(settled.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
  for (const file of emptied) file[Symbol.dispose]();
});

describe('errors', () => {
  test('a missing folder is an error of all ranks with one reason, and nothing is left', async () => {
    const path = join(folder, 'no', 'such', 'file');
    const found = await failures(createWorlds(3, [0, 0, 1]).map((world) => world.openFile(path, 'w')));
    expect(new Set(found.map(({ message }) => message)).size).toBe(1);
    expect(found[2]!.code).toBe('ERR_MPI_NO_SUCH_FILE');
    expect(found[0]!.message).toMatch(
      /^openFile: rank 0 on \S+ could not open .*no\/such\/file for writing: no such file or directory \(ENOENT\): expected its folder/,
    );
  });

  test('a file that one rank cannot open is open on none, and the communicator goes on', async () => {
    const worlds = createWorlds(2);
    const here = fresh();
    writeFileSync(here, 'x');
    const found = await failures(worlds.map((world, rank) => world.openFile(rank === 0 ? here : `${here}-not`, 'r')));
    expect(found.map(({ code }) => code)).toEqual(['ERR_MPI_NO_SUCH_FILE', 'ERR_MPI_NO_SUCH_FILE']);
    expect(found[0]!.message).toContain('rank 1 could not open');
    writeFileSync(`${here}-other`, 'y');
    const differ = await failures(worlds.map((world, rank) => world.openFile(rank === 0 ? here : `${here}-other`, 'r')));
    expect(differ.map(({ code }) => code)).toEqual(['ERR_MPI_NOT_SAME', 'ERR_MPI_NOT_SAME']);
    await Promise.all(worlds.map(async (world) => world.barrier()));
    expect(readFileSync(here, 'utf8')).toBe('x');
  });

  test('a folder, and one without permission', async () => {
    const worlds = createWorlds(2);
    const found = await failures(worlds.map((world) => world.openFile(folder, 'r+')));
    expect(found[1]).toMatchObject({ code: 'ERR_MPI_BAD_FILE', message: expect.stringContaining('(EISDIR): expected a file') });
    if (process.getuid?.() === 0) return; // root may all
    const closed = join(folder, 'closed');
    mkdirSync(closed);
    chmodSync(closed, 0o500);
    expect((await failures(worlds.map((world) => world.openFile(join(closed, 'x'), 'w'))))[1]!.code).toBe('ERR_MPI_ACCESS');
    expect(existsSync(join(closed, 'x'))).toBe(false);
  });

  test('a full disk: the collective write fails on all, the one alone on its rank; then the file is closed as usual', async () => {
    const files = await openAll(createWorlds(3, [0, 1, 1]), '/dev/full', 'r+');
    const data = new Float64Array(1000);
    const found = await failures(files.map((file, rank) => file.writeAtAll(8000 * rank, data)));
    expect(new Set(found.map(({ code }) => code))).toEqual(new Set(['ERR_MPI_NO_SPACE']));
    expect(new Set(found.map(({ message }) => message)).size).toBe(1);
    expect(found[2]!.message).toMatch(
      /^writeAtAll: rank 0 on \S+ could not write \d+ bytes at 0 of \/dev\/full: no space left on device \(ENOSPC\)/,
    );
    const [alone] = await failures([files[1]!.writeAt(8, data)]);
    expect(alone!.message).toMatch(/^writeAt: rank 1 on \S+ could not write 8000 bytes at 8 of \/dev\/full/);
    await each(files, (file) => file.close());
  });

  test('wrong arguments are refused at the call', async () => {
    const [world] = createWorlds(1);
    expect(() => world!.openFile('', 'r')).toThrow('openFile got "": expected the path of a file');
    expect(() => world!.openFile('x', 'rw' as never)).toThrow('openFile got mode rw: expected one of r, r+, w, w+, a');
    const file = await world!.openFile(fresh(), 'w+');
    expect(() => file.writeAt(-1, new Uint8Array(1))).toThrow('writeAt got offset -1: expected');
    expect(() => file.writeAt(0, [1] as never)).toThrow('writeAt got a plain array: expected');
    expect(() => file.setView(-8)).toThrow('setView got displacement -8');
    expect(() => file.setView(0, f64, vector(0, 1, 1, f64))).toThrow('expected whole elements');
    expect(() => file.setView(0, f64, vector(2, 1, -1, f64))).toThrow('begins before the file');
    file.setView(0, f64);
    expect(() => file.writeAt(0, new Float32Array(2))).toThrow(
      'writeAt got f32 on a view of f64: expected the same element type',
    );
    expect(() => file.writeAt(0, Buffer.alloc(12))).toThrow(
      'writeAt got 12 bytes: expected whole elements of the view, of 8 bytes',
    );
    file.setView(0, f32);
    await file.writeAt(0, new Float32Array(2));
    await file.close();
    await file.close();
    expect(() => file.size()).toThrow('was closed or disposed: expected an open file');
  });
});

test('what is disposed waits for nobody', async () => {
  const files = await openAll(createWorlds(2), fresh(), 'w');
  for (const file of files) {
    {
      using held = file;
      await held.writeAt(0, new Uint8Array(3));
    }
    expect(() => file.writeAt(0, new Uint8Array(3))).toThrow('closed or disposed');
  }
});

test('what is under way when a file is closed fails, and goes to no other file', async () => {
  const [world] = createWorlds(1);
  const path = fresh();
  const file = await world!.openFile(path, 'w');
  const long = file.writeAt(0, new Uint8Array(64 << 20));
  file[Symbol.dispose]();
  const other = fresh();
  writeFileSync(other, '');
  const next = await world!.openFile(other, 'r+');
  await expect(long).rejects.toMatchObject({ code: 'ERR_MPI_FILE', message: expect.stringContaining('was closed while rank 0') });
  expect(next.size()).toBe(0);
  await next.close();
});
