/** Operators and reduction kernels against naive models, for each operator on each element type. */

// biome-ignore-all lint/complexity/useMathMinMax: Math.min and Math.max take no bigint

import { describe, expect, it } from 'vitest';
import { MpiError } from '../../../src/base/errors.ts';
import {
  BYTES,
  bytesOf,
  createArray,
  ELEMENT_NAMES,
  F32,
  F64,
  I64,
  type TypedArray,
  U8C,
  U64,
} from '../../../src/datatype/element-type.ts';
import {
  BAND,
  BOR,
  BXOR,
  checkOp,
  createOp,
  isOp,
  LAND,
  LOR,
  LXOR,
  MAX,
  MAXLOC,
  MIN,
  MINLOC,
  NO_OP,
  type Op,
  PROD,
  REPLACE,
  SUM,
  unitOf,
} from '../../../src/datatype/operator.ts';
import { reduceInto } from '../../../src/datatype/reduce-kernels.ts';
import { Random } from './random.ts';

const CODES = Array.from({ length: U64 }, (_, i) => i + 1);
const isFloat = (code: number) => code === F32 || code === F64;
const isBig = (code: number) => code === I64 || code === U64;

/** a ∘ b in mathematical integers or doubles, before it is stored in the element type. */
const INTEGER_MODELS: [Op, (a: bigint, b: bigint) => bigint][] = [
  [SUM, (a, b) => a + b],
  [PROD, (a, b) => a * b],
  [MIN, (a, b) => (a < b ? a : b)],
  [MAX, (a, b) => (a < b ? b : a)],
  [LAND, (a, b) => BigInt(a !== 0n && b !== 0n)],
  [LOR, (a, b) => BigInt(a !== 0n || b !== 0n)],
  [LXOR, (a, b) => BigInt((a !== 0n) !== (b !== 0n))],
  [BAND, (a, b) => a & b],
  [BOR, (a, b) => a | b],
  [BXOR, (a, b) => a ^ b],
  [REPLACE, (a) => a],
  [NO_OP, (_, b) => b],
];
const FLOAT_MODELS: [Op, (a: number, b: number) => number][] = [
  [SUM, (a, b) => a + b],
  [PROD, (a, b) => a * b],
  [MIN, Math.min],
  [MAX, Math.max],
  [REPLACE, (a) => a],
  [NO_OP, (_, b) => b],
];
const SPECIAL = [0, -0, 1, -1, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 5e-324, 3e38, -1.5];

function randomArray(random: Random, code: number, length: number): TypedArray {
  const array = createArray(code, length);
  random.fill(bytesOf(array));
  for (let i = 0; i < length; i++) {
    // Small numbers and zeros too, and the special values of floats.
    if (isBig(code) && random.below(3) === 0) array[i] = BigInt(random.below(3));
    else if (isFloat(code)) array[i] = random.below(2) === 0 ? random.pick(SPECIAL) : random.unit() * 1e4 - 5e3;
    else if (!isBig(code) && random.below(3) === 0) array[i] = random.below(3);
  }
  return array;
}

/** Store a mathematical integer as the language's integer types do; clamped bytes clamp. */
function storeInteger(into: TypedArray, i: number, code: number, value: bigint): void {
  if (isBig(code)) into[i] = value;
  else if (code === U8C) into[i] = value > 255n ? 255 : Number(value);
  else into[i] = Number(BigInt.asIntN(32, value));
}

