/**
 * Reference: published values of the cavity, and how a run compares with them.
 *
 * Extrema: Botella and Peyret (1998), a spectral method, for Reynolds 100 and 1000; fine-grid values for 400.
 * Profiles: Ghia, Ghia and Shin (1982), tables I and II, from the file beside this one.
 */

import { readFileSync } from 'node:fs';
import { type Extrema, interpolate, type Line } from './lines.ts';

const TABLE = new URL('./ghia-1982.csv', import.meta.url);
/** The table's positions are cells of its grid, rounded to four digits. */
const TABLE_CELLS = 128;

const EXTREMA: Readonly<Record<number, Readonly<Record<keyof Extrema, number>>>> = {
  100: { uMin: -0.21404, vMax: 0.17957, vMin: -0.2538 },
  400: { uMin: -0.3287, vMax: 0.3038, vMin: -0.4541 },
  1000: { uMin: -0.38857, vMax: 0.37694, vMin: -0.52708 },
};

export interface TablePoint {
  readonly line: string;
  readonly position: number;
  readonly value: number;
  /** Taken for a misprint by later authors. */
  readonly isMisprint: boolean;
}

export interface Comparison {
  readonly quantity: keyof Extrema;
  readonly value: number;
  readonly position: number;
  readonly reference: number | undefined;
}

/** Return the table's points for a Reynolds number; none where it has no column. */
export function readTable(reynolds: number): TablePoint[] {
  const [head, ...rows] = readFileSync(TABLE, 'utf8')
    .trim()
    .split('\n')
    .filter((row) => !row.startsWith('#'))
    .map((row) => row.split(','));
  const column = head.indexOf(`re${reynolds}`);
  if (column < 0) return [];
  return rows.map((row) => ({
    line: row[0],
    position: Math.round(Number(row[1]) * TABLE_CELLS) / TABLE_CELLS,
    value: Number(row[column]),
    isMisprint: reynolds === 400 && row[0] === 'v_at_y_0.5' && row[1] === '0.9063',
  }));
}

/** Return the extrema beside the published ones. */
export function compareExtrema(reynolds: number, extrema: Extrema): Comparison[] {
  return (['uMin', 'vMax', 'vMin'] as const).map((quantity) => ({
    quantity,
    value: extrema[quantity].value,
    position: extrema[quantity].position,
    reference: EXTREMA[reynolds]?.[quantity],
  }));
}

/** Return the root-mean-square difference from the table's interior points on both lines, by cubic interpolation. */
export function compareProfiles(
  table: readonly TablePoint[],
  lines: readonly Line[],
): { rms: number; points: number } | undefined {
  let sum = 0;
  let points = 0;
  for (const { line, position, value, isMisprint } of table) {
    if (position === 0 || position === 1 || isMisprint) continue;
    const own = lines.find(({ name }) => name === line)!;
    sum += (interpolate(own, position, 4) - value) ** 2;
    points += 1;
  }
  return points === 0 ? undefined : { rms: Math.sqrt(sum / points), points };
}
