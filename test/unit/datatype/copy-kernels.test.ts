/** Copy kernels against a naive model, and the generated file against its generator. */

import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { COPY_IN, COPY_OUT } from '../../../src/datatype/copy-kernels.ts';
import { bytesOf, createArray, ELEMENT_NAMES, ELEMENT_SHIFT, U64 } from '../../../src/datatype/element-type.ts';
import { ElementViews } from '../../../src/datatype/element-views.ts';
import { Random } from './random.ts';

const CODES = Array.from({ length: U64 + 1 }, (_, code) => code);
const COUNTS = [0, 1, 3, 7, 8, 9, 23, 24, 25, 64, 300];

it('the generated files are what the generator writes', () => {
  const generator = fileURLToPath(new URL('../../../src/datatype/generate-kernels.mjs', import.meta.url));
  execFileSync(process.execPath, [generator, '--check'], { stdio: 'pipe', timeout: 20_000 });
});

describe.each(CODES.map((code) => [ELEMENT_NAMES[code], code] as const))('copies of %s', (_, code) => {
  const size = 2 ** ELEMENT_SHIFT[code];
  const random = new Random(code + 1);
  const buffers = [new ArrayBuffer(4096), new SharedArrayBuffer(4096)];

  it.each(COUNTS)('%i elements into the segment touch those bytes and no others', (count) => {
    for (const buffer of buffers) {
      for (const extra of [0, 5]) {
        const views = new ElementViews(buffer);
        random.fill(views.u8);
        const from = createArray(code, count + extra);
        random.fill(bytesOf(from));
        const fromIndex = random.below(extra + 1);
        const byteOffset = 8 * random.below(200);
        const expected = Uint8Array.from(views.u8);
        for (let i = 0; i < count * size; i++) expected[byteOffset + i] = bytesOf(from)[fromIndex * size + i];
        COPY_IN[code](from, fromIndex, count, views, byteOffset);
        expect(Buffer.compare(views.u8, expected)).toBe(0);
      }
    }
  });

  it.each(COUNTS)('%i elements out of the segment touch those elements and no others', (count) => {
    for (const buffer of buffers) {
      const views = new ElementViews(buffer);
      random.fill(views.u8);
      const into = createArray(code, count + 7);
      random.fill(bytesOf(into));
      const intoIndex = random.below(8);
      const byteOffset = 8 * random.below(200);
      const expected = Uint8Array.from(bytesOf(into));
      for (let i = 0; i < count * size; i++) expected[intoIndex * size + i] = views.u8[byteOffset + i];
      COPY_OUT[code](views, byteOffset, into, intoIndex, count);
      expect(Buffer.compare(bytesOf(into), expected)).toBe(0);
    }
  });

  it('move bit patterns as they are, NaNs with payload included, on both paths', () => {
    for (const count of [8, 100]) {
      const views = new ElementViews(new ArrayBuffer(1024));
      random.fill(views.u8);
      const into = createArray(code, count);
      COPY_OUT[code](views, 0, into, 0, count);
      const back = new ElementViews(new ArrayBuffer(1024));
      COPY_IN[code](into, 0, count, back, 0);
      expect(Buffer.compare(back.u8.subarray(0, count * size), views.u8.subarray(0, count * size))).toBe(0);
    }
  });
});
