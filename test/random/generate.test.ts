/** The tester tested: programs are legal, varied and printable; the model's programs shrink to what fails. */

import { expect, test } from 'vitest';
import { generate } from './generate.ts';
import { illegality } from './legal.ts';
import { printProgram } from './print.ts';
import { type Action, COMPLETION_WAYS, NEIGHBOR_CALLS, OBJECT_CALLS, PLAIN_CALLS, type Program, REDUCTIONS } from './program.ts';
import { shrink } from './shrink.ts';

const programs = Array.from({ length: 1000 }, (_, seed) => generate(seed));

test('programs are legal, and the same for the same seed', () => {
  for (const program of programs) expect(illegality(program), `seed ${program.seed}`).toBe(undefined);
  expect(generate(77)).toEqual(programs[77]);
  expect(JSON.parse(JSON.stringify(programs[77]))).toEqual(programs[77]);
});

test('every kind of action, call, manner and size is there', () => {
  const seen = new Set<string>();
  for (const { size, actions } of programs) {
    seen.add(`${size} ranks`);
    for (const action of actions) {
      seen.add(action.do);
      if (action.do === 'collective') seen.add(action.call);
      if (action.do === 'receive' || action.do === 'complete') seen.add(action.way);
      if (action.do === 'make') seen.add(action.how);
      if (action.do === 'nothing') seen.add(action.call);
    }
  }
  const wanted = [
    ...[1, 2, 3, 4, 5, 6, 7, 8].map((size) => `${size} ranks`),
    ...['send', 'receive', 'shift', 'nothing', 'collective', 'make', 'free', 'complete'],
    ...[...PLAIN_CALLS, ...REDUCTIONS, ...OBJECT_CALLS, ...NEIGHBOR_CALLS, ...COMPLETION_WAYS],
    ...['recv', 'recvInit', 'probe', 'mprobe', 'tryProbe', 'tryMprobe'],
    ...['dup', 'split', 'create', 'splitShared', 'cartesian', 'cancel', 'sendNull', 'recvNull'],
  ];
  expect([...seen]).toEqual(expect.arrayContaining(wanted));
});

test('what would hang is not legal', () => {
  const program = programs.find(
    ({ actions, streams }) => streams.length > 0 && actions.some((action) => action.do === 'receive'),
  )!;
  const receive = program.actions.find((action) => action.do === 'receive')!;
  const isOther = (action: Action): boolean => action !== receive;
  expect(illegality({ ...program, actions: program.actions.filter(isOther) })).toMatch(/messages and \d+ receives|has not open/);
  const { to } = program.streams.find(({ number }) => number === receive.stream)!;
  const early: Action = { do: 'complete', at: to, ids: [receive.id], way: 'wait' };
  expect(illegality({ ...program, actions: [early, ...program.actions] })).toMatch('which it has not open');
});

test('a failing program shrinks to what makes it fail', async () => {
  const isBad = (action: Action): boolean => action.do === 'collective' && action.call === 'scan';
  const failing = programs.filter(({ actions }) => actions.some(isBad)).slice(0, 20);
  for (const program of failing) {
    const { program: shrunk } = await shrink(program, async (list) => firstWith(list, isBad), 60_000);
    expect(illegality(shrunk)).toBe(undefined);
    expect(shrunk.actions.filter(isBad)).toHaveLength(1);
    expect(shrunk.size, printProgram(shrunk)).toBe(1);
    expect(shrunk.actions.length, printProgram(shrunk)).toBeLessThanOrEqual(2);
  }
});

test('a message stays whole when a program shrinks', async () => {
  const isBad = (action: Action): boolean => action.do === 'receive' && action.source === undefined;
  const failing = programs.filter(({ actions }) => actions.some(isBad)).slice(0, 20);
  for (const program of failing) {
    const { program: shrunk } = await shrink(program, async (list) => firstWith(list, isBad), 60_000);
    expect(illegality(shrunk)).toBe(undefined);
    expect(shrunk.actions.map((action) => action.do).sort(), printProgram(shrunk)).toEqual(
      expect.arrayContaining(['receive', 'send']),
    );
    expect(shrunk.actions.length, printProgram(shrunk)).toBeLessThanOrEqual(4);
  }
});

test('programs are printed as code', () => {
  const text = printProgram(programs[3]!);
  expect(text).toMatch(/^rank 0 of \d:\n/);
  for (const program of programs) expect(printProgram(program)).not.toMatch(/undefined\[|NaN|\[object/);
});

function firstWith(list: readonly Program[], isBad: (action: Action) => boolean) {
  const index = list.findIndex(({ actions }) => actions.some(isBad));
  return index < 0 ? undefined : { index, message: 'bad' };
}
