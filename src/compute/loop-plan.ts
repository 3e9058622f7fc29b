/**
 * LoopPlan: how a range is cut into chunks, checked and worked out when a loop is posted.
 *
 *     static    one chunk a member, as long as each other to one grain: chunk k is member k's part
 *     dynamic   chunks of one grain, to whoever comes next
 *     guided    a chunk is what is left divided by twice the members, never less than a grain; to whoever comes next
 *
 * Chunks depend on range, grain, schedule and the size of the team alone, never on who comes when: so does the result of a
 * reduction, which is put together in their order.
 */

import { MpiError } from '../base/errors.ts';
import type { Options } from '../p2p/request.ts';
import { MAX_CHUNKS, SCHEDULE } from './loop-memory.ts';

/** Indices that a loop runs over, half open, and how they are shared out. */
export interface Range extends Options {
  readonly from: number;
  /** One behind the last. */
  readonly to: number;
  /**
   * Borders between chunks are multiples of it from `from` on; the length of dynamic chunks, the shortest guided one. Left
   * out: 1, and for dynamic chunks what gives each thread 16. A grain that makes more than 8192 chunks is made coarser.
   */
  readonly grain?: number;
  /** Who runs which chunk: `static` (default): thread k of n the k-th n-th; `dynamic`, `guided`: who comes next. */
  readonly schedule?: 'static' | 'dynamic' | 'guided';
  /** false: the rank's own thread takes no part and goes on at once, unless it is alone. Default true. */
  readonly caller?: boolean;
}

/** Chunks that a dynamic loop has for each member unless told. */
const CHUNKS_PER_MEMBER = 16;

export interface LoopPlan {
  readonly from: number;
  readonly to: number;
  /** A code of SCHEDULE. */
  readonly schedule: number;
  /** Length of every chunk but the last; 0: `bounds` tells. */
  readonly grain: number;
  readonly chunks: number;
  readonly hasCaller: boolean;
  /** Where chunks begin, and the end of the last; where all are as long as each other only the first. */
  writeBounds(bounds: Float64Array): void;
}

/** Plan a loop for a team of that size. `call`: its name for messages. */
export function planLoop(call: string, range: Range | number, size: number): LoopPlan {
  if (typeof range === 'number') {
    if (!Number.isSafeInteger(range) || range < 0) throw wrongIndex(call, 'the range', range);
    return planStatic(0, range, 1, size, true);
  }
  if (typeof range !== 'object' || range === null) {
    throw new MpiError('ERR_MPI_ARG', `${call} got ${typeof range} for its range: expected a number or { from, to }`);
  }
  const { from, to, grain, schedule = 'static', caller = true } = range;
  if (!Number.isSafeInteger(from)) throw wrongIndex(call, 'range.from', from);
  if (!Number.isSafeInteger(to)) throw wrongIndex(call, 'range.to', to);
  if (to < from)
    throw new MpiError('ERR_MPI_ARG', `${call} got a range from ${from} to ${to}: expected its end not before its start`);
  if (grain !== undefined && !(Number.isSafeInteger(grain) && grain > 0)) {
    throw new MpiError('ERR_MPI_ARG', `${call} got ${String(grain)} for range.grain: expected an integer, 1 or more`);
  }
  if (typeof caller !== 'boolean') {
    throw new MpiError('ERR_MPI_ARG', `${call} got ${typeof caller} for range.caller: expected true or false`);
  }
  // Somebody has to run it.
  const hasCaller = caller || size === 1;
  if (schedule === 'static') return planStatic(from, to, grain ?? 1, size, hasCaller);
  if (schedule === 'dynamic') return planDynamic(from, to, grain, size, hasCaller);
  if (schedule === 'guided') return planGuided(from, to, grain ?? 1, size, hasCaller);
  throw new MpiError('ERR_MPI_ARG', `${call} got ${String(schedule)} for range.schedule: expected static, dynamic or guided`);
}

function wrongIndex(call: string, what: string, value: unknown): MpiError {
  return new MpiError(
    'ERR_MPI_ARG',
    `${call} got ${String(value)} for ${what}: expected an integer${what === 'the range' ? ', 0 or more' : ''}`,
  );
}

function planStatic(from: number, to: number, grain: number, size: number, hasCaller: boolean): LoopPlan {
  const grains = Math.ceil((to - from) / grain);
  const chunks = Math.min(size, grains);
  const each = Math.floor(grains / chunks);
  const longer = grains - each * chunks;
  const writeBounds = (bounds: Float64Array): void => {
    for (let k = 0; k < chunks; k++) bounds[k] = from + (k * each + Math.min(k, longer)) * grain;
    bounds[chunks] = to;
  };
  return { from, to, schedule: SCHEDULE.static, grain: 0, chunks, hasCaller, writeBounds };
}

function planDynamic(from: number, to: number, asked: number | undefined, size: number, hasCaller: boolean): LoopPlan {
  const least = Math.ceil((to - from) / MAX_CHUNKS);
  const wanted = asked ?? Math.max(1, Math.ceil((to - from) / (CHUNKS_PER_MEMBER * size)));
  const grain = wanted * Math.max(1, Math.ceil(least / wanted));
  const writeBounds = (bounds: Float64Array): void => {
    bounds[0] = from;
  };
  return { from, to, schedule: SCHEDULE.dynamic, grain, chunks: Math.ceil((to - from) / grain), hasCaller, writeBounds };
}

function planGuided(from: number, to: number, asked: number, size: number, hasCaller: boolean): LoopPlan {
  let starts = guidedStarts(from, to, asked, size);
  for (let grain = asked; starts.length > MAX_CHUNKS; ) {
    grain *= 2;
    starts = guidedStarts(from, to, grain, size);
  }
  const writeBounds = (bounds: Float64Array): void => {
    bounds.set(starts);
    bounds[starts.length] = to;
  };
  return { from, to, schedule: SCHEDULE.guided, grain: 0, chunks: starts.length, hasCaller, writeBounds };
}

function guidedStarts(from: number, to: number, grain: number, size: number): number[] {
  const starts: number[] = [];
  for (let at = from; at < to; ) {
    starts.push(at);
    const grains = Math.ceil((to - at) / grain / (2 * size));
    at += grains * grain;
  }
  return starts;
}
