/**
 * Tables of a comparison: for each program, number of ranks and size the median of each side's launches, and the ratio of
 * times to the first side with its 95 % interval.
 */

import { findProgram } from '../catalogue.ts';
import { median, type Ratio, ratioOfMedians } from '../lib/statistics.ts';
import type { RowLine } from '../records.ts';
import type { CampaignResult, LaunchRecord } from './campaign.ts';

/** What of a row is compared. */
export type Basis = 'mean' | 'p50';

/** A size of one program. */
export interface ComparedRow {
  readonly size: number;
  /** By side, in the order of the sides; undefined: it has none. */
  readonly cells: readonly (ComparedCell | undefined)[];
}

export interface ComparedCell {
  /** Time of an operation in µs, median of the launches. */
  readonly us: number;
  readonly megabytesPerSecond: number | undefined;
  readonly messagesPerSecond: number | undefined;
  /** Medians of the launches' percentiles. */
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
  readonly slowest: number | undefined;
  readonly overlap: number | undefined;
  /** Part of the time in messages, mean of the ranks. */
  readonly messageShare: number | undefined;
  readonly launches: number;
  /** Launches in which the row was disturbed. */
  readonly disturbed: number;
  /** Time of the first side over this one's: below 1 the first is faster. */
  readonly ratio: Ratio | undefined;
}

/** A program on a number of ranks. */
export interface ComparedProgram {
  readonly program: string;
  readonly ranks: number;
  readonly isOversubscribed: boolean;
  readonly isPinned: boolean;
  readonly rows: readonly ComparedRow[];
  /** By side: CPU seconds and seconds of a launch, medians. */
  readonly cpuSeconds: readonly (number | undefined)[];
  readonly wallSeconds: readonly (number | undefined)[];
  /** By side: part of all repetitions that were rejected. */
  readonly rejectedShare: readonly (number | undefined)[];
}

/** Return what it is called in tables and plots. */
export function nameOf({ program, ranks }: ComparedProgram): string {
  return `${program}, ${ranks} ${ranks === 1 ? 'rank' : 'ranks'}`;
}

/** Compare. */
export function compareSides({ sides, records }: Pick<CampaignResult, 'sides' | 'records'>, basis: Basis): ComparedProgram[] {
  const good = records.filter(({ failure }) => failure === undefined);
  const keys = [...new Set(good.map(({ program, ranks }) => `${program} ${ranks}`))];
  return keys.map((key) => {
    const [program, ranks] = [key.split(' ')[0]!, Number(key.split(' ')[1])];
    const own = good.filter((record) => record.program === program && record.ranks === ranks);
    const bySide = sides.map((side) => own.filter((record) => record.side === side));
    const sizes = [...new Set(own.flatMap(({ rows }) => rows.map(({ size }) => size)))].sort((a, b) => a - b);
    const medianOf = (value: (record: LaunchRecord) => number | undefined): (number | undefined)[] =>
      bySide.map((launches) => medianOrNone(launches.map(value)));
    return {
      program,
      ranks,
      isOversubscribed: own.some(({ job }) => job?.isOversubscribed),
      isPinned: own.every(({ job }) => job?.isPinned),
      rows: sizes.map((size) => ({ size, cells: cellsOf(bySide, size, basis) })),
      cpuSeconds: medianOf(({ cpuSeconds }) => cpuSeconds),
      wallSeconds: medianOf(({ wallSeconds }) => wallSeconds),
      rejectedShare: bySide.map((launches) => {
        const all = launches.flatMap(({ rows }) => rows.flatMap(({ repetitions }) => repetitions));
        return all.length === 0 ? undefined : all.filter(({ rejected }) => rejected !== undefined).length / all.length;
      }),
    };
  });
}

function cellsOf(bySide: readonly (readonly LaunchRecord[])[], size: number, basis: Basis): ComparedRow['cells'] {
  const rowsBySide = bySide.map((launches) => launches.flatMap(({ rows }) => rows.filter((row) => row.size === size)));
  const times = rowsBySide.map((rows) => rows.map((row) => (basis === 'mean' ? row.us : row.tail.p50)));
  return rowsBySide.map((rows, index) => {
    if (rows.length === 0) return undefined;
    const us = median(times[index]!);
    const of = (value: (row: RowLine) => number): number => median(rows.map(value));
    const scale = of((row) => row.us) / us;
    const rated = rows[0]!.megabytesPerSecond !== undefined;
    return {
      us,
      megabytesPerSecond: rated ? of((row) => row.megabytesPerSecond!) * scale : undefined,
      messagesPerSecond: rated ? of((row) => row.messagesPerSecond!) * scale : undefined,
      p50: of((row) => row.tail.p50),
      p99: of((row) => row.tail.p99),
      p999: of((row) => row.tail.p999),
      max: of((row) => row.tail.max),
      slowest: rows[0]!.slowest && of((row) => row.slowest!.mean),
      overlap: rows[0]!.overlap && of((row) => row.overlap!.percent),
      messageShare: rows[0]!.messageShare && of((row) => row.messageShare!),
      launches: rows.length,
      disturbed: rows.filter(({ disturbed }) => disturbed.length > 0).length,
      ratio: index === 0 || times[0]!.length === 0 ? undefined : ratioOfMedians(times[0]!, times[index]!),
    };
  });
}

