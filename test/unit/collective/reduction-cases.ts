/** Operators, types and counts that the algorithms of a reduction are tried on. */

import { type OperationName, RESTRICTIONS, type Restriction } from '../../../src/collective/restrictions.ts';
import { F32, F64, I32, type TypedArray, U8, U64 } from '../../../src/datatype/element-type.ts';
import { BXOR, MAX, MAXLOC, type Op, SUM } from '../../../src/datatype/operator.ts';
import { contribution, MATRIX_PRODUCT, wholeSum } from './model.ts';

const COUNTS = [0, 1, 2, 7, 34];
const LONG = 1001;

export interface Case {
  readonly op: Op;
  readonly code: number;
  readonly count: number;
}

/** Operators, types and counts that an algorithm takes. */
export function casesOf(operation: OperationName, name: string): Case[] {
  const { needsArea, needsBuiltIn }: Restriction = (RESTRICTIONS[operation] as Record<string, Restriction>)[name]!;
  const counts = needsArea !== undefined ? COUNTS : [...COUNTS, LONG];
  const cases: Case[] = counts.flatMap((count) => [
    { op: SUM, code: F64, count },
    { op: BXOR, code: U8, count },
    { op: MAX, code: U64, count },
    { op: SUM, code: F32, count },
    { op: MAXLOC, code: I32, count: count & ~1 },
  ]);
  if (needsBuiltIn) return cases;
  for (const count of counts) {
    cases.push({ op: wholeSum(count), code: F64, count });
    cases.push({ op: MATRIX_PRODUCT, code: I32, count: count & ~1 });
  }
  return cases;
}

export function inputsOf({ code, count }: Case, size: number): TypedArray[] {
  return Array.from({ length: size }, (_, rank) => contribution(code, rank, count));
}
