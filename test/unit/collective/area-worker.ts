/**
 * One rank of area-threads.test.ts: runs a random program of collectives in a shared area against ranks on other threads.
 *
 * Every rank draws the same program from the same seed, and its own pauses from another. Up to three collectives are in
 * flight; what each gives is known, since every rank's contribution is.
 */

import { parentPort, workerData } from 'node:worker_threads';
import { Collectives } from '../../../src/collective/collectives.ts';
import type { OperationName } from '../../../src/collective/restrictions.ts';
import type { Area, Port, Schedule, Step } from '../../../src/collective/schedule.ts';
import { F64 } from '../../../src/datatype/element-type.ts';
import { ElementViews } from '../../../src/datatype/element-views.ts';
import { SUM } from '../../../src/datatype/operator.ts';
import { randomFrom } from './simulator.ts';

export interface WorkerSettings {
  readonly rank: number;
  readonly size: number;
  readonly seed: number;
  readonly turns: number;
  readonly slotBytes: number;
  readonly buffer: SharedArrayBuffer;
}

interface Flight {
  readonly schedule: Schedule;
  readonly verify: () => boolean;
  readonly name: string;
  word: number;
  value: number;
}

/** Many times what a slow machine takes. */
const DEADLINE_MS = 15_000;
const STEP: Step = { kind: 'step' };
const { rank, size, seed, turns, slotBytes, buffer } = workerData as WorkerSettings;
const views = new ElementViews(buffer);
const { byteLength } = buffer;
const area: Area = {
  views,
  byteOffset: 0,
  byteLength,
  slotBytes,
  bulk: undefined,
  wake: () => undefined,
  turn: 0,
  finished: 0,
  settled: 0,
};
const nobody = new Int32Array(new SharedArrayBuffer(4));
const draw = randomFrom(seed);
const pause = randomFrom(seed * 1000 + rank);
const KINDS = ['barrier', 'bcast', 'allreduce', 'reduce', 'gather', 'scatter', 'allgather', 'alltoall'] as const;

function main(): string {
  const forced: Partial<Record<OperationName, string>> = {};
  const settings = {
    size,
    slotBytes,
    hasBulk: false,
    hosts: 1,
    isContiguous: true,
    isDeterministic: false,
    forced: (operation: OperationName) => forced[operation],
  };
  const byCounter = new Collectives(settings);
  const byFlags = new Collectives({
    ...settings,
    forced: (operation) => (operation === 'barrier' || operation === 'allreduce' ? 'shared-flags' : undefined),
  });
  const deadline = performance.now() + DEADLINE_MS;
  let flights: Flight[] = [];
  for (let turn = 0; turn < turns; turn++) {
    flights.push(begin(draw() < 0.5 ? byCounter : byFlags, turn));
    const inFlight = turn === turns - 1 ? 0 : Math.floor(pause() * 4);
    while (flights.length > inFlight) {
      const open = flights.filter((flight) => !advance(flight));
      const failed = flights.find((flight) => !open.includes(flight) && !flight.verify());
      if (failed !== undefined) return `rank ${rank}: wrong result of ${failed.name}`;
      if (performance.now() > deadline) return `rank ${rank} waits: ${open.map(describe).join('; ')}`;
      // Others may need this core.
      if (open.length === flights.length) Atomics.wait(nobody, 0, 0, 0.02);
      flights = open;
    }
    if (pause() < 0.02) Atomics.wait(nobody, 0, 0, 0.2);
  }
  return area.finished === turns ? 'done' : `rank ${rank} finished ${area.finished} turns of ${turns}`;
}

function describe({ name, word, value }: Flight): string {
  return `${name} watches word ${word} for ${value}, it is ${Atomics.load(views.i32, word)}`;
}

/** Move a collective on as far as it goes; return whether it is over. */
function advance(flight: Flight): boolean {
  for (;;) {
    if (flight.word >= 0 && ((Atomics.load(views.i32, flight.word) - flight.value) | 0) < 0) return false;
    flight.word = -1;
    if (flight.schedule.next().done === true) return true;
  }
}

function begin(collectives: Collectives, turn: number): Flight {
  const kind = KINDS[Math.floor(draw() * KINDS.length)]!;
  const root = Math.floor(draw() * size);
  const count = Math.floor(draw() * 4) + 1;
  const flight = { name: `${kind} in turn ${turn}`, word: -1, value: 0 };
  const port: Port = {
    rank,
    size,
    area,
    hosts: undefined,
    check: Math.imul(turn + 1, 0x9e3779b1),
    mismatch: (other) => new Error(`rank ${rank} in turn ${turn} found another call of rank ${other}`),
    send: messages,
    recv: messages,
    exchange: messages,
    until(word, value) {
      Object.assign(made, { word, value });
      return STEP;
    },
  };
  const made: Flight = { ...flight, ...call(collectives, port, kind, root, count, turn) };
  advance(made);
  return made;
}

function messages(): never {
  throw new Error('a message was sent for data that fits a slot');
}

function call(collectives: Collectives, port: Port, kind: (typeof KINDS)[number], root: number, count: number, turn: number) {
  /** What rank `from` gives to rank `to`. */
  const value = (from: number, to = 0): number => turn * 100 + from * 10 + to;
  const filled = (blocks: number, from: number) =>
    Float64Array.from({ length: blocks * count }, (_, i) => value(from, Math.floor(i / count)));
  const holds = (array: Float64Array, expected: (block: number) => number): boolean =>
    array.every((element, i) => element === expected(Math.floor(i / count)));
  const sum = size * value(0) + (10 * size * (size - 1)) / 2;
  const data = filled(1, rank);
  const one = new Float64Array(count);
  const all = new Float64Array(count * size);
  const isRoot = rank === root;
  switch (kind) {
    case 'barrier':
      return { schedule: collectives.barrier(port), verify: () => true };
    case 'bcast':
      return { schedule: collectives.bcast(port, { data, root }), verify: () => holds(data, () => value(root)) };
    case 'allreduce':
      return {
        schedule: collectives.allreduce(port, { input: data, output: one, op: SUM, code: F64 }),
        verify: () => holds(one, () => sum),
      };
    case 'reduce':
      return {
        schedule: collectives.reduce(port, { input: data, output: isRoot ? one : undefined, op: SUM, code: F64, root }),
        verify: () => !isRoot || holds(one, () => sum),
      };
    case 'gather':
      return {
        schedule: collectives.gather(port, { data, into: isRoot ? all : undefined, count, root }),
        verify: () => !isRoot || holds(all, (block) => value(block)),
      };
    case 'scatter':
      return {
        schedule: collectives.scatter(port, { data: isRoot ? filled(size, rank) : undefined, into: one, count, root }),
        verify: () => holds(one, () => value(root, rank)),
      };
    case 'allgather':
      return {
        schedule: collectives.allgather(port, { data, into: all, count }),
        verify: () => holds(all, (block) => value(block)),
      };
    case 'alltoall':
      return {
        schedule: collectives.alltoall(port, { data: filled(size, rank), into: all, count }),
        verify: () => holds(all, (block) => value(block, rank)),
      };
  }
}

parentPort!.postMessage(main());
