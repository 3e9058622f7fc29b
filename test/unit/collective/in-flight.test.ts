import { describe, expect, test } from 'vitest';
import { Collectives } from '../../../src/collective/collectives.ts';
import type { PlanSettings } from '../../../src/collective/plan.ts';
import type { OperationName } from '../../../src/collective/restrictions.ts';
import type { Port, Schedule } from '../../../src/collective/schedule.ts';
import { F64, I32, type TypedArray } from '../../../src/datatype/element-type.ts';
import { MAX, SUM } from '../../../src/datatype/operator.ts';
import { SLOT_BYTES } from './check.ts';
import { contribution, MATRIX_PRODUCT, reduceAll } from './model.ts';
import { randomFrom, simulate } from './simulator.ts';

/** A collective of a random program: what a rank does, and what must hold when all are over. */
interface Call {
  begin(collectives: Collectives, port: Port): Schedule;
  verify(): void;
}

const KINDS = ['barrier', 'bcast', 'allreduce', 'ordered', 'reduce', 'gather', 'scatter', 'allgather', 'alltoall'] as const;

function randomCall(kind: (typeof KINDS)[number], size: number, salt: number, count: number, root: number): Call {
  const ranks = Array.from({ length: size }, (_, rank) => rank);
  const of = (length: number, code = F64) => ranks.map((rank) => contribution(code, rank + salt, length));
  const zeros = (length: number) => ranks.map(() => new Float64Array(length));
  switch (kind) {
    case 'barrier':
      return { begin: (collectives, port) => collectives.barrier(port), verify: () => undefined };
    case 'bcast': {
      const data = of(count);
      const expected = ranks.map(() => data[root]!.slice());
      return {
        begin: (collectives, port) => collectives.bcast(port, { data: data[port.rank]!, root }),
        verify: () => expect(data).toEqual(expected),
      };
    }
    case 'allreduce':
    case 'ordered': {
      const op = kind === 'ordered' ? MATRIX_PRODUCT : SUM;
      const code = kind === 'ordered' ? I32 : F64;
      const both = of(count & ~1, code);
      const expected = ranks.map(() => reduceAll(op, of(count & ~1, code)));
      return {
        begin: (collectives, port) =>
          collectives.allreduce(port, { input: both[port.rank]!, output: both[port.rank]!, op, code }),
        verify: () => expect(both).toEqual(expected),
      };
    }
    case 'reduce': {
      const inputs = of(count);
      const output = new Float64Array(count);
      const outputOn = (rank: number) => (rank === root ? output : undefined);
      return {
        begin: (collectives, port) =>
          collectives.reduce(port, { input: inputs[port.rank]!, output: outputOn(port.rank), op: MAX, code: F64, root }),
        verify: () => expect(output).toEqual(reduceAll(MAX, inputs)),
      };
    }
    case 'gather': {
      const blocks = of(count);
      const into = new Float64Array(count * size);
      return {
        begin: (collectives, port) =>
          collectives.gather(port, { data: blocks[port.rank], into: port.rank === root ? into : undefined, count, root }),
        verify: () => expect(ranks.map((rank) => part(into, rank, count))).toEqual(blocks),
      };
    }
    case 'scatter': {
      const data = contribution(F64, salt, count * size);
      const parts = zeros(count);
      return {
        begin: (collectives, port) =>
          collectives.scatter(port, { data: port.rank === root ? data : undefined, into: parts[port.rank], count, root }),
        verify: () => expect(parts).toEqual(ranks.map((rank) => part(data, rank, count))),
      };
    }
    case 'allgather': {
      const blocks = of(count);
      const into = zeros(count * size);
      return {
        begin: (collectives, port) => collectives.allgather(port, { data: blocks[port.rank], into: into[port.rank]!, count }),
        verify: () => expect(into.map((all) => ranks.map((rank) => part(all, rank, count)))).toEqual(ranks.map(() => blocks)),
      };
    }
    case 'alltoall': {
      const data = of(count * size);
      const into = zeros(count * size);
      const sent = ranks.map((rank) => data.map((from) => part(from, rank, count)));
      return {
        begin: (collectives, port) => collectives.alltoall(port, { data: data[port.rank], into: into[port.rank]!, count }),
        verify: () => expect(into.map((all) => ranks.map((rank) => part(all, rank, count)))).toEqual(sent),
      };
    }
  }
}

