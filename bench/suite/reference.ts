/**
 * Bare references that run in the same job as what is measured, so that a disturbed machine is told from a slow program.
 *
 * The idea: where ranks 0 and 1 have a core each, a ping-pong of two cache lines between them, in C on memory of its own
 * (without the addon in JavaScript on a SharedArrayBuffer); otherwise, since a ping-pong that spins would wait out slices
 * of the scheduler or has no memory to run on, a fixed piece of arithmetic on rank 0.
 */

import { constants } from 'node:fs';
import { BroadcastChannel, isMainThread } from 'node:worker_threads';
import type { Communicator } from 'tsmpi';
import { loadAddon } from '../../src/native/loader.ts';
import { median } from '../lib/statistics.ts';
import type { JobLine } from '../records.ts';

const BYTES = 4096;
/** Turns of one ping-pong; the median of several is taken, since one may lose its core. */
const TURNS = 1000;
const SAMPLES = 5;
const STEPS = 20_000;
/** Int32s between the flags of the two sides: two cache lines. */
const FLAG_DISTANCE = 32;

/** A reference. `measure` is called by all ranks and returns a time in microseconds on rank 0, 0 elsewhere. */
export interface Reference {
  readonly name: JobLine['reference'];
  measure(): number;
}

/** Make it. Every rank calls this. `hasCores`: ranks 0 and 1 have a core each. */
export async function createReference(world: Communicator, hasCores: boolean): Promise<Reference> {
  const isOneHost = (await world.splitShared()).size === world.size;
  if (world.size < 2 || !isOneHost || !hasCores) return fixedWork(world);
  const { addon } = loadAddon();
  const withAddon = world.allreduce(addon === undefined ? 0 : 1, (await import('tsmpi')).MIN).wait() === 1;
  if (withAddon) return pingPongInC(world);
  return isMainThread ? fixedWork(world) : pingPongOfThreads(world);
}

function pingPongInC(world: Communicator): Reference {
  const addon = loadAddon().addon!;
  const place = new Float64Array(2);
  let fd = -1;
  if (world.rank === 0) {
    fd = addon.createMemory('tsmpi-bench', BYTES);
    place.set([process.pid, fd]);
  }
  world.bcast(place, 0).wait();
  const own = addon.open(`/proc/${place[0]}/fd/${place[1]}`, constants.O_RDWR);
  if (own < 0) throw new Error(`the reference memory cannot be opened: errno ${-own}`);
  const memory = addon.map(own, BYTES);
  addon.close(own);
  world.barrier().wait();
  if (fd >= 0) addon.close(fd);
  return sampled(world, 'C ping-pong', (side) => addon.referencePingPong(memory, 0, side, TURNS) / 1000);
}

/** Threads without the addon: rank 0 hands out its memory by a channel of the process. */
async function pingPongOfThreads(world: Communicator): Promise<Reference> {
  const flags = new Int32Array(await shareMemory(world));
  return sampled(world, 'SharedArrayBuffer ping-pong', (side) => {
    const [mine, other] = [side * FLAG_DISTANCE, (1 - side) * FLAG_DISTANCE];
    const base = Atomics.load(flags, mine);
    const start = performance.now();
    for (let turn = 1; turn <= TURNS; turn++) {
      const number = (base + turn) | 0;
      if (side === 0) Atomics.store(flags, mine, number);
      while (Atomics.load(flags, other) !== number);
      if (side === 1) Atomics.store(flags, mine, number);
    }
    return ((performance.now() - start) * 1000) / (2 * TURNS);
  });
}

async function shareMemory(world: Communicator): Promise<SharedArrayBuffer> {
  const channel = new BroadcastChannel('tsmpi-bench');
  try {
    if (world.rank === 0) {
      const memory = new SharedArrayBuffer(BYTES);
      await world.barrier();
      channel.postMessage(memory);
      await world.barrier();
      return memory;
    }
    const received = new Promise<SharedArrayBuffer>((resolve) => {
      channel.onmessage = (event) => resolve((event as { data: SharedArrayBuffer }).data);
    });
    await world.barrier();
    const memory = await received;
    await world.barrier();
    return memory;
  } finally {
    channel.close();
  }
}

/** A ping-pong between ranks 0 and 1, several times. Other ranks have no part in it. */
function sampled(world: Communicator, name: JobLine['reference'], pingPong: (side: number) => number): Reference {
  return {
    name,
    measure: () => {
      if (world.rank > 1) return 0;
      const us = median(Array.from({ length: SAMPLES }, () => pingPong(world.rank)));
      return world.rank === 0 ? us : 0;
    },
  };
}

function fixedWork(world: Communicator): Reference {
  return {
    name: 'fixed work',
    measure: () => (world.rank === 0 ? median(Array.from({ length: SAMPLES }, work)) : 0),
  };
}

/** Microseconds of a chain of multiplications. */
function work(): number {
  const start = performance.now();
  let value = 1;
  for (let k = 0; k < STEPS; k++) value = Math.imul(value, 1664525) + 1013904223;
  const us = (performance.now() - start) * 1000;
  return value === 0.5 ? Number.NaN : us;
}
