/** Derived datatypes against a naive model: the list of bytes that an item covers, in order. */

import { describe, expect, test } from 'vitest';
import type { ArrayLayout } from '../../../src/datatype/derived/array-layout.ts';
import { wordViews } from '../../../src/datatype/derived/mover.ts';
import {
  contiguous,
  type Datatype,
  darray,
  f32,
  f64,
  hindexed,
  hindexedBlock,
  hvector,
  i16,
  indexed,
  indexedBlock,
  type Layout,
  MpiError,
  pack,
  packSize,
  struct,
  subarray,
  u8,
  u32,
  unpack,
  vector,
} from '../../../src/index.ts';
import { Random } from './random.ts';

/** A datatype beside its model: places of its bytes, and bounds. */
interface Modelled {
  readonly datatype: Datatype;
  readonly bytes: readonly number[];
  readonly low: number;
  readonly extent: number;
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, k) => k);
}

function at(places: readonly number[], by: number): number[] {
  return places.map((place) => place + by);
}

/** The model of blocks: block k is `lengths[k]` items from byte `starts[k]` on. */
function blocksOf(item: Modelled, lengths: readonly number[], starts: readonly number[], datatype: Datatype): Modelled {
  const bytes = lengths.flatMap((length, k) => range(length).flatMap((j) => at(item.bytes, starts[k]! + j * item.extent)));
  const used = range(lengths.length).filter((k) => lengths[k]! > 0);
  if (used.length === 0) return { datatype, bytes, low: 0, extent: 0 };
  const low = Math.min(...used.map((k) => starts[k]! + item.low));
  const high = Math.max(...used.map((k) => starts[k]! + item.low + lengths[k]! * item.extent));
  return { datatype, bytes, low, extent: high - low };
}

/** A random datatype of that depth. */
function randomType(random: Random, depth: number): Modelled {
  if (depth === 0) {
    const [datatype, size] = random.pick([
      [u8, 1],
      [i16, 2],
      [f32, 4],
      [f64, 8],
    ] as const);
    return { datatype, bytes: range(size), low: 0, extent: size };
  }
  const item = randomType(random, depth - 1);
  const of = item.datatype;
  const { extent } = item;
  const count = random.below(5);
  const length = random.below(4);
  const displs = range(count).map((k) => k * 6 + random.below(3));
  const lengths = range(count).map(() => random.below(4));
  const stride = random.below(9) + 2;
  switch (random.below(8)) {
    case 0:
      return blocksOf(item, [count], [0], contiguous(count, of));
    case 1:
      return blocksOf(
        item,
        range(count).map(() => length),
        range(count).map((k) => k * stride * extent),
        vector(count, length, stride, of),
      );
    case 2: {
      const bytes = stride * Math.max(extent, 1);
      return blocksOf(
        item,
        range(count).map(() => length),
        range(count).map((k) => k * bytes),
        hvector(count, length, bytes, of),
      );
    }
    case 3:
      return blocksOf(
        item,
        lengths,
        displs.map((place) => place * extent),
        indexed(lengths, displs, of),
      );
    case 4:
      return blocksOf(item, lengths, displs, hindexed(lengths, displs, of));
    case 5:
      return blocksOf(
        item,
        range(count).map(() => length),
        displs.map((place) => place * extent),
        indexedBlock(length, displs, of),
      );
    case 6:
      return blocksOf(
        item,
        range(count).map(() => length),
        displs,
        hindexedBlock(length, displs, of),
      );
    default: {
      const shape = [3, 4];
      const part = [1 + random.below(3), 1 + random.below(4)];
      const start = [random.below(4 - part[0]!), random.below(5 - part[1]!)];
      const bytes = range(part[0]!).flatMap((r) =>
        range(part[1]!).flatMap((c) => at(item.bytes, ((start[0]! + r) * 4 + start[1]! + c) * extent)),
      );
      return { datatype: subarray(shape, part, start, of), bytes, low: 0, extent: 12 * extent };
    }
  }
}

/** Memory that a datatype laid at `place` fits into, and that place. */
function memoryFor({ bytes, low, extent }: Modelled): { view: DataView; place: number } {
  const lowest = Math.min(0, low, ...bytes);
  const highest = Math.max(0, low + extent, ...bytes.map((byte) => byte + 1));
  const place = Math.ceil(-lowest / 8) * 8;
  return { view: new DataView(new ArrayBuffer(place + highest + 3)), place };
}