describe.each(CODES.map((code) => [ELEMENT_NAMES[code], code] as const))('on %s', (_, code) => {
  const random = new Random(100 + code);

  if (isFloat(code)) {
    it.each(FLOAT_MODELS.map(([op, model]) => [op.name, op, model] as const))(
      '%s is the model, rounded when stored',
      (_name, op, model) => {
        for (const count of [0, 1, 17, 200]) {
          const [input, inout] = [randomArray(random, code, count), randomArray(random, code, count)];
          const expected = inout.slice();
          for (let i = 0; i < count; i++) expected[i] = model(input[i] as number, inout[i] as number);
          reduceInto(op, code, input, inout, count);
          expect(inout).toEqual(expected);
        }
      },
    );
  } else {
    it.each(INTEGER_MODELS.map(([op, model]) => [op.name, op, model] as const))(
      '%s is the model, wrapped when stored',
      (_name, op, model) => {
        for (const count of [0, 1, 17, 200]) {
          const [input, inout] = [randomArray(random, code, count), randomArray(random, code, count)];
          const expected = inout.slice();
          for (let i = 0; i < count; i++) storeInteger(expected, i, code, model(BigInt(input[i]), BigInt(inout[i])));
          reduceInto(op, code, input, inout, count);
          expect(inout).toEqual(expected);
        }
      },
    );
  }

  it.each([MINLOC, MAXLOC].map((op) => [op.name, op] as const))(
    '%s takes the better value and, of equals, the lower location',
    (_name, op) => {
      const better = (a: number | bigint, b: number | bigint) =>
        (Number.isNaN(a) && !Number.isNaN(b)) || (op === MINLOC ? a < b : a > b);
      for (let turn = 0; turn < 50; turn++) {
        const [input, inout] = [randomArray(random, code, 40), randomArray(random, code, 40)];
        for (let i = 1; i < 40; i += 2) {
          input[i] = isBig(code) ? BigInt(random.below(5)) : random.below(5);
          inout[i] = isBig(code) ? BigInt(random.below(5)) : random.below(5);
        }
        const expected = inout.slice();
        for (let i = 0; i < 40; i += 2) {
          const equal = !better(input[i], inout[i]) && !better(inout[i], input[i]);
          if (better(input[i], inout[i]) || (equal && input[i + 1] < inout[i + 1]))
            expected.set(input.subarray(i, i + 2) as never, i);
          else if (equal && input[i + 1] === inout[i + 1] && isFloat(code))
            expected[i] = Math.min(input[i] as number, inout[i] as number);
        }
        reduceInto(op, code, input, inout, 40);
        expect(inout).toEqual(expected);
      }
    },
  );

  it('commutative operators give the same bits in either order and grouping', () => {
    const ops: Op[] = isFloat(code) ? [MIN, MAX] : [SUM, PROD, MIN, MAX, LAND, LOR, LXOR, BAND, BOR, BXOR];
    for (const op of [...ops, MINLOC, MAXLOC]) {
      const parts = Array.from({ length: 5 }, () => randomArray(random, code, 60));
      if (unitOf(op) === 2)
        for (const part of parts) for (let i = 1; i < 60; i += 2) part[i] = isBig(code) ? BigInt(i % 3) : i % 3;
      const fold = (order: number[]) => {
        const result = parts[order[0]].slice();
        for (const i of order.slice(1)) reduceInto(op, code, parts[i], result, 60);
        return result;
      };
      const expected = fold([0, 1, 2, 3, 4]);
      expect(fold([4, 3, 2, 1, 0])).toEqual(expected);
      expect(fold([2, 0, 4, 1, 3])).toEqual(expected);
      const [left, right] = [fold([3, 1]), fold([0, 4, 2])];
      reduceInto(op, code, left, right, 60);
      expect(right).toEqual(expected);
    }
  });

  it('indices choose the part that is combined, and nothing else changes', () => {
    for (const op of [SUM, MIN, MINLOC, REPLACE]) {
      const [input, inout] = [randomArray(random, code, 20), randomArray(random, code, 20)];
      const expected = inout.slice();
      const part = inout.slice(6, 14);
      reduceInto(op, code, input.slice(2, 10), part, 8);
      expected.set(part as never, 6);
      reduceInto(op, code, input, inout, 8, 2, 6);
      expect(inout).toEqual(expected);
    }
  });
});

describe('minimum and maximum of floats', () => {
  it('let NaN win and order the zeros', () => {
    const combine = (op: Op, a: number[], b: number[]) => {
      const inout = Float64Array.from(b);
      reduceInto(op, F64, Float64Array.from(a), inout, b.length);
      return [...inout];
    };
    expect(combine(MIN, [Number.NaN, 1, -0, 0], [1, Number.NaN, 0, -0])).toEqual([Number.NaN, Number.NaN, -0, -0]);
    expect(combine(MAX, [Number.NaN, 1, -0, 0], [1, Number.NaN, 0, -0])).toEqual([Number.NaN, Number.NaN, 0, 0]);
    expect(combine(MINLOC, [Number.NaN, 3, -0, 2], [1, 0, 0, 1])).toEqual([Number.NaN, 3, 0, 1]);
    expect(combine(MAXLOC, [7, 4, Number.NaN, 2], [7, 2, Number.NaN, 5])).toEqual([7, 2, Number.NaN, 2]);
  });
});