function medianOrNone(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? undefined : median(known);
}

/** Return the number that a program's table shows. */
export function shownOf(program: string, cell: ComparedCell): number {
  return cell.megabytesPerSecond ?? (unitOf(program) === 'ms' ? cell.us / 1000 : cell.us);
}

/** Return the unit of that number. */
export function unitOf(program: string): string {
  const figure = findProgram(program)?.figure;
  if (figure === 'bandwidth') return 'MB/s';
  return figure === 'start' || figure === 'wall' || figure === 'flow' ? 'ms' : 'us';
}

/** Return three figures or so of a number. */
export function short(value: number): string {
  if (!Number.isFinite(value)) return '-';
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

const FIRST_WIDTH = 10;
const WIDTH = 13;
const RATIO_WIDTH = 26;

/** Return the tables as text. */
export function formatTables(result: CampaignResult, basis: Basis): string {
  const { sides } = result;
  const blocks = compareSides(result, basis).map((compared) => {
    const { program, rows } = compared;
    const notes = [compared.isPinned ? 'pinned' : 'not pinned', ...(compared.isOversubscribed ? ['oversubscribed'] : [])];
    const heads = sides.map(
      (side, k) => side.padStart(WIDTH) + (k > 0 ? `${sides[0]}/${side} (95 %)`.padStart(RATIO_WIDTH) : ''),
    );
    const body = rows.map(({ size, cells }) => {
      const texts = cells.map((cell, k) => cellText(program, cell) + (k > 0 ? ratioText(cell?.ratio).padStart(RATIO_WIDTH) : ''));
      return `${String(size).padEnd(FIRST_WIDTH)}${texts.join('')}`;
    });
    const parts = (name: string, values: readonly (number | undefined)[], format: (value: number) => string): string =>
      `# ${name}: ${sides.flatMap((side, k) => (values[k] === undefined ? [] : `${side} ${format(values[k])}`)).join(', ')}`;
    return [
      `# ${nameOf(compared)} (${notes.join(', ')}), ${unitOf(program)}; ratios are of times${basis === 'p50' ? ', by p50' : ''}`,
      `# ${findProgram(program)!.subject.padEnd(FIRST_WIDTH - 2)}${heads.join('')}`,
      ...body,
      parts('CPU seconds of a launch', compared.cpuSeconds, (value) => value.toFixed(2)),
      ...rows
        .filter(({ cells }) => cells.some((cell) => cell?.messageShare !== undefined))
        .map(({ size, cells }) => {
          const shares = cells.map((cell) => cell?.messageShare);
          return parts(`time in messages at ${size}, mean of the ranks`, shares, (value) => `${(100 * value).toFixed(1)} %`);
        }),
      ...rows.flatMap(({ size }) => {
        const largest = sides.map((side) => differenceOf(result, compared, size, side));
        if (largest.every((value) => value === undefined)) return [];
        return [parts(`largest difference of fields at ${size} from ${sides[0]}`, largest, String)];
      }),
      parts('repetitions rejected', compared.rejectedShare, (value) => `${(100 * value).toFixed(0)} %`),
    ].join('\n');
  });
  const leftOut = result.leftOut.map((text) => `# left out: ${text}`);
  return [...blocks, ...(leftOut.length > 0 ? [leftOut.join('\n')] : [])].join('\n\n');
}

function differenceOf(
  { fieldDifferences }: CampaignResult,
  { program, ranks }: ComparedProgram,
  size: number,
  side: string,
): number | undefined {
  return fieldDifferences.find((one) => one.program === program && one.ranks === ranks && one.size === size && one.side === side)
    ?.largest;
}

/** A figure; with ! where half of its launches or more were disturbed. */
function cellText(program: string, cell: ComparedCell | undefined): string {
  if (cell === undefined) return '-'.padStart(WIDTH);
  return `${short(shownOf(program, cell))}${2 * cell.disturbed >= cell.launches ? '!' : ' '}`.padStart(WIDTH);
}

function ratioText(ratio: Ratio | undefined): string {
  return ratio === undefined ? '-' : `${short(ratio.ratio)} (${short(ratio.from)}-${short(ratio.to)})`;
}