test.each(range(400))('random datatype %i: bounds, pack and unpack, whole and in pieces', (seed) => {
  const random = new Random(seed);
  const model = randomType(random, 1 + random.below(3));
  const { datatype, bytes } = model;
  expect(datatype.size).toBe(bytes.length);
  expect([datatype.lowerBound, datatype.extent]).toEqual([model.low, model.extent]);
  if (bytes.length > 0) {
    const first = Math.min(...bytes);
    expect([datatype.trueLowerBound, datatype.trueExtent]).toEqual([first, Math.max(...bytes) + 1 - first]);
  }
  const { view, place } = memoryFor(model);
  const memory = random.fill(new Uint8Array(view.buffer));
  const layout = datatype.of(view, place) as ArrayLayout;
  const expected = Uint8Array.from(bytes, (byte) => memory[place + byte]!);
  expect(Buffer.compare(new Uint8Array(layout.toArray().buffer), expected)).toBe(0);

  const pieces = new Uint8Array(bytes.length + 8);
  for (let skip = 0; skip < bytes.length; ) {
    const length = Math.min(bytes.length - skip, 1 + random.below(40));
    layout.pack(skip, length, wordViews(pieces.buffer), 8 + skip);
    skip += length;
  }
  expect(Buffer.compare(pieces.subarray(8), expected)).toBe(0);

  // Unpacked into other memory, only the bytes that the datatype covers change.
  const other = new Uint8Array(memory.length).fill(0xaa);
  const back = datatype.of(new DataView(other.buffer), place) as ArrayLayout;
  const isWhole = random.below(2) === 0;
  if (isWhole) back.unpack(0, bytes.length, wordViews(pieces.buffer), 8);
  else {
    for (let skip = 0; skip < bytes.length; ) {
      const length = Math.min(bytes.length - skip, 1 + random.below(40));
      back.unpack(skip, length, wordViews(pieces.buffer), 8 + skip);
      skip += length;
    }
  }
  const wanted = new Uint8Array(memory.length).fill(0xaa);
  for (const [k, byte] of bytes.entries()) wanted[place + byte] = expected[k]!;
  expect(Buffer.compare(other, wanted)).toBe(0);
});

test('long regular loops, and long irregular ones, take the same way as short ones', () => {
  const matrix = Float64Array.from({ length: 300 * 200 }, (_, k) => k);
  const column = pack(vector(300, 1, 200).of(matrix, 7));
  expect(column).toEqual(Float64Array.from({ length: 300 }, (_, row) => row * 200 + 7));
  const displs = range(500).map((k) => k * 37 + (k % 5));
  expect(pack(indexedBlock(3, displs).of(matrix))).toEqual(
    Float64Array.from(displs.flatMap((start) => [start, start + 1, start + 2])),
  );
  const backwards = pack(vector(100, 1, -3).of(matrix, 900));
  expect(backwards).toEqual(Float64Array.from({ length: 100 }, (_, k) => 900 - 3 * k));
  const wide = pack(vector(5, 60, 200).of(matrix));
  expect(wide).toEqual(Float64Array.from(range(5).flatMap((row) => range(60).map((c) => row * 200 + c))));
});

test('without an element type a datatype takes that of its array, and counts in elements', () => {
  const column = vector(3, 1, 4);
  expect([column.element, column.size, column.extent]).toEqual([undefined, 3, 9]);
  for (const type of [Int8Array, Uint16Array, Float32Array, Float64Array] as const) {
    const array = type.from(range(12));
    expect(pack(column.of(array, 1))).toEqual(type.from([1, 5, 9]));
  }
  const bigints = BigInt64Array.from(range(12), BigInt);
  expect(pack(column.of(bigints, 2))).toEqual(BigInt64Array.of(2n, 6n, 10n));
  const shared = new Int32Array(new SharedArrayBuffer(48));
  shared.set(range(12));
  expect(pack(column.of(shared))).toEqual(Int32Array.of(0, 4, 8));
  // The part of an array that begins at an odd place of its buffer.
  expect(pack(column.of(new Float64Array(Float64Array.from(range(13)).buffer, 8)))).toEqual(Float64Array.of(1, 5, 9));
});

test('resized items follow each other at the distance given', () => {
  // Every second column of a 3 x 4 matrix.
  const column = vector(3, 1, 4).resized(0, 2);
  const columns = contiguous(2, column);
  expect([columns.extent, columns.size]).toEqual([4, 6]);
  expect(pack(columns.of(Int16Array.from(range(12))))).toEqual(Int16Array.of(0, 4, 8, 2, 6, 10));
  expect(pack(contiguous(2, f64.resized(-8, 24)).of(Float64Array.from(range(6))))).toEqual(Float64Array.of(0, 3));
  expect(f64.resized(-8, 24)).toMatchObject({ lowerBound: -8, extent: 24, trueLowerBound: 0, trueExtent: 8 });
});

