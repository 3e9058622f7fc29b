/**
 * Operators: what reductions combine elements with, the standard's and the user's.
 *
 * The idea: `a ∘ b` means a from the lower rank. A result must not depend on which algorithm formed it, so every built-in
 * operator but REPLACE is commutative to the last bit, given the order of the sums:
 *     SUM PROD            integers wrap as in C, u8c clamps at each step, f32 is rounded at each step
 *     MIN MAX             NaN wins over every number, and −0 < +0 (IEEE 754-2019 minimum and maximum; Math.min and Math.max)
 *     LAND LOR LXOR       integers only; the result is 0 or 1
 *     BAND BOR BXOR       integers and bytes
 *     MINLOC MAXLOC       arrays of pairs, laid out flat: value, location, value, location …; of equal values, NaNs among
 *                         them, the lower location wins; −0 equals +0 as a value
 *     REPLACE NO_OP       a ∘ b = a and b: what accumulate on a window does to its target; no reduction takes them
 *
 * Limits: the loops are in reduce-kernels.ts; what a scalar or a `{ value, location }` stands for is decided in comm.
 */

import { MpiError } from '../base/errors.ts';
import { OP_NAMES } from '../base/operation.ts';
import type { Layout } from './derived/datatype.ts';
import type { TypedArray } from './element-type.ts';
import { BYTES, ELEMENT_NAMES, F32, F64, I8, U64 } from './element-type.ts';

/** What an operator works on: any numbers, integers' bits or truth, or pairs of value and location. */
export type OpKind = 'number' | 'bits' | 'location';

/** An operator of reductions: SUM and its like, or one made by `createOp`. */
export interface Op<out Kind extends OpKind = OpKind> {
  /** What it works on. */
  readonly kind: Kind;
  /** Its name in messages: the constant's, or the function's given to `createOp`. */
  readonly name: string;
  /** Whether a ∘ b = b ∘ a, so that ranks may be combined in any order. */
  readonly isCommutative: boolean;
}

export type ArithOp = Op<'number'>;
export type BitOp = Op<'bits'>;
export type LocOp = Op<'location'>;

/** A value and where it was found: what MINLOC and MAXLOC combine. */
export interface Located {
  readonly value: number;
  readonly location: number;
}

/** Operators that fit data A at compile time: logical and bitwise ones not on floats. */
export type OpFor<A> = A extends Float32Array | Float64Array | number | Layout<Float32Array> | Layout<Float64Array>
  ? ArithOp | LocOp
  : Op;

/** A user's function: `inout[i] = input[i] ∘ inout[i]` for every i; both arrays have one length. */
export type OpFunction = (input: TypedArray, inout: TypedArray) => void;

/** Op as this package sees it. */
export class Operator<out Kind extends OpKind = OpKind> implements Op<Kind> {
  readonly name: string;
  readonly isCommutative: boolean;
  /** Row in the table of kernels; USER_OP for all user functions. */
  readonly id: number;
  readonly kind: Kind;
  readonly fn: OpFunction | undefined;

  constructor(name: string, id: number, kind: Kind, isCommutative: boolean, fn?: OpFunction) {
    this.name = name;
    this.isCommutative = isCommutative;
    this.id = id;
    this.kind = kind;
    this.fn = fn;
  }
}

/** Id of operators made by createOp. */
export const USER_OP: number = OP_NAMES.length;

function builtIn<Kind extends OpKind>(name: (typeof OP_NAMES)[number], kind: Kind, isCommutative = true): Op<Kind> {
  return new Operator(name, OP_NAMES.indexOf(name), kind, isCommutative);
}

