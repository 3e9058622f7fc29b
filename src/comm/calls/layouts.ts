/**
 * Layouts in collectives: their elements are gathered into an array before, and spread out again behind.
 *
 * The idea: algorithms cut, forward and combine arrays of elements that lie one behind the other; so a call with layouts is
 * the same call with arrays in their place, packed when it begins and unpacked when it is complete. A layout that is one
 * run of elements is passed on as it is. Point to point and the w-forms stream layouts without this copy.
 */

import { operationName } from '../../base/collective-call.ts';
import type { Port, Schedule } from '../../collective/schedule.ts';
import { ArrayLayout } from '../../datatype/derived/array-layout.ts';
import { BYTES, createArray, type TypedArray } from '../../datatype/element-type.ts';
import type { Request } from '../../p2p/request.ts';
import { type CollectiveHost, checkCall, post, rootOf, sizes } from './call.ts';

/** A collective call: data, then `into` or parts, then whatever it takes besides. */
export type DataCall = (host: CollectiveHost, data: unknown, ...rest: unknown[]) => Request<unknown>;

/**
 * Post a call whose data, and `into` or parts behind it, may be layouts. `isReceiver`: whether this rank gets the data of a
 * broadcast.
 */
export function callWithLayouts(
  host: CollectiveHost,
  call: DataCall,
  data: unknown,
  rest: readonly unknown[],
  isReceiver: () => boolean = () => rootOf(host, 'bcast', rest[0], rest[1]).root !== sizes(host).rank,
): Request<unknown> {
  if (layoutIn(data) === undefined && layoutIn(rest[0]) === undefined) return call(host, data, ...rest);
  return postStaged(host, call, data, rest, isReceiver);
}

/** The layout that is, or whose parts are, the value. */
function layoutIn(value: unknown): ArrayLayout | undefined {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return undefined;
  if (value instanceof ArrayLayout) return value;
  const { data } = value as { data?: unknown };
  return data instanceof ArrayLayout ? data : undefined;
}

function postStaged(
  host: CollectiveHost,
  call: DataCall,
  data: unknown,
  [into, ...rest]: readonly unknown[],
  isReceiver: () => boolean,
): Request<unknown> {
  /** The array in the place of each layout: the same one where a layout stands twice. */
  const arrays = new Map<ArrayLayout, TypedArray>();
  /** Those that lie in memory of their own. */
  const copies: (readonly [ArrayLayout, TypedArray])[] = [];
  /** What was given for each stand-in. */
  const given = new Map<unknown, unknown>();
  const standIn = (value: unknown): unknown => {
    const layout = layoutIn(value);
    if (layout === undefined) return value;
    let array = arrays.get(layout);
    if (array === undefined) {
      array = asBytes(layout, layout.contiguous ?? createArray(layout.code, layout.count));
      arrays.set(layout, array);
      if (layout.contiguous === undefined) copies.push([layout, array]);
    }
    const made = value === layout ? array : { ...(value as object), data: array };
    given.set(made, value);
    return made;
  };
  const {
    call: checked,
    options,
    begin,
    result,
  } = checkCall(host, (checking) => call(checking, standIn(data), standIn(into), ...rest));
  // Written: what stands behind the data, and the data of a broadcast on other ranks than the root.
  const isTarget = operationName(checked.operation) === 'bcast' && isReceiver();
  const target = layoutIn(isTarget ? data : into);
  const start = (port: Port): Schedule => {
    for (const [layout, array] of copies) layout.toArray(array);
    return finish(begin(port));
  };
  function* finish(schedule: Schedule): Schedule {
    yield* schedule;
    // No result here: `into` does not matter on this rank and may be in other use.
    if (target === undefined || result() === undefined) return;
    for (const [layout, array] of copies) if (layout === target) layout.fromArray(array);
  }
  return post(host, checked, options, start, () => {
    const value = result();
    return given.has(value) ? given.get(value) : value;
  });
}

/** Raw bytes are told from elements by their class (collectiveElements). */
function asBytes({ code }: ArrayLayout, array: TypedArray): TypedArray {
  return code === BYTES ? Buffer.from(array.buffer as ArrayBuffer, array.byteOffset, array.byteLength) : array;
}