describe('operators of the user', () => {
  it('get whole arrays of the same length, input from the lower rank, and keep their name', () => {
    const seen: [number[], number[]][] = [];
    const op = createOp<Float64Array>(function minus(input, inout) {
      seen.push([[...input], [...inout]]);
      for (let i = 0; i < input.length; i++) inout[i] = input[i] - inout[i];
    });
    expect([op.name, op.isCommutative, unitOf(op), isOp(op)]).toEqual(['minus', false, 1, true]);
    const inout = Float64Array.of(1, 2, 3, 4);
    reduceInto(op, F64, Float64Array.of(10, 20, 30), inout, 2, 1, 1);
    expect(seen).toEqual([
      [
        [20, 30],
        [2, 3],
      ],
    ]);
    expect([...inout]).toEqual([1, 18, 27, 4]);
    reduceInto(op, F64, Float64Array.of(), Float64Array.of(), 0);
    expect(seen).toHaveLength(1);
  });

  it('may be commutative, may take bytes, and their errors come through', () => {
    const op = createOp(
      () => {
        throw new Error('from the user');
      },
      { commutative: true },
    );
    expect([op.name, op.isCommutative]).toEqual(['user operator', true]);
    checkOp(op, BYTES, 3);
    expect(() => reduceInto(op, BYTES, Uint8Array.of(1), Uint8Array.of(2), 1)).toThrow('from the user');
  });

  it('are refused when they are no function, or their option no boolean', () => {
    expect(() => createOp('sum' as never)).toThrow('an operator cannot be made of "sum": a function (input, inout) was expected');
    expect(() => createOp(() => {}, { commutative: 1 as never })).toThrow(
      'commutative is the number 1: true or false was expected',
    );
  });
});

describe('checkOp', () => {
  const codeOf = (act: () => void) => {
    try {
      act();
    } catch (error) {
      expect(error).toBeInstanceOf(MpiError);
      return `${(error as MpiError).code} ${(error as MpiError).message}`;
    }
    return 'passed';
  };

  it('lets each operator take its types and no others', () => {
    const bits: Op[] = [BAND, BOR, BXOR];
    const logical: Op[] = [LAND, LOR, LXOR];
    for (const op of [SUM, PROD, MIN, MAX, MINLOC, MAXLOC, ...bits, ...logical]) {
      for (const [code] of ELEMENT_NAMES.entries()) {
        const integers = code >= 1 && code <= 11 && !isFloat(code);
        const allowed = bits.includes(op)
          ? integers || code === BYTES
          : logical.includes(op)
            ? integers
            : code >= 1 && code <= 11;
        expect(codeOf(() => checkOp(op, code, 4)) === 'passed').toBe(allowed);
      }
    }
  });

  it('says what was wrong and what was expected', () => {
    expect(codeOf(() => checkOp(BAND, F64, 1))).toBe(
      'ERR_MPI_OP BAND does not take f64: it takes bytes, i8, u8, u8c, i16, u16, i32, u32, i64, u64',
    );
    expect(codeOf(() => checkOp(SUM, BYTES, 1))).toBe(
      'ERR_MPI_OP SUM does not take bytes: it takes i8, u8, u8c, i16, u16, i32, u32, f32, f64, i64, u64',
    );
    expect(codeOf(() => checkOp(MINLOC, F64, 3))).toBe(
      'ERR_MPI_COUNT MINLOC on 3 elements: pairs of value and location were expected, an even number',
    );
    expect(codeOf(() => checkOp(REPLACE, F64, 1))).toBe('ERR_MPI_OP REPLACE does not reduce: it is for accumulate on a window');
    expect(codeOf(() => checkOp(NO_OP, F64, 1))).toBe('ERR_MPI_OP NO_OP does not reduce: it is for accumulate on a window');
    expect(codeOf(() => checkOp(Math.max, F64, 1))).toBe(
      'ERR_MPI_OP a function is no operator: SUM, MAX or another constant, or one made by createOp was expected',
    );
    expect(codeOf(() => checkOp(undefined, F64, 1))).toContain('undefined is no operator');
    expect(codeOf(() => checkOp({ name: 'SUM', isCommutative: true }, F64, 1))).toContain(
      'a value of type object is no operator',
    );
  });
});
