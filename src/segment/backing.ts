/**
 * The memory behind a segment: a memfd for ranks that are processes, a SharedArrayBuffer for ranks that are threads; and the
 * doorbells of processes, which whoever makes the memory keeps.
 *
 * Before anything is reserved the host is asked what it can give, since a memory cgroup kills whoever goes beyond it
 * instead of failing the call, and a SharedArrayBuffer is only reserved when it is touched. The usual shape is tried
 * first, then smaller ones; when none fits, the error names the size wanted and the size there.
 */

import { readFileSync } from 'node:fs';
import { MpiError } from '../base/errors.ts';
import type { Addon } from '../native/addon.ts';
import { CONTROL, layOut, type SegmentShape, shapesFor } from './layout.ts';
import { Segment } from './segment.ts';

/** Left to everybody else on the host: a segment that takes the last page would only move the death elsewhere. */
const RESERVE_BYTES = 16 << 20;

/** Longest segment: offsets are shifted as 32-bit integers (`>> 2`) all over the data path. */
const MAX_SEGMENT_BYTES = 2 ** 31;

/** Where to read what the host can give; a test reads files of its own. */
export interface MemoryFiles {
  readonly meminfo: string;
  readonly cgroup: string;
  /** Mount point of the cgroup hierarchies. */
  readonly cgroupRoot: string;
}

const HOST_FILES: MemoryFiles = { meminfo: '/proc/meminfo', cgroup: '/proc/self/cgroup', cgroupRoot: '/sys/fs/cgroup' };

/** A segment's memory in a descriptor of this process. */
export interface ProcessMemory {
  readonly fd: number;
  readonly segment: Segment;
}

/** Throw the error of createThreadMemory() now, where the segment is made later or elsewhere. */
export function requireThreadMemory(localSize: number, descriptionByteLength: number, peerCount: number): void {
  fittingShapes(shapesFor(localSize, descriptionByteLength, peerCount), roomForThreads());
}

/** Make a memfd with room for the segment, every page reserved, and initialize it; peerCount as in SegmentShape. */
export function createProcessMemory(addon: Addon, localSize: number, description: Uint8Array, peerCount = 0): ProcessMemory {
  const shapes = shapesFor(localSize, description.byteLength, peerCount);
  return createFitting(shapes, roomForProcesses(), (shape, byteLength) => {
    const fd = addon.createMemory('tsmpi', byteLength);
    if (fd < 0) return undefined;
    try {
      return { fd, segment: Segment.create(addon.map(fd, byteLength), shape, description) };
    } catch {
      addon.close(fd); // no room in this process's address space
      return undefined;
    }
  });
}

/** Make a pipe. Throws an MpiError where the limit of open files is reached. */
export function makePipe(addon: Addon, nonBlocking: boolean): [read: number, write: number] {
  const ends = addon.pipe(nonBlocking);
  if (typeof ends !== 'number') return ends;
  throw new MpiError('ERR_MPI_OTHER', `could not make a pipe: errno ${-ends} (the limit of open files may be too low)`);
}

/** Make a doorbell for each rank of the segment, which this process keeps; return their write ends. */
export function hangBells(addon: Addon, segment: Segment): number[] {
  return Array.from({ length: segment.layout.localSize }, (_, local) => {
    const [read, write] = makePipe(addon, true);
    segment.i32[segment.control(local, CONTROL.bell)] = read;
    return write;
  });
}

/** Make a SharedArrayBuffer with room for the segment and initialize it. */
export function createThreadMemory(localSize: number, description: Uint8Array, peerCount = 0): Segment {
  const shapes = shapesFor(localSize, description.byteLength, peerCount);
  return createFitting(shapes, roomForThreads(), (shape, byteLength) => {
    try {
      return Segment.create(new SharedArrayBuffer(byteLength), shape, description);
    } catch (error) {
      if (error instanceof RangeError) return undefined;
      throw error;
    }
  });
}

/** Return the bytes that this process can still take: the least of the host's and of every cgroup's above it. */
export function availableMemory(files: MemoryFiles = HOST_FILES): number {
  return Math.min(hostAvailable(files), cgroup2Available(files), cgroup1Available(files));
}