/** a + b; integers wrap, Uint8ClampedArray clamps. */
export const SUM: ArithOp = builtIn('SUM', 'number');
/** a × b; integers wrap, Uint8ClampedArray clamps. */
export const PROD: ArithOp = builtIn('PROD', 'number');
/** The smaller, as Math.min: NaN wins over every number, −0 over +0. */
export const MIN: ArithOp = builtIn('MIN', 'number');
/** The greater, as Math.max: NaN wins over every number, +0 over −0. */
export const MAX: ArithOp = builtIn('MAX', 'number');
/** 1 if both are not 0, else 0. Integers. */
export const LAND: BitOp = builtIn('LAND', 'bits');
/** 1 if one is not 0, else 0. Integers. */
export const LOR: BitOp = builtIn('LOR', 'bits');
/** 1 if exactly one is not 0, else 0. Integers. */
export const LXOR: BitOp = builtIn('LXOR', 'bits');
/** Bitwise and. Integers and bytes. */
export const BAND: BitOp = builtIn('BAND', 'bits');
/** Bitwise or. Integers and bytes. */
export const BOR: BitOp = builtIn('BOR', 'bits');
/** Bitwise exclusive or. Integers and bytes. */
export const BXOR: BitOp = builtIn('BXOR', 'bits');
/** The pair with the smaller value; of equal values the lower location. */
export const MINLOC: LocOp = builtIn('MINLOC', 'location');
/** The pair with the greater value; of equal values the lower location. */
export const MAXLOC: LocOp = builtIn('MAXLOC', 'location');
/** For accumulate: the target becomes what was sent. No reduction takes it. Standard: 12.3.4. */
export const REPLACE: ArithOp = builtIn('REPLACE', 'number', false);
/** For accumulate: the target stays as it is. No reduction takes it. Standard: 12.3.4. */
export const NO_OP: ArithOp = builtIn('NO_OP', 'number', false);

/**
 * Make an operator of a function over arrays: `inout[i] = input[i] ∘ inout[i]`, `input` from the lower ranks.
 *
 * It must be associative, and may be called with any number of elements at a time. When it is not commutative (the
 * default) ranks are combined in their order. It may not call tsmpi. Standard: 6.9.5.
 *
 * @throws MpiError ERR_MPI_OP when `fn` is no function or `commutative` no boolean.
 */
export function createOp<A extends TypedArray = TypedArray>(
  fn: (input: A, inout: A) => void,
  options: { readonly commutative?: boolean } = {},
): ArithOp {
  if (typeof fn !== 'function') {
    throw new MpiError('ERR_MPI_OP', `an operator cannot be made of ${kindOf(fn)}: a function (input, inout) was expected`);
  }
  const commutative: unknown = options.commutative ?? false;
  if (typeof commutative !== 'boolean') {
    throw new MpiError('ERR_MPI_OP', `commutative is ${kindOf(commutative)}: true or false was expected`);
  }
  return new Operator(fn.name || 'user operator', USER_OP, 'number', commutative, fn as unknown as OpFunction);
}

/** Return whether a value is an operator. */
export function isOp(value: unknown): value is Op {
  return value instanceof Operator;
}

/** Return whether an operator is one of the standard's: it works element by element, and may be given parts. */
export function isBuiltIn(op: Op): boolean {
  return (op as Operator).id !== USER_OP;
}

/** Return how many neighbouring elements belong together: 2 for pairs, else 1. Chunks of a reduction hold whole ones. */
export function unitOf(op: Op): 1 | 2 {
  return (op as Operator).kind === 'location' ? 2 : 1;
}

/** Throw unless `op` is an operator that reduces `count` elements of that code. */
export function checkOp(op: unknown, code: number, count: number): asserts op is Op {
  if (!(op instanceof Operator)) {
    throw new MpiError(
      'ERR_MPI_OP',
      `${kindOf(op)} is no operator: SUM, MAX or another constant, or one made by createOp was expected`,
    );
  }
  if (op === REPLACE || op === NO_OP) {
    throw new MpiError('ERR_MPI_OP', `${op.name} does not reduce: it is for accumulate on a window`);
  }
  if (!takes(op, code)) {
    const allowed = ELEMENT_NAMES.filter((_, other) => takes(op, other)).join(', ');
    throw new MpiError('ERR_MPI_OP', `${op.name} does not take ${ELEMENT_NAMES[code] ?? `type ${code}`}: it takes ${allowed}`);
  }
  if (op.kind === 'location' && count % 2 !== 0) {
    throw new MpiError(
      'ERR_MPI_COUNT',
      `${op.name} on ${count} elements: pairs of value and location were expected, an even number`,
    );
  }
}

function takes(op: Operator, code: number): boolean {
  if (code < BYTES || code > U64) return false;
  if (op.id === USER_OP) return true;
  if (code === BYTES) return op === BAND || op === BOR || op === BXOR;
  return op.kind === 'bits' ? code !== F32 && code !== F64 : code >= I8;
}

function kindOf(value: unknown): string {
  if (value === null || value === undefined || typeof value === 'boolean') return `${value}`;
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'number' || typeof value === 'bigint') return `the number ${value}`;
  return typeof value === 'function' ? 'a function' : `a value of type ${typeof value}`;
}
