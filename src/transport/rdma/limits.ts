/**
 * Limits: what a port uses of its device. Bounds of our own come first, since some drivers report constants; what the device
 * says may lower them.
 *
 *     TSMPI_RDMA_BUFFERS        receives posted for each peer (16)
 *     TSMPI_RDMA_BUFFER_BYTES   bytes of each (4096); so 128 KiB are pinned for a peer, half for receives, half for sends
 *     TSMPI_RDMA_CACHE_BYTES    memory that stays registered for messages to come (64 MiB)
 *     TSMPI_RDMA_EVENTS=off     do as if the driver never told of completions
 *     TSMPI_RDMA_VERIFY=1       a CRC-32C for each message, where the first thousand of each pair have one anyhow
 */

import { MpiError } from '../../base/errors.ts';
import type { RdmaDevice } from '../../native/rdma.ts';
import { ANNOUNCE_BYTES, HEAD_BYTES } from './wire.ts';

const RECEIVES = 16;
const BUFFER_BYTES = 4096;
const CACHE_BYTES = 64 << 20;
/** One work request moves so much at most, one region holds so much. */
const WORK_BYTES = 1 << 20;
const REGION_BYTES = 4 << 20;
const REGIONS = 1024;
/** Work requests of READ and WRITE that a connection has at a time, at most. */
const ONE_SIDED = 8;
const QUEUE_CAPACITY = 1024;
const MOST_BUFFER_BYTES = 65536;

export interface Limits {
  readonly receiveCount: number;
  readonly bufferBytes: number;
  /** Sends that may be on their way, each with a buffer. */
  readonly sendCount: number;
  /** READs and WRITEs besides. */
  readonly oneSidedCount: number;
  /** READs that are answered at a time, and that are asked for at a time. */
  readonly readsIn: number;
  readonly readsOut: number;
  readonly queueCapacity: number;
  readonly workBytes: number;
  readonly regionBytes: number;
  readonly regionCount: number;
  readonly cacheBytes: number;
  readonly hasEvents: boolean;
  readonly verifies: boolean;
}

/** Completions that a port's queues have room for: what is asked for when it is opened, before the device is known. */
export function queueCapacityOf(device: RdmaDevice): number {
  return Math.min(QUEUE_CAPACITY, device.maxCompletions || QUEUE_CAPACITY);
}

/** Return what to use of a device. Throws an MpiError for a variable that says nothing sensible. */
export function limitsOf(device: RdmaDevice, environment: NodeJS.ProcessEnv): Limits {
  const least = HEAD_BYTES + ANNOUNCE_BYTES;
  const bufferBytes = readCount(environment, 'TSMPI_RDMA_BUFFER_BYTES', BUFFER_BYTES, 256, MOST_BUFFER_BYTES);
  const wanted = readCount(environment, 'TSMPI_RDMA_BUFFERS', RECEIVES, 3, 4096);
  const works = device.maxWorkRequests || RECEIVES;
  const queueCapacity = queueCapacityOf(device);
  // All work requests of one connection must fit into a queue.
  const receiveCount = Math.max(3, Math.min(wanted, works, queueCapacity >> 1));
  const sends = Math.min(wanted + ONE_SIDED, works, queueCapacity - receiveCount);
  const oneSidedCount = Math.max(1, Math.min(ONE_SIDED, sends >> 1));
  return {
    receiveCount,
    bufferBytes: Math.max(least, Math.min(bufferBytes, device.maxMessage || bufferBytes)) & ~15,
    sendCount: sends - oneSidedCount,
    oneSidedCount,
    readsIn: Math.min(ONE_SIDED, device.maxReadsIn || 1),
    readsOut: Math.min(ONE_SIDED, device.maxReadsOut || 1),
    queueCapacity,
    workBytes: Math.min(WORK_BYTES, device.maxMessage || WORK_BYTES),
    regionBytes: Math.min(REGION_BYTES, device.maxRegionBytes || REGION_BYTES),
    regionCount: Math.min(REGIONS, device.maxRegions || REGIONS),
    cacheBytes: readCount(environment, 'TSMPI_RDMA_CACHE_BYTES', CACHE_BYTES, 0, Number.MAX_SAFE_INTEGER),
    hasEvents: environment.TSMPI_RDMA_EVENTS !== 'off',
    verifies: environment.TSMPI_RDMA_VERIFY === '1',
  };
}

function readCount(environment: NodeJS.ProcessEnv, name: string, usual: number, least: number, most: number): number {
  const text = environment[name];
  if (text === undefined || text === '') return usual;
  const count = /^\d+$/.test(text) ? Number(text) : -1;
  if (count >= least && count <= most) return count;
  throw new MpiError('ERR_MPI_ARG', `${name} is ${JSON.stringify(text)}: expected a number from ${least} to ${most}`);
}
