/**
 * The model: what each rank must get of each collective, by loops over all ranks' data. It knows nothing of tsmpi.
 */

import { joined, makeArray, type TypedArray, type TypeName, valuesOf } from './buffer.ts';
import { type CollectiveAction, type Members, type OperatorName, REDUCTIONS } from './program.ts';
import { objectOf } from './value.ts';

/** What a rank must get. */
export type Expected =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'object'; readonly value: unknown }
  | { readonly kind: 'elements'; readonly values: TypedArray }
  /** One list for each rank or neighbour; undefined: a block that must not be touched (0 in a fresh result). */
  | { readonly kind: 'parts'; readonly parts: readonly (TypedArray | undefined)[] };

/** What a rank gives: its elements; for alltoall and the like one list for each rank or neighbour. */
export function contribution(action: CollectiveAction, members: Members, rank: number, round: number): TypedArray {
  return joined(action.buffer.type, contributionParts(action, members, rank, round));
}

/** What a rank gives, in parts where the call divides it among ranks or neighbours. */
export function contributionParts(action: CollectiveAction, members: Members, rank: number, round: number): TypedArray[] {
  return countsGiven(action, members, rank).map((count, k) => partGiven(action, rank, k, count, round));
}

/** Part k of what a rank gives. Sums and products of small numbers are exact in every type that does not wrap. */
function partGiven({ call, buffer }: CollectiveAction, rank: number, k: number, count: number, round: number): TypedArray {
  const seed = buffer.seed + 1009 * round + 31 * rank + 7919 * (k + 1);
  return valuesOf(buffer.type, count, seed, (REDUCTIONS as readonly string[]).includes(call) ? 7 : undefined);
}

/** How many elements are in each part of what a rank gives. */
export function countsGiven({ call, buffer, counts, matrix }: CollectiveAction, members: Members, rank: number): number[] {
  const { ranks } = members;
  switch (call) {
    case 'alltoall':
    case 'scatter':
    case 'reduceScatterBlock':
      return ranks.map(() => buffer.count);
    case 'alltoallv':
      return ranks.map((to) => matrix[rank]![to]!);
    case 'scatterv':
    case 'reduceScatter':
      return ranks.map((to) => counts[to]!);
    case 'gatherv':
    case 'allgatherv':
    case 'neighborAllgatherv':
      return [counts[rank]!];
    case 'neighborAlltoall':
      return neighbors(members, rank).map(() => buffer.count);
    case 'neighborAlltoallv':
      return neighbors(members, rank).map((to) => (to === undefined ? 2 : matrix[rank]![to]!));
    default:
      return [buffer.count];
  }
}

/** The neighbours of a rank in its grid: below and above in each dimension; undefined: beyond a border. */
export function neighbors({ ranks, grid }: Members, rank: number): (number | undefined)[] {
  const { dims, periodic } = grid!;
  const place = ranks.indexOf(rank);
  const result: (number | undefined)[] = [];
  for (let d = 0; d < dims.length; d++) {
    const stride = dims.slice(d + 1).reduce((product, extent) => product * extent, 1);
    const at = Math.floor(place / stride) % dims[d]!;
    for (const step of [-1, 1]) {
      const next = periodic[d] ? (at + step + dims[d]!) % dims[d]! : at + step;
      result.push(next < 0 || next >= dims[d]! ? undefined : ranks[place + (next - at) * stride]);
    }
  }
  return result;
}

