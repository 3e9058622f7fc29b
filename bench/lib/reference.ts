/**
 * Bare references that run in the same job as what they are compared with: memory that two ranks map on their own, and
 * on it the addon's C loops: a cache-line ping-pong, a pipelined copy, and a single copy by process_vm_readv.
 */

import { constants } from 'node:fs';
import type { Communicator } from 'tsmpi';
import { loadAddon } from '../../src/native/loader.ts';

const BYTES = 1 << 20;

/** Memory shared by the ranks of a communicator, for references only. */
export class Reference {
  readonly #memory: ArrayBuffer;
  readonly #world: Communicator;
  readonly i32: Int32Array;
  readonly f64: Float64Array;

  private constructor(world: Communicator, memory: ArrayBuffer) {
    this.#world = world;
    this.#memory = memory;
    this.i32 = new Int32Array(memory);
    this.f64 = new Float64Array(memory);
  }

  /** Make it; undefined where there is none: without the addon, and on more hosts than one. */
  static create(world: Communicator): Reference | undefined {
    const { addon } = loadAddon();
    if (addon === undefined || world.splitShared().wait().size < world.size) return undefined;
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
    return new Reference(world, memory);
  }

  /** Nanoseconds per half round trip of two flags, between ranks 0 and 1. */
  pingPong(iterations: number): number {
    return loadAddon().addon!.referencePingPong(this.#memory, 0, this.#world.rank, iterations);
  }

  /** Nanoseconds per message of a copy through 8 slots of 32 KiB, rank 0 in, rank 1 out. */
  pipeline(data: Uint8Array, repetitions: number): number {
    const { rank } = this.#world;
    const ns = loadAddon().addon!.referencePipeline(this.#memory, 4096, rank, data, data.byteLength, 8, 32768, repetitions);
    return ns / repetitions;
  }

  /** Nanoseconds per message that rank 1 reads from rank 0's memory. Returns 0 on rank 0. */
  singleCopy(data: Uint8Array, repetitions: number): number {
    const { addon } = loadAddon();
    const place = Float64Array.of(process.pid, addon!.addressOf(data));
    this.#world.bcast(place, 0).wait();
    let ns = 0;
    if (this.#world.rank === 1) {
      const start = process.hrtime.bigint();
      for (let k = 0; k < repetitions; k++) {
        for (let done = 0; done < data.byteLength; ) {
          const read = addon!.readMemory(place[0]!, place[1]! + done, data, done, data.byteLength - done);
          if (read <= 0) throw new Error(`process_vm_readv failed: errno ${-read}`);
          done += read;
        }
      }
      ns = Number(process.hrtime.bigint() - start) / repetitions;
    }
    this.#world.barrier().wait();
    return ns;
  }
}