function part(array: TypedArray, rank: number, count: number): TypedArray {
  return array.subarray(rank * count, (rank + 1) * count);
}

function settingsOf(size: number, slotBytes: number, force: Partial<Record<OperationName, string>> = {}): PlanSettings {
  const hasBulk = slotBytes > 0;
  return {
    size,
    slotBytes,
    hasBulk,
    hosts: 1,
    isContiguous: true,
    isDeterministic: false,
    forced: (operation) => force[operation],
  };
}

describe.each([true, false])('random programs, in an area: %s', (inArea) => {
  test.each([1, 2, 3, 4, 5, 8, 13])('%i ranks issue many collectives before they wait', (size) => {
    let turns = 0;
    for (let seed = 0; seed < 60; seed++) {
      const random = randomFrom(seed * 31 + size);
      const draw = (limit: number) => Math.floor(random() * limit);
      const calls = Array.from({ length: 12 }, (_, index) =>
        randomCall(KINDS[draw(KINDS.length)]!, size, index, [0, 1, 2, 7, 62, 63, 80][draw(7)]!, draw(size)),
      );
      // Flags and counters after one another: turns of both kinds must keep each other's words.
      const force = { barrier: draw(2) === 0 ? 'shared-flags' : 'shared-counter' };
      const settings = settingsOf(size, inArea ? SLOT_BYTES : 0, inArea ? force : {});
      const collectives = Array.from({ length: size }, () => new Collectives(settings));
      const traffic = simulate({
        size,
        seed,
        isBlocking: draw(3) === 0,
        // Numbers of turns wrap in the middle of some programs.
        turn: draw(2) === 0 ? 0 : 0x7fffffff - draw(10),
        ...(inArea ? { slotBytes: SLOT_BYTES } : {}),
        calls: calls.map((call) => (port: Port) => call.begin(collectives[port.rank]!, port)),
      });
      turns += traffic.turns;
      for (const call of calls) call.verify();
    }
    expect(turns > 0).toBe(inArea);
  });
});

test('a schedule of two collectives uses the area for the first only', () => {
  const size = 4;
  const collectives = Array.from({ length: size }, () => new Collectives(settingsOf(size, SLOT_BYTES)));
  for (let seed = 0; seed < 100; seed++) {
    const data = Array.from({ length: size }, (_, rank) => [Float64Array.of(rank), Float64Array.of(10 * rank)] as const);
    const sums = Array.from({ length: size }, () => new Float64Array(1));
    function* twice(port: Port): Schedule {
      yield* collectives[port.rank]!.bcast(port, { data: data[port.rank]![0], root: 1 });
      yield* collectives[port.rank]!.bcast(port, { data: data[port.rank]![1], root: 2 });
    }
    const sum = (port: Port): Schedule => {
      const input = Float64Array.of(port.rank);
      return collectives[port.rank]!.allreduce(port, { input, output: sums[port.rank]!, op: SUM, code: F64 });
    };
    const { turns, messages } = simulate({ size, seed, slotBytes: SLOT_BYTES, calls: [twice, sum, twice, sum] });
    expect(turns).toBe(4);
    expect(messages).toBe(2 * (size - 1));
    expect(data.map(([first, second]) => [first[0], second[0]])).toEqual(data.map(() => [1, 20]));
    expect(sums.map((array) => array[0])).toEqual([6, 6, 6, 6]);
  }
});

test('after leave() nobody has a turn under way', () => {
  const size = 3;
  for (let seed = 0; seed < 100; seed++) {
    const collectives = new Collectives(settingsOf(size, SLOT_BYTES));
    const over = [0, 0, 0];
    function* counted(port: Port): Schedule {
      yield* collectives.barrier(port);
      over[port.rank]!++;
    }
    function* last(port: Port): Schedule {
      yield* collectives.leave(port);
      expect(over).toEqual([2, 2, 2]);
    }
    simulate({ size, seed, slotBytes: SLOT_BYTES, calls: [counted, counted, last] });
  }
});

test.each(['shared-flags', 'shared-counter'])(
  'turns of %s leave no word behind, which would look new after 2^31 turns',
  (barrier) => {
    const collectives = new Collectives(settingsOf(3, SLOT_BYTES, { barrier }));
    const calls = Array.from({ length: 8 }, () => (port: Port) => collectives.barrier(port));
    expect(simulate({ size: 3, slotBytes: SLOT_BYTES, turn: 5, calls }).age).toBeLessThanOrEqual(1);
  },
);
