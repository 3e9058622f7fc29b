import { describe, expect, test } from 'vitest';
import { CATALOGUE, listCatalogue } from '../../../src/collective/catalogue.ts';
import { Plan, type PlanSettings } from '../../../src/collective/plan.ts';
import { isReproducible, type OperationName, refusal, type Situation } from '../../../src/collective/restrictions.ts';
import { forceVariable, RULES, readForced, select } from '../../../src/collective/selection.ts';
import { SLOT_BYTES } from './check.ts';

const OPERATIONS = Object.keys(CATALOGUE) as OperationName[];
const BYTES = [
  0,
  1,
  8,
  63,
  64,
  256,
  257,
  496,
  505,
  4096,
  4097,
  8192,
  8193,
  32768,
  32769,
  1 << 19,
  (1 << 19) + 1,
  1 << 20,
  (1 << 20) + 1,
  1 << 26,
  2 ** 32 + 1,
];
const KINDS = [
  { isCommutative: true, isBuiltIn: true },
  { isCommutative: true, isBuiltIn: false },
  { isCommutative: false, isBuiltIn: false },
];

/** Areas are for the ranks of one host. */
const PLACES = [
  { slotBytes: 0, hasBulk: false, hosts: 1, isContiguous: true },
  { slotBytes: SLOT_BYTES, hasBulk: false, hosts: 1, isContiguous: true },
  { slotBytes: SLOT_BYTES, hasBulk: true, hosts: 1, isContiguous: true },
  { slotBytes: 0, hasBulk: false, hosts: 2, isContiguous: true },
  { slotBytes: 0, hasBulk: false, hosts: 3, isContiguous: false },
];

function situations(): Situation[] {
  const all: Situation[] = [];
  for (const size of [1, 2, 3, 4, 5, 8, 16, 33, 64, 65, 300]) {
    for (const bytes of BYTES) {
      for (const kind of KINDS) {
        for (const isDeterministic of [false, true]) {
          for (const place of PLACES) {
            if (place.hosts <= size) all.push({ size, bytes, ...kind, ...place, isDeterministic });
          }
        }
      }
    }
  }
  return all;
}

describe.each(OPERATIONS)('selection for %s', (operation) => {
  test('takes in every situation an algorithm that can run, and with --deterministic one of fixed order', () => {
    for (const situation of situations()) {
      const { algorithm } = select(operation, situation);
      expect(refusal(operation, algorithm, situation)).toBeUndefined();
      if (situation.isDeterministic) expect(isReproducible(operation, algorithm, situation.size)).toBe(true);
    }
  });

  test('takes every rule of the table in some situation', () => {
    const taken = new Set(situations().map((situation) => select(operation, situation).why));
    expect([...taken].sort()).toEqual([...new Set(RULES[operation].map(({ why }) => why))].sort());
  });

  test('is the same through a plan, whatever the bytes', () => {
    for (const situation of situations()) {
      const settings: PlanSettings = { ...situation, forced: () => undefined };
      const plan = new Plan<never>(operation, CATALOGUE[operation] as never, settings);
      const kind = KINDS.findIndex(
        ({ isCommutative, isBuiltIn }) => isCommutative === situation.isCommutative && isBuiltIn === situation.isBuiltIn,
      );
      const algorithms = CATALOGUE[operation] as Record<string, unknown>;
      expect(plan.choose(situation.bytes, kind)).toBe(algorithms[select(operation, situation).algorithm]);
    }
  });

  test('takes every algorithm by force where it can run, and says why where it cannot', () => {
    for (const algorithm of Object.keys(CATALOGUE[operation])) {
      let ran = 0;
      for (const situation of situations()) {
        const reason = refusal(operation, algorithm, situation);
        if (reason === undefined) {
          expect(select(operation, situation, algorithm).algorithm).toBe(algorithm);
          ran++;
        } else {
          const message = `${forceVariable(operation)}=${algorithm} cannot run: ${reason}`;
          expect(() => select(operation, situation, algorithm)).toThrow(
            expect.objectContaining({ code: 'ERR_MPI_ARG', message }),
          );
        }
      }
      expect(ran, algorithm).toBeGreaterThan(0);
    }
  });
});

const SITUATION: Situation = {
  size: 4,
  bytes: 1024,
  isCommutative: false,
  isBuiltIn: false,
  slotBytes: 0,
  hasBulk: false,
  hosts: 1,
  isContiguous: true,
  isDeterministic: false,
};

