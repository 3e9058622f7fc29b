/**
 * The method: how an operation is timed, the same for every program of the suite.
 *
 * First one operation and the first hundred, apart. Then blocks until three agree within 3 %. Then repetitions, each
 * between two runs of the bare reference; those that the machine disturbed are done again, up to three times as many in all.
 * An operation under 2 µs is timed in batches of about 20 µs, since a clock costs as much as a tenth of it. Ranks of a
 * collective come together before each sample. Rank 0 decides how often and for how long; the others are told.
 */

import { type Communicator, MAX, SUM } from 'tsmpi';
import { mean } from '../lib/statistics.ts';
import type { Repetition, RowLine, Settings } from '../records.ts';
import type { GarbageWatch } from './garbage.ts';
import { figureOf, isSettled, judge, judgeRepetition, othersCores, tailOf } from './judge.ts';
import { type MachineState, readAnonHugePages, readMachine } from './machine.ts';
import type { Reference } from './reference.ts';

/** Shorter operations are timed in batches, of about that many microseconds. */
const SHORT_US = 2;
const BATCH_US = 20;
/** What a repetition takes at most when nobody said how many operations it has. */
const REPETITION_US = 100_000;
const BLOCK_US = 10_000;
const TRIES = 3;

/** What is timed. */
export interface Operation {
  /** Do it that many times; a rank without a part in it returns at once. */
  run(count: number): void | Promise<void>;
  /** What its time is divided by: two halves of a round trip, the messages of a window. */
  readonly parts: number;
  /** Whose times count: rank 0's; the mean of all that take part; the slowest of them. */
  readonly clock: 'rank 0' | 'mean' | 'slowest';
  /** This rank's time counts. */
  readonly isTimed: boolean;
  /** Ranks come together before each sample. */
  readonly isCollective: boolean;
  /** How many of them a repetition has, unless -i or the time says otherwise. */
  readonly iterations: number;
  /** What a repetition may take, in microseconds, unless -i says otherwise; absent: 0.1 s. */
  readonly longestUs?: number;
  /** Take that many samples in a way of its own, each in microseconds; on rank 0 they count. Absent: each is a run. */
  sample?(count: number): Promise<Float64Array<ArrayBuffer>>;
  /** Make a repetition's figure of its samples; absent: their mean. */
  figure?(samples: Float64Array): number;
  /** A disturbed machine is what it looks for: no repetition is rejected. */
  readonly keepsAll?: boolean;
  /** Return the part of its time that the mean rank spent in messages so far; on rank 0 it counts. All ranks call this. */
  messageShare?(): number | undefined;
  /** Free what it holds, when all is timed. All ranks call this. */
  close?(): Promise<void>;
}

/** What measurements share in a job. */
export interface Rig {
  /** Ranks come together and agree here; nothing that is timed uses it. */
  readonly control: Communicator;
  readonly reference: Reference;
  readonly garbage: GarbageWatch;
  /** Several ranks are one process: its CPU time is counted once. */
  readonly isThread: boolean;
}

type Measured = Omit<RowLine, 'kind' | 'program' | 'size' | 'megabytesPerSecond' | 'messagesPerSecond' | 'overlap'>;

