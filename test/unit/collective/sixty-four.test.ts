/** Every algorithm on 64 ranks: one small call each, and its cost. */

import { describe, expect, test } from 'vitest';
import { CATALOGUE } from '../../../src/collective/catalogue.ts';
import type { OperationName } from '../../../src/collective/restrictions.ts';
import { I32 } from '../../../src/datatype/element-type.ts';
import { SUM } from '../../../src/datatype/operator.ts';
import { algorithmsOf, runOnce } from './check.ts';

const SIZE = 64;
const ROOT = 5;
/** Room for a block of each rank. */
const SLOT_BYTES = 4096;
const RANKS = Array.from({ length: SIZE }, (_, rank) => rank);
const TOTAL = (SIZE * (SIZE - 1)) / 2;
const ones = new Array<number>(SIZE).fill(1);

/** Arguments, the arrays that get results, what they must hold, and the bytes by which the cost is told. */
interface Trial {
  readonly args: (rank: number) => unknown;
  readonly outputs: readonly Int32Array[];
  readonly expected: (rank: number) => readonly number[];
  readonly bytes: number;
}

const own = (): Int32Array[] => RANKS.map((rank) => Int32Array.of(rank));
const wide = (): Int32Array[] => RANKS.map((rank) => Int32Array.from(RANKS, (other) => 1000 * rank + other));
const empty = (length: number): Int32Array[] => RANKS.map(() => new Int32Array(length));
const column = (rank: number): number[] => RANKS.map((other) => 1000 * other + rank);
const onRoot =
  (values: (rank: number) => readonly number[], otherwise: readonly number[]) =>
  (rank: number): readonly number[] =>
    rank === ROOT ? values(rank) : otherwise;

const TRIALS: { readonly [Name in OperationName]: () => Trial } = {
  barrier: () => ({ args: () => undefined, outputs: empty(1), expected: () => [0], bytes: 0 }),
  bcast: () => {
    const outputs = RANKS.map((rank) => Int32Array.of(rank === ROOT ? 77 : 0));
    return { args: (rank) => ({ data: outputs[rank], root: ROOT }), outputs, expected: () => [77], bytes: 4 };
  },
  reduce: () => {
    const [inputs, outputs] = [own(), empty(1)];
    const args = (rank: number) => ({
      input: inputs[rank],
      output: rank === ROOT ? outputs[rank] : undefined,
      op: SUM,
      code: I32,
      root: ROOT,
    });
    return { args, outputs, expected: onRoot(() => [TOTAL], [0]), bytes: 4 };
  },
  allreduce: () => {
    const [inputs, outputs] = [own(), empty(1)];
    return {
      args: (rank) => ({ input: inputs[rank], output: outputs[rank], op: SUM, code: I32 }),
      outputs,
      expected: () => [TOTAL],
      bytes: 4,
    };
  },
  gather: () => {
    const [inputs, outputs] = [own(), empty(SIZE)];
    const args = (rank: number) => ({
      data: inputs[rank],
      into: rank === ROOT ? outputs[rank] : undefined,
      count: 1,
      root: ROOT,
    });
    return { args, outputs, expected: onRoot(() => RANKS, new Array<number>(SIZE).fill(0)), bytes: 4 };
  },
  gatherv: () => {
    const [inputs, outputs] = [own(), empty(SIZE)];
    const args = (rank: number) =>
      rank === ROOT
        ? { data: inputs[rank], into: outputs[rank], counts: ones, displs: RANKS, root: ROOT }
        : { data: inputs[rank], into: undefined, counts: undefined, displs: undefined, root: ROOT };
    return { args, outputs, expected: onRoot(() => RANKS, new Array<number>(SIZE).fill(0)), bytes: 4 * SIZE };
  },
  scatter: () => {
    const [inputs, outputs] = [wide(), empty(1)];
    const args = (rank: number) => ({
      data: rank === ROOT ? inputs[rank] : undefined,
      into: outputs[rank],
      count: 1,
      root: ROOT,
    });
    return { args, outputs, expected: (rank) => [1000 * ROOT + rank], bytes: 4 };
  },
  scatterv: () => {
    const [inputs, outputs] = [wide(), empty(1)];
    const args = (rank: number) =>
      rank === ROOT
        ? { data: inputs[rank], into: outputs[rank], counts: ones, displs: RANKS, root: ROOT }
        : { data: undefined, into: outputs[rank], counts: undefined, displs: undefined, root: ROOT };
    return { args, outputs, expected: (rank) => [1000 * ROOT + rank], bytes: 4 * SIZE };
  },
  allgather: () => {
    const [inputs, outputs] = [own(), empty(SIZE)];
    return {
      args: (rank) => ({ data: inputs[rank], into: outputs[rank], count: 1 }),
      outputs,
      expected: () => RANKS,
      bytes: 4,
    };
  },
  allgatherv: () => {
    const [inputs, outputs] = [own(), empty(SIZE)];
    const args = (rank: number) => ({ data: inputs[rank], into: outputs[rank], counts: ones, displs: RANKS });
    return { args, outputs, expected: () => RANKS, bytes: 4 * SIZE };
  },
  alltoall: () => {
    const [inputs, outputs] = [wide(), empty(SIZE)];
    return { args: (rank) => ({ data: inputs[rank], into: outputs[rank], count: 1 }), outputs, expected: column, bytes: 4 };
  },
  alltoallv: () => {
    const [inputs, outputs] = [wide(), empty(SIZE)];
    const parts = { sendCounts: ones, sendDispls: RANKS, counts: ones, displs: RANKS };
    return {
      args: (rank) => ({ data: inputs[rank], into: outputs[rank], ...parts }),
      outputs,
      expected: column,
      bytes: 4 * SIZE,
    };
  },
  reduceScatter: () => {
    const [inputs, outputs] = [wide(), empty(1)];
    const args = (rank: number) => ({ input: inputs[rank], output: outputs[rank], counts: ones, op: SUM, code: I32 });
    return { args, outputs, expected: (rank) => [1000 * TOTAL + SIZE * rank], bytes: 4 * SIZE };
  },
  scan: () => {
    const [inputs, outputs] = [own(), empty(1)];
    const args = (rank: number) => ({ input: inputs[rank], output: outputs[rank], op: SUM, code: I32 });
    return { args, outputs, expected: (rank) => [(rank * (rank + 1)) / 2], bytes: 4 };
  },
  exscan: () => {
    const [inputs, outputs] = [own(), empty(1)];
    const args = (rank: number) => ({ input: inputs[rank], output: outputs[rank], op: SUM, code: I32 });
    return { args, outputs, expected: (rank) => [rank === 0 ? 0 : (rank * (rank - 1)) / 2], bytes: 4 };
  },
};

describe.each(Object.keys(CATALOGUE) as OperationName[])('%s', (operation) => {
  test.each(algorithmsOf(operation))('%s', (name) => {
    const { args, outputs, expected, bytes } = TRIALS[operation]();
    runOnce(operation, name, SIZE, bytes, args, 64, SLOT_BYTES);
    expect(outputs.map((output) => [...output])).toEqual(RANKS.map((rank) => [...expected(rank)]));
  });
});