test.each([
  [
    'ring',
    {},
    'TSMPI_COLLECTIVE_ALLREDUCE=ring cannot run: the operator is not built in, and the algorithm divides or shares its arrays',
  ],
  [
    'shared-counter',
    {},
    'TSMPI_COLLECTIVE_ALLREDUCE=shared-counter cannot run: the ranks have no shared area: they are not all on one host, or none was left',
  ],
  [
    'shared-counter',
    { slotBytes: 512 },
    'TSMPI_COLLECTIVE_ALLREDUCE=shared-counter cannot run: 1024 bytes do not fit the 496 bytes of a slot of the shared area',
  ],
  [
    'shared-pieces',
    { slotBytes: 512 },
    'TSMPI_COLLECTIVE_ALLREDUCE=shared-pieces cannot run: the ranks share no memory for long data: they are not up to 64 processes of one host with the native addon, or no shared area was left',
  ],
  [
    'shared-pieces',
    { slotBytes: 512, hasBulk: true },
    'TSMPI_COLLECTIVE_ALLREDUCE=shared-pieces cannot run: the operator is not built in, and the algorithm divides or shares its arrays',
  ],
  ['two-level', {}, 'TSMPI_COLLECTIVE_ALLREDUCE=two-level cannot run: all ranks are on one host'],
  ['two-level', { hosts: 4 }, 'TSMPI_COLLECTIVE_ALLREDUCE=two-level cannot run: every rank is on a host of its own'],
  [
    'two-level',
    { hosts: 2, isContiguous: false },
    'TSMPI_COLLECTIVE_ALLREDUCE=two-level cannot run: the operator is not commutative, and the ranks of a host do not follow one another',
  ],
  [
    'tree',
    {},
    'TSMPI_COLLECTIVE_ALLREDUCE=tree names no algorithm: recursive-doubling, reduce-bcast, rabenseifner, ring, two-level, shared-counter, shared-flags, shared-pieces were expected',
  ],
])('forcing %s with %o is refused in words', (algorithm, change, message) => {
  expect(() => select('allreduce', { ...SITUATION, ...change }, algorithm)).toThrow(
    expect.objectContaining({ code: 'ERR_MPI_ARG', message }),
  );
});

test('a power of two is asked for where it is needed', () => {
  const reason = '6 ranks are no power of two';
  expect(refusal('allgather', 'recursive-doubling', { ...SITUATION, size: 6 })).toBe(reason);
});

test('a forced algorithm that cannot run fails the calls that would need it, and only those', () => {
  const settings: PlanSettings = { ...SITUATION, slotBytes: SLOT_BYTES, forced: () => 'shared-counter' };
  const plan = new Plan<undefined>('bcast', CATALOGUE.bcast as never, settings);
  expect(plan.choose(496, 0)).toBe(CATALOGUE.bcast['shared-counter']);
  expect(() => plan.choose(505, 0)({} as never, undefined)).toThrow('cannot run');
});

test('force is read from the environment', () => {
  const forced = readForced({ TSMPI_COLLECTIVE_ALLREDUCE: 'ring', TSMPI_COLLECTIVE_BCAST: '', HOME: '/' });
  expect([...forced]).toEqual([['allreduce', 'ring']]);
  expect(() => readForced({ TSMPI_COLLECTIVE_ALREDUCE: 'ring' })).toThrow(
    /^TSMPI_COLLECTIVE_ALREDUCE names no collective: TSMPI_COLLECTIVE_BARRIER, /,
  );
  expect(() => readForced({ TSMPI_COLLECTIVE_BCAST: 'ring' })).toThrow(
    'TSMPI_COLLECTIVE_BCAST=ring names no algorithm: binomial, scatter-allgather, pipelined-chain, two-level, shared-counter were expected',
  );
});

test('the listing has every algorithm once, and says when it is taken', () => {
  const lines = listCatalogue();
  const names = OPERATIONS.flatMap((operation) =>
    Object.keys(CATALOGUE[operation]).map((algorithm) => `${operation} ${algorithm}`),
  );
  expect(lines.map(({ operation, algorithm }) => `${operation} ${algorithm}`)).toEqual(names);
  const find = (operation: string, algorithm: string) =>
    lines.find((line) => line.operation === operation && line.algorithm === algorithm)!;
  expect(find('allreduce', 'recursive-doubling').when).toEqual([
    { order: 4, why: 'n <= 8192: short data: fewest rounds' },
    { order: 9, why: 'ranks must be combined in order, on whole arrays' },
  ]);
  expect(find('reduce', 'linear').when).toEqual([]);
});
