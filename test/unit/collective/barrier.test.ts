import { describe, expect, test } from 'vitest';
import type { BarrierArguments } from '../../../src/collective/arguments.ts';
import type { Port, Schedule } from '../../../src/collective/schedule.ts';
import { algorithmOf, algorithmsOf, hostsOf, isShared, isTwoLevel, runOnce, SIZES, SLOT_BYTES } from './check.ts';
import { simulate } from './simulator.ts';

describe.each(algorithmsOf('barrier'))('barrier %s', (name) => {
  test.each(SIZES)('nobody of %i ranks leaves before all have come', (size) => {
    const algorithm = algorithmOf<BarrierArguments>('barrier', name);
    for (let seed = 0; seed < 20; seed++) {
      const entered = [0, 0, 0];
      function* guarded(port: Port, call: number): Schedule {
        entered[call]!++;
        yield* algorithm(port, undefined);
        expect(entered[call]).toBe(size);
      }
      const slot = {
        ...(isShared(name) ? { slotBytes: SLOT_BYTES } : {}),
        ...(isTwoLevel(name) ? { hosts: hostsOf(size, seed % 2 === 0) } : {}),
      };
      simulate({ size, seed, ...slot, isBlocking: true, calls: [0, 1, 2].map((call) => (port: Port) => guarded(port, call)) });
    }
    runOnce<BarrierArguments>('barrier', name, size, 0, () => undefined, size);
  });
});
