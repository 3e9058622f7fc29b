/** Turns on an area with real threads: what a simulator in one thread cannot show is the order of stores and loads. */

import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { build } from 'esbuild';
import { beforeAll, expect, test } from 'vitest';
import { isLong } from '../../long.ts';
import type { WorkerSettings } from './area-worker.ts';
import { SLOT_BYTES } from './check.ts';

let code = '';

beforeAll(async () => {
  const entry = fileURLToPath(new URL('./area-worker.ts', import.meta.url));
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    format: 'cjs',
    platform: 'node',
    external: ['vitest'],
  });
  code = outputFiles[0]!.text;
});

function run(settings: WorkerSettings): Promise<string> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(code, { eval: true, workerData: settings });
    worker.once('message', resolve);
    worker.once('error', reject);
  });
}

test.each([1, 2, 3, 4, 7])('%i threads, random collectives, some in flight', { timeout: 60_000 }, async (size) => {
  for (let seed = 1; seed <= (isLong ? 3 : 1); seed++) {
    const buffer = new SharedArrayBuffer(256 + 2 * (size + 1) * SLOT_BYTES);
    const settings = { size, seed, turns: size <= 4 ? 4000 : 800, slotBytes: SLOT_BYTES, buffer };
    const outcomes = await Promise.all(Array.from({ length: size }, (_, rank) => run({ ...settings, rank })));
    expect(outcomes).toEqual(outcomes.map(() => 'done'));
  }
});