/** What rank `rank` must get of a collective. */
export function expectedOf(action: CollectiveAction, members: Members, rank: number, round: number): Expected {
  const { call, root, buffer, op } = action;
  const { ranks } = members;
  const place = ranks.indexOf(rank);
  const given = (from: number): TypedArray => contribution(action, members, from, round);
  const givenTo = (from: number, k: number): TypedArray =>
    partGiven(action, from, k, countsGiven(action, members, from)[k]!, round);
  const reduced = (of: readonly number[]): TypedArray => reduceAll(op, buffer.type, of.map(given));
  const nothing: Expected = { kind: 'nothing' };
  const elements = (values: TypedArray): Expected => ({ kind: 'elements', values });
  const object = (from: number, to = 0): unknown => objectOf(buffer.seed + 31 * from + 7919 * to, Math.min(4, buffer.count));
  const value = (result: unknown): Expected => ({ kind: 'object', value: result });
  switch (call) {
    case 'barrier':
      return nothing;
    case 'bcast':
      return elements(given(root));
    case 'reduce':
      return rank === root ? elements(reduced(ranks)) : nothing;
    case 'allreduce':
      return elements(reduced(ranks));
    case 'scan':
      return elements(reduced(ranks.slice(0, place + 1)));
    case 'exscan':
      return place === 0 ? nothing : elements(reduced(ranks.slice(0, place)));
    case 'reduceScatterBlock':
      return elements(reduced(ranks).slice(place * buffer.count, (place + 1) * buffer.count));
    case 'reduceScatter': {
      const start = ranks.slice(0, place).reduce((sum, before) => sum + action.counts[before]!, 0);
      return elements(reduced(ranks).slice(start, start + action.counts[rank]!));
    }
    case 'gather':
    case 'gatherv':
      return rank === root ? { kind: 'parts', parts: ranks.map(given) } : nothing;
    case 'allgather':
    case 'allgatherv':
      return { kind: 'parts', parts: ranks.map(given) };
    case 'scatter':
    case 'scatterv':
      return elements(givenTo(root, place));
    case 'alltoall':
    case 'alltoallv':
      return { kind: 'parts', parts: ranks.map((from) => givenTo(from, place)) };
    case 'neighborAllgather':
    case 'neighborAllgatherv':
      return { kind: 'parts', parts: neighbors(members, rank).map((from) => (from === undefined ? undefined : given(from))) };
    case 'neighborAlltoall':
    case 'neighborAlltoallv':
      // What comes from below was sent upwards, and the other way round.
      return {
        kind: 'parts',
        parts: neighbors(members, rank).map((from, k) => (from === undefined ? undefined : givenTo(from, k ^ 1))),
      };
    case 'bcastObject':
      return value(object(root));
    case 'gatherObject':
      return rank === root ? value(ranks.map((from) => object(from))) : nothing;
    case 'allgatherObject':
      return value(ranks.map((from) => object(from)));
    case 'scatterObject':
      return value(object(root, rank));
    case 'alltoallObject':
      return value(ranks.map((from) => object(from, rank)));
    case 'reduceObject':
      return rank === root ? value(ranks.map((from) => object(from))) : nothing;
    case 'allreduceObject':
      return value(ranks.map((from) => object(from)));
  }
}

/** What a rank gives to a collective of values: one value, or one for each rank. reduceObject joins lists of them. */
export function objectsGiven(action: CollectiveAction, { ranks }: Members, rank: number): unknown {
  const made = (to: number): unknown => objectOf(action.buffer.seed + 31 * rank + 7919 * to, Math.min(4, action.buffer.count));
  if (action.call === 'scatterObject' || action.call === 'alltoallObject') return ranks.map(made);
  return action.call === 'reduceObject' || action.call === 'allreduceObject' ? [made(0)] : made(0);
}

/** Combine elementwise, rank after rank. */
function reduceAll(op: OperatorName, type: TypeName, inputs: readonly TypedArray[]): TypedArray {
  return inputs.reduce((a, b) => {
    const result = makeArray(type, b.length);
    // What does not fit wraps, is clamped or rounded as the array is written.
    for (let i = 0; i < b.length; i++) result[i] = combined(op, a, b, i) as never;
    return result;
  });
}

/** Element i of a ∘ b. */
function combined(op: OperatorName, a: TypedArray, b: TypedArray, i: number): number | bigint {
  // One name for numbers and bigints: the operators below take either.
  const [x, y] = [a[i] as number, b[i] as number];
  const first = i - (i % 2);
  switch (op) {
    case 'SUM':
    case 'userSum':
      return x + y;
    case 'PROD':
      return x * y;
    case 'MIN':
    case 'MAX':
      return x < y === (op === 'MIN') ? x : y;
    case 'BAND':
      return x & y;
    case 'BOR':
      return x | y;
    case 'BXOR':
      return x ^ y;
    case 'first':
      return x;
    case 'MINLOC':
    case 'MAXLOC':
      return (isFirst(op, a, b, first) ? a : b)[i]!;
    default: {
      const result = op === 'affine' ? affine(a, b, i) : Number(truth(op, Boolean(x), Boolean(y)));
      return typeof x === 'bigint' ? BigInt(result) : result;
    }
  }
}

function truth(op: OperatorName, x: boolean, y: boolean): boolean {
  return op === 'LAND' ? x && y : op === 'LOR' ? x || y : x !== y;
}

/** Whether the pair at that place of a wins over that of b; of equal values the lower location does. */
function isFirst(op: OperatorName, a: TypedArray, b: TypedArray, at: number): boolean {
  if (a[at] === b[at]) return a[at + 1]! <= b[at + 1]!;
  return op === 'MINLOC' ? a[at]! < b[at]! : a[at]! > b[at]!;
}

/** Pairs (p, q) stand for x -> p x + q, modulo 97: associative, not commutative. A last element alone is the higher rank's. */
function affine(a: TypedArray, b: TypedArray, i: number): number {
  const at = i - (i % 2);
  if (at + 1 >= b.length) return Number(b[i]);
  const [p, q, r, s] = [a[at], a[at + 1], b[at], b[at + 1]].map(Number) as [number, number, number, number];
  return i % 2 === 0 ? (p * r) % 97 : (p * s + q) % 97;
}
