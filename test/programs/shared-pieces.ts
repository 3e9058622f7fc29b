/**
 * Long allreduces in bulk memory: every type, counts around the borders of pieces and chunks, in place and not, waited for
 * and awaited, several in flight on two communicators; then what the memory leaves behind when a communicator is freed.
 */

import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { BXOR, MAX, MAXLOC, MIN, type Op, PROD, SUM, world } from 'tsmpi';

const { rank, size } = world;
const TYPES = [
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
] as const;
type Numbers = Float64Array;
type Ctor = typeof Float64Array;
/** The longest piece of up to four ranks. */
const PIECE_BYTES = 1 << 18;

const fails: string[] = [];

/** What a rank gives: pairs for MAXLOC, else small numbers, positive and negative where the type has them. */
function contribution(type: Ctor, count: number, from: number, salt: number): Numbers {
  const data = new type(count);
  const isBig = (data as unknown) instanceof BigInt64Array || (data as unknown) instanceof BigUint64Array;
  for (let i = 0; i < count; i++) {
    const value = ((i * 7 + from * 13 + salt) % 91) - 20;
    data[i] = (isBig ? BigInt(value) : value) as number;
  }
  return data;
}

/** Combine from the left, element by element, as the language computes on such arrays. */
function combine(op: Op, acc: Numbers, next: Numbers): void {
  if (op === MAXLOC) {
    for (let i = 0; i < acc.length; i += 2) {
      if (next[i]! < acc[i]! || (next[i] === acc[i] && next[i + 1]! > acc[i + 1]!)) continue;
      acc[i] = next[i]!;
      acc[i + 1] = next[i + 1]!;
    }
    return;
  }
  for (let i = 0; i < acc.length; i++) {
    const [a, b] = [acc[i]!, next[i]!];
    if (op === SUM) acc[i] = a + b;
    else if (op === PROD) acc[i] = a * b;
    else if (op === BXOR) acc[i] = a ^ b;
    else acc[i] = (op === MAX) === a > b ? a : b;
  }
}

function expectedOf(op: Op, type: Ctor, count: number, salt: number): Numbers {
  const acc = contribution(type, count, 0, salt);
  for (let from = 1; from < size; from++) combine(op, acc, contribution(type, count, from, salt));
  return acc;
}

function compare(what: string, actual: Numbers, expected: Numbers): void {
  const bytes = (array: Numbers): Buffer => Buffer.from(array.buffer, array.byteOffset, array.byteLength);
  if (!bytes(actual).equals(bytes(expected))) fails.push(`${what}: index ${actual.findIndex((x, i) => x !== expected[i])}`);
}

function everyType(): void {
  for (const [index, type] of (TYPES as unknown as Ctor[]).entries()) {
    const isFloat = index === 7 || index === 8;
    const perPiece = PIECE_BYTES / type.BYTES_PER_ELEMENT;
    for (const op of [SUM, index % 2 === 0 ? MAX : MIN, isFloat ? SUM : BXOR, MAXLOC]) {
      const border = size * perPiece + (index % 3) - 1;
      for (const count of op === SUM ? [0, 1, size - 1, border] : [perPiece / 8 + 3]) {
        const length = op === MAXLOC ? count & ~1 : count;
        const input = contribution(type, length, rank, index);
        const isInPlace = (count + index) % 2 === 0;
        const output = isInPlace ? input : new type(length);
        world.allreduce(input, output, op as typeof SUM).wait();
        compare(`${op.name} of ${length} ${type.name}`, output, expectedOf(op, type, length, index));
        if (!isInPlace) compare(`what was read: ${type.name}`, input, contribution(type, length, rank, index));
      }
    }
  }
}

/** Several on two communicators, issued in one order and waited for in another, some awaited. */
async function interleaved(): Promise<void> {
  const other = await world.split(0, size - rank);
  const lengths = [600_001, 3, 100_000, 250_000, 1];
  const calls = lengths.flatMap((length, salt) =>
    [world, other!].map((comm) => {
      const output = new Float64Array(length);
      return { output, length, salt, request: comm.allreduce(contribution(Float64Array, length, rank, salt), output, SUM) };
    }),
  );
  calls.at(-1)!.request.wait();
  await Promise.all(calls.slice(3, 6).map(({ request }) => request));
  for (const { request } of calls.reverse()) request.wait();
  for (const { output, length, salt } of calls) {
    compare(`in flight, ${length}`, output, expectedOf(SUM, Float64Array, length, salt));
  }
  expectMappings(2);
  await other!.free();
  expectMappings(1);
}

function expectMappings(count: number): void {
  const maps = readFileSync('/proc/self/maps', 'utf8').match(/memfd:tsmpi-bulk/g)?.length ?? 0;
  if (maps !== count) fails.push(`${maps} mappings of bulk memory: expected ${count}`);
  for (const fd of readdirSync('/proc/self/fd')) {
    try {
      if (readlinkSync(`/proc/self/fd/${fd}`).includes('tsmpi-bulk')) fails.push(`descriptor ${fd} is left open`);
    } catch {
      // the descriptor by which the folder was read
    }
  }
}

everyType();
expectMappings(1);
await interleaved();
console.log(`rank ${rank}: ${fails.length === 0 ? 'right' : fails.slice(0, 5).join('; ')}`);