/** Return the bytes that a segment of ranks as threads may take. */
function roomForThreads(): number {
  return Math.max(availableMemory() - RESERVE_BYTES, 0);
}

/** Return the bytes that a segment of ranks as processes may take: a memfd is a file to the limits of this process. */
export function roomForProcesses(): number {
  const fileSize = /^Max file size +(\d+)/m.exec(read('/proc/self/limits'))?.[1];
  return Math.min(roomForThreads(), fileSize === undefined ? Infinity : Number(fileSize));
}

function createFitting<T>(
  shapes: readonly SegmentShape[],
  room: number,
  make: (shape: SegmentShape, byteLength: number) => T | undefined,
): T {
  for (const shape of fittingShapes(shapes, room)) {
    const memory = make(shape, layOut(shape).byteLength);
    if (memory !== undefined) return memory;
  }
  throw noMemory(shapes, room);
}

/** Return those of the shapes that there is room for; throw if there is none. */
function fittingShapes(shapes: readonly SegmentShape[], room: number): SegmentShape[] {
  const fits = (shape: SegmentShape): boolean => {
    const { byteLength } = layOut(shape);
    return byteLength <= MAX_SEGMENT_BYTES && byteLength <= room;
  };
  const fitting = shapes.filter(fits);
  if (fitting.length === 0) throw noMemory(shapes, room);
  return fitting;
}

function noMemory(shapes: readonly SegmentShape[], room: number): MpiError {
  const wanted = layOut(shapes[0]!).byteLength;
  const least = layOut(shapes.at(-1)!).byteLength;
  const there = Math.min(room, MAX_SEGMENT_BYTES);
  return new MpiError(
    'ERR_MPI_NO_MEM',
    `no memory for the segment of ${shapes[0]!.localSize} ranks: ${mebibytes(wanted)} wanted, ${mebibytes(least)} at the least, ` +
      `${mebibytes(there)} there`,
  );
}

function mebibytes(byteLength: number): string {
  return `${(byteLength / (1 << 20)).toFixed(1)} MiB`;
}

function hostAvailable(files: MemoryFiles): number {
  const found = /^MemAvailable:\s+(\d+) kB/m.exec(read(files.meminfo));
  return found === null ? Infinity : Number(found[1]) * 1024;
}

function cgroup2Available(files: MemoryFiles): number {
  const path = /^0::(.*)$/m.exec(read(files.cgroup))?.[1];
  if (path === undefined) return Infinity;
  return leastOfTree(files.cgroupRoot, path, (folder) => {
    const limit = number(`${folder}/memory.max`);
    const cached = Number(/^inactive_file (\d+)$/m.exec(read(`${folder}/memory.stat`))?.[1] ?? 0);
    return limit - number(`${folder}/memory.current`, 0) + cached;
  });
}

function cgroup1Available(files: MemoryFiles): number {
  const path = /^\d+:(?:[^:]*,)?memory(?:,[^:]*)?:(.*)$/m.exec(read(files.cgroup))?.[1];
  if (path === undefined) return Infinity;
  return leastOfTree(`${files.cgroupRoot}/memory`, path, (folder) => {
    const limit = number(`${folder}/memory.limit_in_bytes`);
    const cached = Number(/^total_inactive_file (\d+)$/m.exec(read(`${folder}/memory.stat`))?.[1] ?? 0);
    return limit - number(`${folder}/memory.usage_in_bytes`, 0) + cached;
  });
}

/** Ask a cgroup and all above it; a container may see only its own as the root, which is asked in any case. */
function leastOfTree(root: string, path: string, available: (folder: string) => number): number {
  let least = available(root);
  for (let at = path.replace(/\/+$/, ''); at !== ''; at = at.slice(0, at.lastIndexOf('/'))) {
    least = Math.min(least, available(root + at));
  }
  return least;
}

function number(path: string, missing: number = Infinity): number {
  const text = read(path).trim();
  return text === '' || text === 'max' ? missing : Number(text);
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