/** Time the operation. All ranks call this; rank 0 gets the figures. */
export async function measure(operation: Operation, settings: Settings, rig: Rig): Promise<Measured | undefined> {
  const { control, garbage } = rig;
  const isFirst = control.rank === 0;
  const decide = (value: number): number => control.bcast(Float64Array.of(value), 0).wait()[0]!;
  /** Microseconds of one operation's part, over that many. */
  const timed = async (count: number): Promise<number> => {
    const start = performance.now();
    const pending = operation.run(count);
    if (pending !== undefined) await pending;
    return ((performance.now() - start) * 1000) / (count * operation.parts);
  };
  const block = async (count: number): Promise<number> => {
    control.barrier().wait();
    return decide(await timed(count));
  };

  await garbage.begin();
  const [machineBefore, cpuBefore] = [readMachine(), process.cpuUsage()];
  const first = await block(1);
  const hundred = Math.max(
    1,
    Math.min(99, settings.iterations ?? operation.iterations, Math.floor(REPETITION_US / (first * operation.parts))),
  );
  const firstHundred = (first + (await block(hundred)) * hundred) / (hundred + 1);

  let estimate = firstHundred * operation.parts;
  let settled = false;
  if (settings.warmup !== undefined) {
    if (settings.warmup > 0) estimate = (await block(settings.warmup)) * operation.parts;
    settled = true;
  } else {
    const blocks: number[] = [];
    const end = performance.now() + settings.settleMs;
    while (!settled && decide(performance.now() < end ? 1 : 0) === 1) {
      blocks.push(await block(Math.max(1, Math.min(operation.iterations, Math.floor(BLOCK_US / estimate)))));
      estimate = blocks.at(-1)! * operation.parts;
      settled = isSettled(blocks);
    }
  }

  const longestUs = operation.longestUs ?? REPETITION_US;
  const iterations = settings.iterations ?? Math.max(2, Math.min(operation.iterations, Math.floor(longestUs / estimate)));
  const isOne = operation.sample !== undefined || estimate >= SHORT_US * operation.parts;
  const batch = isOne ? 1 : Math.max(1, Math.min(iterations, Math.ceil(BATCH_US / estimate)));
  const count = Math.max(1, Math.floor(iterations / batch));

  const repetitions: Repetition[] = [];
  const all: Float64Array[] = [];
  for (
    let accepted = 0, tries = 0;
    decide(accepted < settings.repetitions && tries < TRIES * settings.repetitions ? 1 : 0) === 1;
    tries++
  ) {
    let samples = new Float64Array(count);
    control.barrier().wait();
    const before = rig.reference.measure();
    control.barrier().wait();
    const stateBefore = isFirst ? readMachine() : undefined;
    control.barrier().wait();
    if (operation.sample !== undefined) samples = await operation.sample(count);
    else if (operation.isCollective) {
      for (let k = 0; k < count; k++) {
        control.barrier().wait();
        samples[k] = await timed(batch);
      }
    } else for (let k = 0; k < count; k++) samples[k] = await timed(batch);
    control.barrier().wait();
    const stateAfter = isFirst ? readMachine() : undefined;
    const after = rig.reference.measure();
    all.push(samples);
    if (!isFirst) continue;
    const rejected = operation.keepsAll ? undefined : judgeRepetition([before, after], stateBefore, stateAfter);
    if (rejected === undefined) accepted++;
    repetitions.push({ us: 0, reference: [before, after], ...(rejected === undefined ? {} : { rejected }) });
  }

  const { user, system } = process.cpuUsage(cpuBefore);
  const cpu = (user + system) / 1e6;
  const own = rig.isThread ? cpu : (control.reduce(cpu, SUM, 0).wait() ?? 0);
  const collected = await garbage.end();
  const combined = all.map((samples) => combine(control, operation, samples));
  if (!isFirst) return undefined;

  const others = othersCores(machineBefore, readMachine() as MachineState | undefined, own);
  const withTimes = repetitions.map((repetition, index) => ({ ...repetition, us: combined[index]!.us }));
  const { counting, rejectedShare, disturbed } = judge(withTimes, settings.repetitions, others);
  const counted = counting.map((index) => combined[index]!);
  const slowest = concatenate(counted.map((one) => one.slowest));
  const anonHugePages = readAnonHugePages();
  return {
    us: figureOf(withTimes, counting),
    tail: tailOf(concatenate(counted.map((one) => one.samples))),
    batch,
    iterations: count * batch,
    repetitions: withTimes,
    rejectedShare,
    disturbed,
    isSettled: settled,
    firstUs: first,
    firstHundredUs: firstHundred,
    ...(operation.clock === 'mean'
      ? {
          ranks: { min: mean(counted.map((one) => one.min)), max: mean(counted.map((one) => one.max)) },
          slowest: { ...tailOf(slowest), mean: mean(slowest) },
        }
      : {}),
    garbage: collected,
    ...(others === undefined ? {} : { othersCores: others }),
    ...(anonHugePages === undefined ? {} : { anonHugePages }),
  };
}

interface Combined {
  readonly us: number;
  readonly samples: Float64Array;
  readonly slowest: Float64Array;
  /** Lowest and highest mean of a rank. */
  readonly min: number;
  readonly max: number;
}

/** Put the samples of a repetition on all ranks together, on rank 0. */
function combine(control: Communicator, { clock, isTimed, figure = mean }: Operation, samples: Float64Array): Combined {
  if (clock === 'rank 0') return { us: figure(samples), samples, slowest: samples, min: 0, max: 0 };
  const none = new Float64Array(samples.length);
  const slowest = control.reduce(isTimed ? samples : none, MAX, 0).wait() ?? none;
  const sum = control.reduce(isTimed ? samples : none, SUM, 0).wait() ?? none;
  const means = control.gather(isTimed ? mean(samples) : Number.NaN, 0).wait() ?? none;
  const timed = means.filter((value) => !Number.isNaN(value));
  const average = sum.map((value) => value / timed.length);
  const chosen = clock === 'slowest' ? slowest : average;
  return {
    us: clock === 'slowest' ? Math.max(...timed) : mean(timed),
    samples: chosen,
    slowest,
    min: Math.min(...timed),
    max: Math.max(...timed),
  };
}

function concatenate(parts: readonly Float64Array[]): Float64Array {
  const whole = new Float64Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
