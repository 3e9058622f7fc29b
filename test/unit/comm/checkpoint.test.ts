/** Checkpoints, ranks in one thread: any cut in, any cut out, what is damaged, what was left half done. */

import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { findGap, rowsOf } from '../../../src/comm/checkpoint/box.ts';
import { type ArrayPart, type ArrayParts, type Checkpoint, f64, struct, subarray, u32 } from '../../../src/index.ts';
import { createWorlds } from '../ranks.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tsmpi-checkpoint-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

let count = 0;
const fresh = (): string => join(folder, `c${++count}`);

function drawer(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** Run on so many ranks; each opens the folder's checkpoint. */
function onRanks<T>(size: number, path: string, call: (checkpoint: Checkpoint, rank: number) => Promise<T>): Promise<T[]> {
  return Promise.all(
    createWorlds(size).map(async (world, rank) => {
      const checkpoint = await world.checkpoint(path);
      const result = await call(checkpoint, rank);
      await checkpoint.close();
      return result;
    }),
  );
}

/** One array of ten, cut evenly: value k + step at place k. */
function tens(size: number, rank: number, step: number): ArrayParts & { ten: ArrayPart & { data: Float64Array } } {
  const from = Math.floor((10 * rank) / size);
  const to = Math.floor((10 * (rank + 1)) / size);
  const data = Float64Array.from({ length: to - from }, (_, k) => from + k + step);
  return { ten: { data, shape: [10], start: [from] } };
}

const saveTens = (size: number, path: string, step: number): Promise<unknown> =>
  onRanks(size, path, (checkpoint, rank) => checkpoint.save(step, tens(size, rank, step)));

async function loadTens(size: number, path: string): Promise<{ steps: number[]; skipped: readonly string[] }> {
  const loaded = await onRanks(size, path, async (checkpoint, rank) => {
    const parts = tens(size, rank, 0);
    parts.ten.data.fill(-1);
    const { step, skipped } = await checkpoint.load(parts);
    expect(parts.ten.data).toEqual(tens(size, rank, step).ten.data);
    expect(checkpoint.latest!.step).toBe(step);
    return { step, skipped };
  });
  return { steps: loaded.map(({ step }) => step), skipped: loaded[0]!.skipped };
}

/** Cut an array of any shape into boxes, one a rank, of which some are empty. */
function cut(
  shape: readonly number[],
  pieces: number,
  draw: (below: number) => number,
): { start: number[]; subshape: number[] }[] {
  const boxes = [{ start: shape.map(() => 0), subshape: [...shape] }];
  while (boxes.length < pieces) {
    const at = draw(boxes.length);
    const { start, subshape } = boxes[at]!;
    const d = draw(shape.length);
    const first = draw(subshape[d]! + 1);
    boxes[at] = { start, subshape: subshape.with(d, first) };
    boxes.push({ start: start.with(d, start[d]! + first), subshape: subshape.with(d, subshape[d]! - first) });
  }
  return boxes;
}

/** The values k of a box of an array that holds 0, 1, 2 … */
function valuesOf(shape: readonly number[], { start, subshape }: { start: number[]; subshape: number[] }): Int32Array {
  const values = new Int32Array(subshape.reduce((product, extent) => product * extent, 1));
  for (let k = 0; k < values.length; k++) {
    let rest = k;
    let place = 0;
    let stride = 1;
    for (let d = shape.length - 1; d >= 0; d--) {
      place += (start[d]! + (rest % subshape[d]!)) * stride;
      rest = Math.floor(rest / subshape[d]!);
      stride *= shape[d]!;
    }
    values[k] = place;
  }
  return values;
}

test('any cut of any array is read in any other by any number of ranks', async () => {
  for (let seed = 1; seed <= 14; seed++) {
    const draw = drawer(seed);
    const shape = Array.from({ length: 1 + draw(3) }, () => 1 + draw(9));
    const path = fresh();
    const [writers, readers] = [1 + draw(5), 1 + draw(5)];
    const written = cut(shape, writers, draw);
    await onRanks(writers, path, (checkpoint, rank) =>
      checkpoint.save(seed, { a: { data: valuesOf(shape, written[rank]!), shape, ...written[rank]! } }),
    );
    const wanted = cut(shape, readers, draw);
    await onRanks(readers, path, async (checkpoint, rank) => {
      expect(checkpoint.latest).toEqual({ step: seed, arrays: { a: { type: 'i32', shape } } });
      const expected = valuesOf(shape, wanted[rank]!);
      const data = new Int32Array(expected.length).fill(-1);
      expect(await checkpoint.load({ a: { data, shape, ...wanted[rank]! } })).toEqual({ step: seed, skipped: [] });
      expect(data).toEqual(expected);
    });
  }
});

test('arrays of several blocks, layouts without their halo, structs, and what all ranks hold', async () => {
  const path = fresh();
  const shape = [700, 500];
  const particle = struct({ x: f64, id: u32 });
  await onRanks(2, path, async (checkpoint, rank) => {
    // 350 rows each inside of one more row and column all around: 1.4 MB a rank.
    const field = new Float64Array(new SharedArrayBuffer(8 * 352 * 502)).fill(-7);
    for (let i = 0; i < 350; i++) for (let j = 0; j < 500; j++) field[(i + 1) * 502 + j + 1] = (350 * rank + i) * 500 + j;
    const inner = subarray([352, 502], [350, 500], [1, 1]).of(field);
    const own = particle.encode([
      { x: rank, id: 7 },
      { x: rank + 0.5, id: 8 },
    ]);
    await checkpoint.save(3, {
      field: { data: inner, shape, start: [350 * rank, 0] },
      particles: { data: own, shape: [4], start: [2 * rank] },
      time: { data: Float64Array.of(0.25) },
      nothing: { data: new Float32Array(0), shape: [0], start: [0] },
    });
  });
  const sums = await onRanks(3, path, async (checkpoint, rank) => {
    const columns = [
      [0, 200],
      [200, 100],
      [300, 200],
    ][rank]!;
    const data = new Float64Array(700 * columns[1]!);
    const view = particle.alloc(rank === 1 ? 4 : 0);
    const time = new Float64Array(1);
    await checkpoint.load({
      field: { data, shape, start: [0, columns[0]!], subshape: [700, columns[1]!] },
      particles: { data: particle.of(view), shape: [4], start: [0] },
      time: { data: time },
    });
    if (rank === 1) expect(particle.decode(view).map(({ x }) => x)).toEqual([0, 0.5, 1, 1.5]);
    expect(time[0]).toBe(0.25);
    expect(data[columns[1]! + 1]).toBe(500 + columns[0]! + 1);
    return data.reduce((sum, value) => sum + value, 0);
  });
  expect(sums.reduce((a, b) => a + b)).toBe((350_000 * 349_999) / 2);
});

test('the last two are kept, whatever jobs were killed in between', async () => {
  const path = fresh();
  for (let step = 1; step <= 3; step++) await saveTens(3, path, step);
  expect(readdirSync(path).sort()).toEqual(
    [2, 3].flatMap((g) => [`g${g}-r0.part`, `g${g}-r1.part`, `g${g}-r2.part`, `g${g}.manifest`]).sort(),
  );
  // Killed while it wrote, and just before the rename.
  writeFileSync(join(path, 'g4-r1.part'), 'half');
  writeFileSync(join(path, 'g5-r0.part'), 'all');
  copyFileSync(join(path, 'g3.manifest'), join(path, 'g5.manifest.tmp'));
  writeFileSync(join(path, 'notes.txt'), 'not ours');
  expect(await loadTens(2, path)).toEqual({ steps: [3, 3], skipped: [] });
  await saveTens(1, path, 9);
  expect(readdirSync(path).sort()).toEqual(
    ['g3-r0.part', 'g3-r1.part', 'g3-r2.part', 'g3.manifest', 'g6-r0.part', 'g6.manifest', 'notes.txt'].sort(),
  );
  expect((await loadTens(4, path)).steps).toEqual([9, 9, 9, 9]);
});

describe('damage', () => {
  test.each([
    [
      'a byte of a block',
      (path: string) => flip(join(path, 'g2-r1.part'), 9),
      'block 0 of ten in .*g2-r1.part is not as it was written',
    ],
    [
      'the end of a part',
      (path: string) => truncateSync(join(path, 'g2-r1.part'), 10),
      'block 0 of ten in .*g2-r1.part has 10 of its 40 bytes',
    ],
    ['a whole part', (path: string) => rmSync(join(path, 'g2-r0.part')), 'could not open .*g2-r0.part for reading: no such file'],
    [
      'the manifest',
      (path: string) => flip(join(path, 'g2.manifest'), 30),
      'the manifest of generation 2 is not as it was written',
    ],
    [
      'half of the manifest',
      (path: string) => truncateSync(join(path, 'g2.manifest'), 50),
      'the manifest of generation 2 is not',
    ],
  ])('%s: all ranks take the generation before, and say so', async (_, damage, words) => {
    const path = fresh();
    await saveTens(2, path, 1);
    await saveTens(2, path, 2);
    damage(path);
    const stderr = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    const { steps, skipped } = await loadTens(3, path);
    const said = stderr.mock.calls.map(([text]) => String(text));
    stderr.mockRestore();
    expect(steps).toEqual([1, 1, 1]);
    expect(skipped).toHaveLength(1);
    expect(skipped[0]).toMatch(new RegExp(words));
    expect(said).toEqual([`tsmpi: checkpoint ${path}: ${skipped[0]}; step 1 is taken instead\n`]);
  });

  test('what was found damaged is not one of the two that are kept', async () => {
    const path = fresh();
    await saveTens(1, path, 1);
    await saveTens(1, path, 2);
    flip(join(path, 'g2-r0.part'), 0);
    const stderr = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    await onRanks(1, path, async (checkpoint, rank) => {
      await checkpoint.load(tens(1, rank, 0));
      await checkpoint.save(3, tens(1, rank, 3));
    });
    stderr.mockRestore();
    expect(readdirSync(path).sort()).toEqual(['g1-r0.part', 'g1.manifest', 'g3-r0.part', 'g3.manifest']);
  });

  test('where nothing is whole, loading fails on all ranks and the arrays are as before', async () => {
    const path = fresh();
    await saveTens(2, path, 1);
    flip(join(path, 'g1-r1.part'), 39);
    await onRanks(2, path, async (checkpoint, rank) => {
      const parts = tens(2, rank, 50);
      const request = checkpoint.load(parts);
      await expect(request).rejects.toMatchObject({
        code: 'ERR_MPI_NO_SUCH_FILE',
        message: expect.stringMatching(/holds no checkpoint that is whole: step 1: block 0 of ten/),
      });
      expect(parts.ten.data).toEqual(tens(2, rank, 50).ten.data);
    });
  });
});

function flip(file: string, at: number): void {
  const bytes = readFileSync(file);
  bytes[at]! ^= 1;
  writeFileSync(file, bytes);
}

describe('errors', () => {
  test('a missing folder above, or a file in its place: one reason on all ranks', async () => {
    const settled = await Promise.allSettled(createWorlds(2).map(async (world) => world.checkpoint(join(folder, 'no', 'such'))));
    for (const result of settled) {
      expect(result).toMatchObject({ status: 'rejected', reason: { code: 'ERR_MPI_NO_SUCH_FILE' } });
      expect((result as PromiseRejectedResult).reason.message).toMatch(/^checkpoint: rank 0 could not make the folder .*ENOENT/);
    }
    const file = fresh();
    writeFileSync(file, '');
    await expect(createWorlds(1)[0]!.checkpoint(file)).rejects.toThrow();
    await onRanks(2, fresh(), async (checkpoint, rank) => {
      expect(checkpoint.latest).toBeUndefined();
      await expect(checkpoint.load(tens(2, rank, 0))).rejects.toThrow('holds no checkpoint that is whole: expected one');
    });
  });

  test('parts that are no array together: nothing is saved, on any rank, and the next save works', async () => {
    const path = fresh();
    await onRanks(2, path, async (checkpoint, rank) => {
      const half = (start: number, length = 5): ArrayParts => ({
        a: { data: new Uint8Array(length), shape: [10], start: [start] },
      });
      await expect(checkpoint.save(1, half(0))).rejects.toThrow(
        'save: a: two parts overlap: those at [0] of 5 and [0] of 5: expected all of it, once',
      );
      await expect(checkpoint.save(1, half(5 * rank, 4))).rejects.toThrow('save: a: the parts hold 8 of its 10 items');
      await expect(checkpoint.save(1, rank === 0 ? half(0) : {})).rejects.toThrow(
        'rank 0 has the arrays a and rank 1 : expected the same names',
      );
      const other = { a: { data: rank === 0 ? new Uint8Array(5) : new Float64Array(5), shape: [10], start: [5 * rank] } };
      await expect(checkpoint.save(1, other)).rejects.toMatchObject({ code: 'ERR_MPI_TYPE' });
      expect(checkpoint.latest).toBeUndefined();
    });
    expect(readdirSync(path)).toEqual([]);
    await saveTens(2, path, 1);
    expect((await loadTens(1, path)).steps).toEqual([1]);
  });

  test('arrays that were not saved so', async () => {
    const path = fresh();
    await saveTens(2, path, 4);
    await onRanks(1, path, async (checkpoint) => {
      const load = (parts: ArrayParts): Promise<unknown> => Promise.resolve(checkpoint.load(parts));
      const whole = { shape: [10], start: [0] };
      await expect(load({ eleven: { data: new Float64Array(10), ...whole } })).rejects.toThrow(
        'step 4 has no array eleven: expected one of ten',
      );
      await expect(load({ ten: { data: new Float32Array(10), ...whole } })).rejects.toThrow('ten is f32, saved as f64');
      await expect(load({ ten: { data: new Float64Array(9), shape: [9], start: [0] } })).rejects.toThrow('ten is 9, saved 10');
      expect(() => checkpoint.save(-1, {})).toThrow('save got step -1');
      expect(() => checkpoint.save(1, { x: { data: new Int8Array(3), shape: [2], start: [0] } })).toThrow(
        'x is [0, 3) in dimension 0, which has 2 items',
      );
      expect(() => checkpoint.save(1, { x: { data: new Int8Array(3), shape: [2, 2], start: [0, 0] } })).toThrow(
        'x has 3 items for a part of 1 x 2',
      );
      expect(() => checkpoint.save(1, { x: { data: new Int8Array(3), shape: [3] } })).toThrow(
        'x.start is undefined: expected 1 integers',
      );
    });
  });
});

test('boxes: gaps and overlaps are found, and rows are those of a loop over all items', () => {
  const draw = drawer(11);
  for (let turn = 0; turn < 300; turn++) {
    const shape = Array.from({ length: 1 + draw(3) }, () => 1 + draw(5));
    const boxes = cut(shape, 1 + draw(5), draw);
    expect(findGap(shape, boxes)).toBeUndefined();
    const whole = { start: shape.map(() => 0), subshape: shape };
    if (boxes.length > 1) {
      const lost = boxes.findIndex(({ subshape }) => subshape.every((extent) => extent > 0));
      expect(findGap(shape, boxes.toSpliced(lost, 1))).toMatch(/hold \d+ of its/);
      expect(findGap(shape, [...boxes, boxes[lost]!])).toMatch(/overlap/);
    }
    for (const box of boxes) {
      const places = [...rowsOf(whole, box)].flatMap(({ place, otherPlace, items }) =>
        Array.from({ length: items }, (_, k) => [place + k, otherPlace + k]),
      );
      expect(places).toEqual(Array.from(valuesOf(shape, box), (place, k) => [place, k]));
    }
  }
});

test('what is saved is on the disk as the README says', async () => {
  const path = fresh();
  await saveTens(2, path, 0);
  expect(statSync(join(path, 'g1-r0.part')).size).toBe(40);
  const [text] = readFileSync(join(path, 'g1.manifest'), 'utf8').split('\n');
  expect(JSON.parse(text!)).toMatchObject({
    format: 'tsmpi checkpoint 1',
    step: 0,
    arrays: { ten: { type: 'f64', shape: [10] } },
  });
});
