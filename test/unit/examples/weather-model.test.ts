/** The model of the weather's cost: it agrees with what it is made of, and large meshes can be cut. */

import { expect, test } from 'vitest';
import { messageUs, modelStep, RANKS_PER_HOST } from '../../../examples/weather/scaling-model.ts';

test('a message costs what was published, its bytes once for each rank of a host', () => {
  expect(messageUs(0)).toBeCloseTo(2.23, 9);
  expect(messageUs(512)).toBeCloseTo(2.23 + RANKS_PER_HOST * (3.09 - 2.23), 9);
  expect(messageUs(8192)).toBeCloseTo(2.23 + RANKS_PER_HOST * (8192 / 1043 - 2.23), 9);
  expect(messageUs(4_194_304)).toBeCloseTo(2.23 + RANKS_PER_HOST * (4_194_304 / 3694 - 2.23), 6);
});

test('one rank computes; two share the nodes, and hide what the inside takes', () => {
  const one = modelStep(8, 3, 1, 80);
  expect(one).toMatchObject({ nodes: 6144, neighbors: 0, exchangeUs: 0 });
  expect(one.plainUs).toBeCloseTo((3 * 6144 * 80) / 1000, 6);
  expect(one.hiddenUs).toBeCloseTo(one.plainUs, 6);
  const two = modelStep(8, 3, 2, 80);
  expect(two).toMatchObject({ nodes: 3072, neighbors: 1 });
  // The exchange is shorter than the inside.
  expect(two.hiddenUs).toBeCloseTo(one.plainUs / 2 + messageUs(8) / 8, 6);
  expect(two.plainUs).toBeCloseTo(two.hiddenUs + 3 * two.exchangeUs, 6);
});

test('a mesh of more elements than a call takes arguments', () => {
  const { nodes } = modelStep(160, 3, 2, 80);
  expect(nodes).toBe(3 * 160 ** 2 * 16);
});
