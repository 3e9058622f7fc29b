/** The cavity's kernels: the binary beside their text is what the text makes. */

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import loadAssembler from 'wabt';

const read = (name: string): Buffer => readFileSync(new URL(`../../../examples/cavity/${name}`, import.meta.url));

test('kernels.wasm is kernels.wat', async () => {
  const parsed = (await loadAssembler()).parseWat('kernels.wat', read('kernels.wat').toString('utf8'), { threads: true });
  expect(read('kernels.wasm').equals(parsed.toBinary({}).buffer)).toBe(true);
});
