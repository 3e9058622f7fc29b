/**
 * Threads inside ranks, and compiled code in them: each rank has a team of two, whose kernel is WebAssembly with SIMD
 * instructions over a memory that the threads share. Messages go straight to and from that memory.
 *
 *     npx tsmpirun -n 2 --threads-per-rank 2 examples/10-wasm.ts
 *
 * The kernel is kept as text, wasm/axpy.wat, and assembled here; what clang, rustc or AssemblyScript make is used in the same way:
 * `new WebAssembly.Module(readFileSync('axpy.wasm'))`.
 */

import { readFileSync } from 'node:fs';
import { job, team, world } from 'tsmpi';
import loadAssembler from 'wabt';

const LENGTH = 1 << 18;
const PAGE = 65536;

const text = readFileSync(new URL('wasm/axpy.wat', import.meta.url), 'utf8');
const parsed = (await loadAssembler()).parseWat('axpy.wat', text, { simd: true, threads: true });
const module = new WebAssembly.Module(parsed.toBinary({}).buffer);
parsed.destroy();

// x lies at the start of the memory, y behind it. Both are typed arrays as any others.
const memory = new WebAssembly.Memory({ initial: (16 * LENGTH) / PAGE, maximum: 65536, shared: true });
const x = new Float64Array(memory.buffer, 0, LENGTH);
const y = new Float64Array(memory.buffer, x.byteLength, LENGTH);

const crew = await team();
const k = crew.kernels<typeof import('./wasm/kernels.ts')>(new URL('./wasm/kernels.ts', import.meta.url));

x.forEach((_, index) => {
  x[index] = world.rank * LENGTH + index;
});
const next = (world.rank + 1) % world.size;
const prev = (world.rank + world.size - 1) % world.size;
await world.sendrecv(x, next, y, prev);
// A grain of two keeps the pairs of the SIMD loop on their borders.
await crew.parallelFor(k.axpy, { from: 0, to: LENGTH, grain: 2 }, module, memory, x.byteOffset, y.byteOffset, 0.5);

const isRight = y.every((value, index) => value === prev * LENGTH + index + 0.5 * (world.rank * LENGTH + index));
const verdicts = await world.gatherObject(`${crew.size} threads of ${job.threads}: ${isRight ? 'right' : 'WRONG'}`, 0);
for (const [rank, verdict] of verdicts?.entries() ?? []) console.log(`rank ${rank}, ${verdict}`);
