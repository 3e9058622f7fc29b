/**
 * init: what it takes a rank from the first line of its program to a `world` that is ready, in microseconds: lowest,
 * highest and mean over the ranks. Imports tsmpi when the clock runs.
 */

import { availableParallelism, cpus } from 'node:os';
import { isMainThread } from 'node:worker_threads';
import { VERSION } from '../../src/base/version.ts';
import type { JobLine, RowLine } from '../records.ts';

const start = performance.now();
const { job, world } = await import('tsmpi');
const us = (performance.now() - start) * 1000;

const all = await world.gather(us, 0);
if (all !== undefined) {
  const sorted = all.slice().sort();
  const at = (q: number): number => sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)]!;
  const line: JobLine = {
    kind: 'job',
    program: 'init',
    ranks: world.size,
    library: `tsmpi ${VERSION}`,
    node: process.version,
    hosts: job.hosts.length,
    // A pinned process sees one core.
    cores: cpus().length,
    isOversubscribed: world.size > cpus().length * job.hosts.length,
    isPinned: availableParallelism() === 1,
    rankKind: isMainThread ? 'process' : 'thread',
    reference: 'fixed work',
  };
  const row: RowLine = {
    kind: 'row',
    program: 'init',
    size: 0,
    us: all.reduce((sum, value) => sum + value, 0) / all.length,
    tail: { min: sorted[0]!, p50: at(0.5), p90: at(0.9), p99: at(0.99), p999: at(0.999), max: sorted.at(-1)! },
    batch: 1,
    iterations: 1,
    repetitions: [],
    rejectedShare: 0,
    disturbed: [],
    isSettled: true,
    firstUs: us,
    firstHundredUs: us,
    ranks: { min: sorted[0]!, max: sorted.at(-1)! },
  };
  process.stdout.write(`${JSON.stringify(line)}\n${JSON.stringify(row)}\n`);
}
