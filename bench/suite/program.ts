/**
 * What every rank of a benchmark runs: reads its settings, times one size after the other, prints lines of JSON on rank 0.
 *
 *     tsmpirun -n 2 --bind-to core dist/bench-program.js '{"program":"latency", …}'
 */

import { availableParallelism, cpus } from 'node:os';
import { isMainThread } from 'node:worker_threads';
import { type Communicator, job, world } from 'tsmpi';
import { VERSION } from '../../src/base/version.ts';
import { loadAddon } from '../../src/native/loader.ts';
import { findProgram, isCollective, type ProgramEntry } from '../catalogue.ts';
import type { JobLine, Line, RowLine, Settings } from '../records.ts';
import { createCavity } from './cavity.ts';
import { createCollective } from './collective.ts';
import { createEffective } from './effective.ts';
import { GarbageWatch } from './garbage.ts';
import { createHalo } from './halo.ts';
import { createLoad } from './load.ts';
import { createMatching } from './matching.ts';
import { measure, type Operation, type Rig } from './measure.ts';
import { createNoise } from './noise.ts';
import { calibrate, measureOverlap } from './overlap.ts';
import { createPointToPoint, iterationsOf } from './point-to-point.ts';
import { createReference } from './reference.ts';

const settings = JSON.parse(process.argv[2] ?? '') as Settings;
const entry = findProgram(settings.program)!;
const affinity = loadAddon().addon?.getAffinity() ?? [];
const isThread = !isMainThread;
/** Ranks 0 and 1 are pinned to cores of their own, or there are cores enough for all. */
const places = world.allgather(affinity.length === 1 ? affinity[0]! : -1).wait();
const isPinned = places.every((core) => core >= 0) && (world.size < 2 || places[0] !== places[1]);
// A pinned process sees one core.
const cores = isPinned ? new Set(places).size : Math.max(availableParallelism(), affinity.length);
const isOversubscribed = world.size > cores * job.hosts.length;

const control = await world.dup();
const comm = await world.dup();
const reference = await createReference(control, !isOversubscribed);
const rig: Rig = { control, reference, garbage: new GarbageWatch(), isThread };

function print(line: Line): void {
  if (world.rank === 0) process.stdout.write(`${JSON.stringify(line)}\n`);
}

/** Time messages of a size. */
async function measureSize(size: number): Promise<void> {
  const { row, overlap } = isCollective(entry) ? await collective(size) : await other(size);
  if (row === undefined) return;
  const rates = entry.figure === 'bandwidth' ? ratesOf(entry, size, row.us) : {};
  print({ kind: 'row', program: entry.name, size, ...row, ...rates, ...(overlap === undefined ? {} : { overlap }) });
}

type Measured = Awaited<ReturnType<typeof measure>>;

/** What is no collective, and what makes its operation for a number of the first column. All ranks call that. */
const MAKERS: Readonly<Record<string, (comm: Communicator, settings: Settings, size: number) => Operation | Promise<Operation>>> =
  {
    match_posted: createMatching,
    match_unexpected: createMatching,
    latency_load: createLoad,
    b_eff: createEffective,
    halo_allreduce: createHalo,
    noise: createNoise,
    noise_alloc: createNoise,
    cavity: createCavity,
  };

async function other(size: number): Promise<{ row: Measured; overlap?: undefined }> {
  const operation = await (MAKERS[entry.name] ?? createPointToPoint)(comm, settings, size);
  const row = await measure(operation, settings, rig);
  const messageShare = operation.messageShare?.();
  await operation.close?.();
  return { row: row && { ...row, ...(messageShare === undefined ? {} : { messageShare }) } };
}

async function collective(size: number): Promise<{ row: Measured; overlap?: RowLine['overlap'] | undefined }> {
  const made = await createCollective(comm, entry, settings, size);
  let done = 0;
  const operation: Operation = {
    run: settings.isAwaited
      ? async (count) => {
          for (let k = 0; k < count; k++) await made.post(done++);
        }
      : (count) => {
          for (let k = 0; k < count; k++) made.post(done++).wait();
        },
    parts: 1,
    clock: 'mean',
    isTimed: true,
    isCollective: true,
    iterations: Math.max(10, Math.floor(iterationsOf(size * world.size) / Math.max(1, world.size / 2))),
  };
  const row = await measure(operation, settings, rig);
  made.verify();
  if (entry.figure !== 'overlap') return { row };
  const told = control.bcast(Float64Array.of(row?.us ?? 0, row?.iterations ?? 0), 0).wait();
  const overlap = await measureOverlap(control, made, settings, told[0]!, stepsPerUs!, told[1]!);
  return { row, overlap };
}

function ratesOf({ name }: ProgramEntry, size: number, us: number): Pick<RowLine, 'megabytesPerSecond' | 'messagesPerSecond'> {
  const atOnce = name === 'mbw_mr' ? world.size / 2 : name === 'b_eff' ? 2 * world.size : 1;
  return { megabytesPerSecond: (size * atOnce) / us, messagesPerSecond: (1e6 * atOnce) / us };
}

const stepsPerUs = entry.figure === 'overlap' ? calibrate() : undefined;
print({
  kind: 'job',
  program: entry.name,
  ranks: world.size,
  library: `tsmpi ${VERSION}`,
  node: process.version,
  hosts: job.hosts.length,
  cores: Math.max(cores, cpus().length),
  isOversubscribed,
  isPinned,
  rankKind: isThread ? 'thread' : 'process',
  reference: reference.name,
} satisfies JobLine);
for (const size of settings.sizes) await measureSize(size);
rig.garbage.close();