test('what lies one behind the other is one run, whatever it was made of', () => {
  const array = new Float64Array(24);
  for (const datatype of [
    contiguous(24),
    subarray([4, 6], [4, 6], [0, 0]),
    vector(4, 6, 6),
    indexed([4, 20], [0, 4]),
    contiguous(4, contiguous(6, f64)),
    subarray([3, 4, 6], [1, 4, 6], [0, 0, 0]),
  ]) {
    const { contiguous: run } = datatype.of(array) as ArrayLayout;
    expect(run?.length).toBe(24);
    expect(run?.buffer).toBe(array.buffer);
  }
  expect((vector(2, 1, 2).of(array) as ArrayLayout).contiguous).toBeUndefined();
});

test('darray cuts an array into the blocks of a grid', () => {
  const seen = new Int32Array(7 * 5).fill(-1);
  for (let rank = 0; rank < 6; rank++) {
    const layout = darray(6, rank, [7, 5], [3, 2]).of(seen);
    unpack(new Int32Array(packSize(layout) / 4).fill(rank), 0, layout);
  }
  // Blocks of ceil(7 / 3) = 3 rows and ceil(5 / 2) = 3 columns.
  const expected = range(35).map((k) => Math.floor(Math.floor(k / 5) / 3) * 2 + Math.floor((k % 5) / 3));
  expect([...seen]).toEqual(expected);
  expect(packSize(darray(4, 3, [5], [4]).of(new Uint8Array(5)))).toBe(0);
  expect(() => darray(4, 0, [5], [3])).toThrow('expected a grid of as many dimensions whose product is the size');
});

test('pack and unpack at positions', () => {
  const bytes = new Uint8Array(64);
  const numbers = Float32Array.of(1, 2, 3, 4, 5, 6);
  const next = pack(vector(3, 1, 2).of(numbers), bytes, 5);
  expect([next, packSize(vector(3, 1, 2).of(numbers))]).toEqual([17, 12]);
  expect(pack(Int16Array.of(7, 8), bytes, next)).toBe(21);
  const back = new Float32Array(6);
  expect(unpack(bytes, 5, vector(3, 1, 2).of(back, 1))).toBe(17);
  expect([...back]).toEqual([0, 1, 0, 3, 0, 5]);
  const shorts = new Int16Array(2);
  expect(unpack(bytes, 17, shorts)).toBe(21);
  expect([...shorts]).toEqual([7, 8]);
  expect(pack(new DataView(bytes.buffer, 17, 4))).toEqual(new Uint8Array(shorts.buffer));
  expect(() => pack(numbers, bytes, 41)).toThrow('pack: 24 bytes from position 41 on do not fit into 64: expected as many');
  expect(() => unpack(bytes, -1, shorts)).toThrow('unpack got position -1: expected a number of bytes, 0 or more');
  expect(() => packSize('text' as never)).toThrow('packSize got text: expected a typed array, DataView, buffer or layout');
});

