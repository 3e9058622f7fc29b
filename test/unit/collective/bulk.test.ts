/** Bulk memory: turns of several collectives in it, what happens when it cannot be had, and its bounds. */

import { describe, expect, test } from 'vitest';
import { MAX_BULK_RANKS, pieceBytesFor, SharedBulk } from '../../../src/collective/bulk.ts';
import { Collectives } from '../../../src/collective/collectives.ts';
import type { PlanSettings } from '../../../src/collective/plan.ts';
import type { Port, Schedule } from '../../../src/collective/schedule.ts';
import { F64, I32 } from '../../../src/datatype/element-type.ts';
import { MAX, SUM } from '../../../src/datatype/operator.ts';
import { SLOT_BYTES } from './check.ts';
import { contribution, reduceAll } from './model.ts';
import { randomFrom, simulate } from './simulator.ts';

function settingsOf(size: number, force: string | undefined): PlanSettings {
  const forced = (operation: string) => (operation === 'allreduce' ? force : undefined);
  return { size, slotBytes: SLOT_BYTES, hasBulk: true, hosts: 1, isContiguous: true, isDeterministic: false, forced };
}

/** A sum or maximum of all ranks, in place or not, and what must come of it. */
function allreduce(collectives: Collectives, size: number, salt: number, count: number, isInPlace: boolean) {
  const code = salt % 2 === 0 ? F64 : I32;
  const op = salt % 3 === 0 ? MAX : SUM;
  const inputs = Array.from({ length: size }, (_, rank) => contribution(code, rank + salt, count));
  const outputs = isInPlace ? inputs : inputs.map((input) => input.slice().fill(0 as never));
  const expected = reduceAll(
    op,
    inputs.map((input) => input.slice()),
  );
  return {
    begin: (port: Port): Schedule =>
      collectives.allreduce(port, { input: inputs[port.rank]!, output: outputs[port.rank]!, op, code }),
    verify: () => expect(outputs).toEqual(outputs.map(() => expected)),
  };
}

describe.each([2, 3, 4, 5, 8])('%i ranks', (size) => {
  test('issue many long reductions before they wait, among barriers, and leave', () => {
    const collectives = new Collectives(settingsOf(size, undefined));
    const forced = new Collectives(settingsOf(size, 'shared-pieces'));
    for (let seed = 0; seed < 25; seed++) {
      const random = randomFrom(seed * 17 + size);
      const draw = (limit: number) => Math.floor(random() * limit);
      // Pieces of 64 bytes are 8 or 16 elements: counts around their borders.
      const calls = Array.from({ length: 8 }, (_, index) => {
        const count = Math.max(0, size * [0, 8, 16, 24, 80, 200][draw(6)]! + draw(3) - 1);
        return allreduce(forced, size, index, count, draw(2) === 0);
      });
      const issued = calls.flatMap(({ begin }) => (draw(3) === 0 ? [(port: Port) => collectives.barrier(port), begin] : [begin]));
      simulate({
        size,
        seed,
        slotBytes: SLOT_BYTES,
        isBlocking: draw(3) === 0,
        calls: [...issued, (port) => collectives.leave(port)],
      });
      for (const { verify } of calls) verify();
    }
  });

  test.each(['create', 'open'] as const)('go by messages, all of them, when it fails to %s; each call anew', (bulkFailure) => {
    for (let seed = 0; seed < 6; seed++) {
      const collectives = new Collectives(settingsOf(size, undefined));
      const calls = [0, 1, 2].map((salt) => allreduce(collectives, size, salt, 2200, false));
      const { messages } = simulate({
        size,
        seed,
        slotBytes: SLOT_BYTES,
        bulkFailure,
        calls: calls.map(({ begin }) => begin),
      });
      // The failure is told once.
      expect(messages).toBe(3 * 2 * size * (size - 1) + (bulkFailure === 'create' ? 1 : 3) * (size - 1));
      for (const { verify } of calls) verify();
    }
  });

  test('refuse a forced algorithm that finds no memory', () => {
    const collectives = new Collectives(settingsOf(size, 'shared-pieces'));
    const calls = [allreduce(collectives, size, 0, 2200, false).begin];
    const options = { size, slotBytes: SLOT_BYTES, bulkFailure: 'create', isBulkRequired: true, calls } as const;
    expect(() => simulate(options)).toThrow(expect.objectContaining({ code: 'ERR_MPI_NO_MEM' }));
  });
});

test('pieces of any number of ranks keep within 16 MiB, and slots do not overlap', () => {
  const source = { isRequired: false, create: () => undefined, open: () => undefined, unmap: () => undefined };
  for (const size of [2, 3, 4, 5, 7, 8, 9, 16, 63, MAX_BULK_RANKS]) {
    const bulk = new SharedBulk(size, source);
    expect(bulk.pieceBytes % 1024).toBe(0);
    expect(bulk.pieceBytes).toBe(pieceBytesFor(size));
    const starts = new Set<number>();
    for (let step = 0; step < 4; step++) {
      for (let from = 0; from < size; from++) {
        for (let owner = 0; owner < size; owner++) if (owner !== from) starts.add(bulk.slot(from, owner, step));
      }
    }
    const all = [...starts].sort((a, b) => a - b);
    expect(all.length).toBe(4 * size * (size - 1));
    expect(all[0]).toBeGreaterThanOrEqual(128 * size);
    for (let k = 1; k < all.length; k++) expect(all[k]! - all[k - 1]!).toBe(bulk.pieceBytes);
    expect(all.at(-1)! + bulk.pieceBytes).toBe(bulk.byteLength);
    expect(bulk.byteLength).toBeLessThanOrEqual((16 << 20) + 8192);
  }
});
