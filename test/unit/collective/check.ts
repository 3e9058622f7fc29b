/** One forced collective in the simulator, against its model and its cost. */

import { expect } from 'vitest';
import { CATALOGUE } from '../../../src/collective/catalogue.ts';
import type { Algorithm } from '../../../src/collective/plan.ts';
import type { OperationName } from '../../../src/collective/restrictions.ts';
import type { Op } from '../../../src/datatype/operator.ts';
import { COSTS } from './cost.ts';
import { simulate } from './simulator.ts';

export const SIZES: readonly number[] = [1, 2, 3, 4, 5, 6, 7, 8, 13, 16];
export const SLOT_BYTES = 512;

/** Return the algorithm of that name. */
export function algorithmOf<Arguments>(operation: OperationName, name: string): Algorithm<Arguments> {
  return (CATALOGUE[operation] as unknown as Record<string, Algorithm<Arguments>>)[name]!;
}

/** Return an operation's algorithms. */
export function algorithmsOf(operation: OperationName): string[] {
  return Object.keys(CATALOGUE[operation]);
}

/** Return whether an algorithm runs in an area. */
export function isShared(name: string): boolean {
  return name.startsWith('shared-');
}

/** Return whether an algorithm needs several hosts. */
export function isTwoLevel(name: string): boolean {
  return name === 'two-level';
}

/** Return hosts of so many ranks: up to three ranks a host, one after the other or dealt out. */
export function hostsOf(size: number, isContiguous: boolean): number[] {
  const hosts = Math.ceil(size / 3);
  return Array.from({ length: size }, (_, rank) => 7 * (isContiguous ? Math.floor(rank / 3) : (rank * 5) % hosts));
}

/** Some roots: all of few ranks, else the first, one in the middle and the last. */
export function rootsOf(size: number): number[] {
  return size <= 4 ? Array.from({ length: size }, (_, rank) => rank) : [0, size >> 1, size - 1];
}

/** Run one call on all ranks and hold its traffic against the cost that the header names. */
export function runOnce<Arguments>(
  operation: OperationName,
  name: string,
  size: number,
  bytes: number,
  args: (rank: number) => Arguments,
  seed: number,
  slotBytes = SLOT_BYTES,
): void {
  const algorithm = algorithmOf<Arguments>(operation, name);
  const { op } = (args(0) ?? {}) as { op?: Op };
  const hosts = hostsOf(size, op?.isCommutative === false || seed % 2 === 0);
  const traffic = simulate({
    size,
    seed,
    ...(isShared(name) ? { slotBytes } : {}),
    ...(isTwoLevel(name) ? { hosts } : {}),
    calls: [(port) => algorithm(port, args(port.rank))],
  });
  const cost = COSTS[operation]![name]!(size, bytes, new Set(hosts).size);
  expect(traffic.messages, `${name}: messages`).toBeLessThanOrEqual(cost.messages);
  expect(traffic.bytes, `${name}: bytes`).toBeLessThanOrEqual(cost.bytes);
}
