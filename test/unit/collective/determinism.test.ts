import { describe, expect, test } from 'vitest';
import { Collectives } from '../../../src/collective/collectives.ts';
import type { Port } from '../../../src/collective/schedule.ts';
import { F64 } from '../../../src/datatype/element-type.ts';
import { createOp, SUM } from '../../../src/datatype/operator.ts';
import { hostsOf, SLOT_BYTES } from './check.ts';
import { randomFrom, simulate } from './simulator.ts';

const PLUS = createOp(
  function plus(input, inout) {
    for (let i = 0; i < inout.length; i++) inout[i] = ((input[i] as number) + (inout[i] as number)) as never;
  },
  { commutative: true },
);

/** Numbers of very different size that nearly cancel: any other order of additions gives other bits. */
function illConditioned(rank: number, count: number): Float64Array {
  const random = randomFrom(rank + 1);
  return Float64Array.from({ length: count }, () => (random() - 0.5) * 10 ** Math.floor(random() * 30));
}

/** Bytes of a sum over all ranks. */
function sumOf(
  call: 'allreduce' | 'reduce',
  size: number,
  count: number,
  root: number,
  slotBytes: number,
  isUserOp: boolean,
): string {
  // Without an area the ranks are dealt out to several hosts.
  const placement = slotBytes > 0 ? [] : hostsOf(size, false);
  const hosts = Math.max(1, new Set(placement).size);
  const hasBulk = slotBytes > 0;
  const settings = { size, slotBytes, hasBulk, hosts, isContiguous: false, isDeterministic: true, forced: () => undefined };
  const outputs = Array.from({ length: size }, () => new Float64Array(count));
  const begin = (port: Port) => {
    const collectives = new Collectives(settings);
    const args = { input: illConditioned(port.rank, count), output: outputs[port.rank]!, op: isUserOp ? PLUS : SUM, code: F64 };
    return call === 'reduce' ? collectives.reduce(port, { ...args, root }) : collectives.allreduce(port, args);
  };
  simulate({ size, seed: count, ...(slotBytes > 0 ? { slotBytes } : { hosts: placement }), calls: [begin] });
  const bits = outputs.map(({ buffer }) => Buffer.from(buffer).toString('hex'));
  if (call === 'allreduce') expect(new Set(bits).size).toBe(1);
  return bits[root]!;
}

describe.each([2, 3, 4, 5, 6, 7, 8, 13, 16])('--deterministic on %i ranks', (size) => {
  test.each(['allreduce', 'reduce'] as const)(
    '%s gives the same bits on one host and on several, in one call or many, for any operator',
    (call) => {
      for (const root of [0, size - 1]) {
        const single = sumOf(call, size, 1, root, SLOT_BYTES, false);
        for (const count of [1, 62, 63, 5000]) {
          for (const slotBytes of [0, SLOT_BYTES]) {
            const bits = sumOf(call, size, count, root, slotBytes, false);
            expect(bits).toBe(sumOf(call, size, count, root, 0, true));
            // The first element does not depend on how many stand behind it.
            expect(bits.slice(0, 16)).toBe(single);
          }
        }
      }
    },
  );
});