describe('structs', () => {
  const particle = struct({ x: f64, id: u32 });
  const tagged = struct({ kind: u8, at: particle, weight: f32 });

  test('lie as a C compiler lays them out; padding is not sent', () => {
    expect([particle.size, particle.extent, particle.offsets]).toEqual([12, 16, { x: 0, id: 8 }]);
    expect([tagged.size, tagged.extent, tagged.offsets]).toEqual([17, 32, { kind: 0, at: 8, weight: 24 }]);
    expect([particle.element, packSize(particle.of(particle.alloc(5)))]).toEqual(['mixed', 60]);
    expect(pack(particle.encode([{ x: 1.5, id: 7 }]))).toEqual(
      new Uint8Array(Buffer.concat([Buffer.from(Float64Array.of(1.5).buffer), Buffer.from(Uint32Array.of(7).buffer)])),
    );
  });

  test('values are written and read by field', () => {
    const view = particle.alloc(3);
    particle.write(view, 1, { x: -2.5, id: 4_000_000_000 });
    expect(particle.read(view, 1)).toEqual({ x: -2.5, id: 4_000_000_000 });
    expect(particle.decode(view)).toEqual([
      { x: 0, id: 0 },
      { x: -2.5, id: 4_000_000_000 },
      { x: 0, id: 0 },
    ]);
    const values = [
      { kind: 3, at: { x: 0.25, id: 1 }, weight: 0.5 },
      { kind: 200, at: { x: -1, id: 2 }, weight: 8 },
    ];
    const encoded = tagged.encode(values);
    expect(tagged.decode(encoded)).toEqual(values);
    expect(tagged.decode(tagged.of(encoded.array, 32))).toEqual(values.slice(1));
  });

  test('one item, or every second one', () => {
    const view = particle.encode([0, 1, 2, 3].map((id) => ({ x: id / 2, id }))).array;
    const second = contiguous(2, particle.resized(0, 32)).of(view, 16);
    const copy = particle.alloc(2);
    unpack(pack(second), 0, particle.of(copy));
    expect(particle.decode(copy)).toEqual([
      { x: 0.5, id: 1 },
      { x: 1.5, id: 3 },
    ]);
    expect(packSize(contiguous(1, particle).of(view))).toBe(12);
  });

  test('wrong fields and values are told', () => {
    expect(() => struct({})).toThrow('struct got no fields');
    expect(() => struct({ x: vector(2, 1, 2, f64) as never })).toThrow(
      /^struct: field x is .*: expected an element type such as f64, or a struct$/,
    );
    expect(() => particle.encode([{ x: 1 } as never])).toThrow("a struct's value lacks the field id: expected x, id");
    expect(() => particle.read(particle.alloc(2), 2)).toThrow(
      'item 2 of memory that holds 2 structs: expected an index below that',
    );
    expect(() => particle.of(new Float64Array(2) as never)).toThrow(
      'a datatype of mixed was laid over f64: expected an array of bytes (a DataView)',
    );
    expect(() => particle.alloc(-1)).toThrow('alloc of a struct got -1: expected an integer, 0 or more');
  });
});

describe('refusals', () => {
  const array = new Float64Array(10);
  test.each<[() => Layout | Datatype, string, string]>([
    [
      () => vector(3, 1, 4).of(array, 2),
      'ERR_MPI_BUFFER',
      'a datatype laid at 2 covers elements 2 to 11 of an array of 10: expected it inside',
    ],
    [() => vector(2, 1, -4).of(array, 2), 'ERR_MPI_BUFFER', 'a datatype laid at 2 covers elements -2 to 3 of an array of 10'],
    [() => vector(2, 1, 4, f32).of(array), 'ERR_MPI_TYPE', 'a datatype of f32 was laid over f64: expected an array of f32'],
    [() => f64.of([1, 2] as never), 'ERR_MPI_TYPE', 'a datatype was laid over 1,2: expected a typed array, DataView or buffer'],
    [() => f64.of(array, 0.5), 'ERR_MPI_ARG', 'a datatype was laid at offset 0.5: expected an integer number of elements'],
    [() => contiguous(-1), 'ERR_MPI_COUNT', 'contiguous got -1 for count: expected an integer, 0 or more'],
    [() => vector(1, 2.5, 3), 'ERR_MPI_COUNT', 'vector got 2.5 for blockLength'],
    [() => vector(1, 2, Number.NaN), 'ERR_MPI_ARG', 'vector got NaN for stride: expected an integer'],
    [
      () => vector(1, 1, 1, 'f64' as never),
      'ERR_MPI_TYPE',
      'vector got f64 for its datatype: expected one such as f64 or what vector() returns',
    ],
    [() => hvector(1, 1, 8, undefined as never), 'ERR_MPI_TYPE', 'hvector counts bytes, and its element type is not known'],
    [() => indexed([1, 2], [0]), 'ERR_MPI_ARG', 'indexed got 2 lengths and 1 displacements: expected as many of each'],
    [() => indexed([-1], [0]), 'ERR_MPI_COUNT', 'indexed got -1 for blockLengths[0]'],
    [() => subarray([4, 4], [2], [0, 0]), 'ERR_MPI_ARG', 'subarray got 2 dimensions, 1 lengths and 2 starts'],
    [() => subarray([4], [3], [2]), 'ERR_MPI_ARG', 'subarray: dimension 0 has 4 items, the part is [2, 5): expected it inside'],
    [() => f64.resized(0, 0.5), 'ERR_MPI_ARG', 'resized got 0.5 for extent: expected an integer'],
  ])('%s', (call, code, message) => {
    try {
      call();
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(MpiError);
      expect((error as MpiError).message).toContain(message);
      expect((error as MpiError).code).toBe(code);
    }
  });
});
