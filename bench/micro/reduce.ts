/**
 * Reduction kernels: the addon's call beside the loop in JavaScript, in ns a call, for counts up to where the addon takes over.
 *
 * Says where they meet: what NATIVE_COUNT (src/datatype/reduce-kernels.ts) is taken from. Median of the repetitions.
 *
 *     tsmpirun -n 1 --bind-to core bench/micro/reduce.ts
 */

import { world } from 'tsmpi';
import { OP_NAMES } from '../../src/base/operation.ts';
import { createArray, ELEMENT_NAMES, F32, F64, I32, I64, U8, U8C, U16 } from '../../src/datatype/element-type.ts';
import { MIN, MINLOC, type Op, PROD, SUM } from '../../src/datatype/operator.ts';
import { NATIVE_COUNT, reduceInto } from '../../src/datatype/reduce-kernels.ts';
import { loadAddon } from '../../src/native/loader.ts';
import { readOptions } from '../lib/options.ts';
import { heading, row } from '../lib/report.ts';
import { median } from '../lib/statistics.ts';

const options = readOptions({ min: 0, max: 0 });
// One rank is enough; a rank it must be, to be bundled and pinned.
if (world.rank !== 0) process.exit(0);
/** All below NATIVE_COUNT, so that reduceInto runs the loop, and even, for pairs. */
const COUNTS = [16, 32, 64, 96, NATIVE_COUNT - 2];
const { addon } = loadAddon();
if (addon === undefined) {
  console.error('reduce compares with the native addon, which is not there: see `tsmpi info`');
  process.exit(2);
}

function timed(call: () => void): number {
  const calls = options.iterations ?? 20_000;
  const times: number[] = [];
  for (let repetition = -options.warmup; repetition < options.repetitions; repetition++) {
    const start = performance.now();
    for (let k = 0; k < calls; k++) call();
    if (repetition >= 0) times.push(((performance.now() - start) * 1e6) / calls);
  }
  return median(times);
}

heading(`tsmpi reductions in ns a call: loop in JavaScript / addon, median of ${options.repetitions} repetitions`, [
  'Operator',
  ...COUNTS.map(String),
]);
for (const op of [SUM, PROD, MIN, MINLOC] satisfies Op[]) {
  for (const code of [U8, U8C, U16, I32, F32, F64, I64]) {
    const cells = COUNTS.map((count) => {
      const [input, inout] = [createArray(code, count), createArray(code, count)];
      const loop = timed(() => reduceInto(op, code, input, inout, count));
      const native = timed(() => addon.reduce(OP_NAMES.indexOf(op.name as never), code, input, 0, inout, 0, count));
      return `${loop.toFixed(0)} / ${native.toFixed(0)}`;
    });
    row(`${op.name} ${ELEMENT_NAMES[code]}`, cells);
  }
}
