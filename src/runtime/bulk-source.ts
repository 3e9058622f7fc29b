/**
 * ProcessBulkSource: memory for long data among ranks that are processes, found by /proc like the segment itself.
 *
 * The host is asked first what it can give, since a memory cgroup kills whoever goes beyond it. Nothing has a name, and no
 * descriptor stays open: the memory goes with its last mapping.
 */

import { constants } from 'node:fs';
import type { BulkSource, OfferedMemory } from '../collective/bulk.ts';
import type { Addon } from '../native/addon.ts';
import { roomForProcesses } from '../segment/backing.ts';

export class ProcessBulkSource implements BulkSource {
  readonly isRequired: boolean;
  readonly #addon: Addon;

  constructor(addon: Addon, isRequired: boolean) {
    this.#addon = addon;
    this.isRequired = isRequired;
  }

  create(byteLength: number): OfferedMemory | undefined {
    if (byteLength > roomForProcesses()) return undefined;
    const fd = this.#addon.createMemory('tsmpi-bulk', byteLength);
    if (fd < 0) return undefined;
    const withdraw = (): void => {
      this.#addon.close(fd);
    };
    const memory = this.#map(fd, byteLength);
    if (memory !== undefined) return { memory, place: [process.pid, fd], withdraw };
    withdraw();
    return undefined;
  }

  open(place: Int32Array, byteLength: number): ArrayBuffer | undefined {
    const fd = this.#addon.open(`/proc/${place[0]}/fd/${place[1]}`, constants.O_RDWR);
    if (fd < 0) return undefined;
    const memory = this.#map(fd, byteLength);
    this.#addon.close(fd);
    return memory;
  }

  unmap(memory: ArrayBuffer): void {
    this.#addon.unmap(memory);
  }

  #map(fd: number, byteLength: number): ArrayBuffer | undefined {
    try {
      return this.#addon.map(fd, byteLength);
    } catch {
      return undefined; // no room in this process's address space
    }
  }
}
