/**
 * Columns: rows as OSU's programs print them, under their names. A disturbed row ends with what disturbed it. The full format adds
 * the time of the bare reference around the row's repetitions.
 */

import { findProgram, isApplication, isCollective, type ProgramEntry } from '../catalogue.ts';
import { mean, median } from '../lib/statistics.ts';
import type { JobLine, RowLine, Settings } from '../records.ts';

const FIRST_WIDTH = 10;
const WIDTH = 18;

/** What is printed besides OSU's usual columns. */
export interface ColumnOptions {
  /** -f: lowest, highest, iterations. */
  readonly isFull: boolean;
  /** -z: percentiles. */
  readonly percentiles: readonly number[];
}

interface Column {
  readonly name: string;
  readonly value: (row: RowLine) => number;
}

/** Return the columns of a program behind the size. */
export function columnsOf(entry: ProgramEntry, { isFull, percentiles }: ColumnOptions): Column[] {
  const columns: Column[] = [];
  if (entry.figure === 'bandwidth') {
    columns.push({ name: entry.name === 'mbw_mr' ? 'MB/s' : 'Bandwidth (MB/s)', value: (row) => row.megabytesPerSecond! });
    if (entry.name === 'mbw_mr' || isFull) columns.push({ name: 'Messages/s', value: (row) => row.messagesPerSecond! });
  } else if (entry.figure === 'overlap') {
    columns.push(
      { name: 'Overall(us)', value: (row) => row.overlap!.overall },
      { name: 'Compute(us)', value: (row) => row.overlap!.compute },
      { name: 'Pure Comm.(us)', value: (row) => row.overlap!.pure },
      { name: 'Overlap(%)', value: (row) => row.overlap!.percent },
    );
  } else if (entry.figure === 'step') {
    columns.push({ name: 'Step(us)', value: (row) => row.us }, { name: 'Cells/us', value: (row) => row.size ** 3 / row.us });
  } else if (entry.figure === 'flow') {
    columns.push(
      { name: 'Step(ms)', value: (row) => row.us / 1000 },
      { name: 'Cells/us', value: (row) => row.size ** 2 / row.us },
      { name: 'Messages(%)', value: (row) => 100 * row.messageShare! },
    );
  } else if (entry.figure === 'noise') {
    columns.push(
      { name: 'Slowest(us)', value: (row) => row.us },
      { name: 'Quantum(us)', value: (row) => row.tail.min },
      { name: 'Noise(%)', value: (row) => 100 * (row.us / row.tail.min - 1) },
    );
  } else columns.push({ name: isCollective(entry) ? 'Avg Latency(us)' : 'Latency (us)', value: (row) => row.us });
  // A start has no repetitions within its job.
  if (isFull && entry.figure !== 'start' && entry.figure !== 'wall') {
    if (isCollective(entry)) {
      columns.push(
        { name: 'Min Latency(us)', value: (row) => row.ranks!.min },
        { name: 'Max Latency(us)', value: (row) => row.ranks!.max },
        { name: 'Slowest(us)', value: (row) => row.slowest!.mean },
      );
    }
    columns.push(
      { name: 'Iterations', value: (row) => row.iterations },
      { name: 'First(us)', value: (row) => row.firstUs },
      { name: 'Reference(us)', value: ({ repetitions }) => median(repetitions.flatMap(({ reference }) => reference)) },
    );
  }
  const shown = entry.figure === 'tail' && percentiles.length === 0 ? [50, 99, 99.9, 100] : percentiles;
  for (const percentile of shown) columns.push({ name: `P${percentile} Tail Lat(us)`, value: (row) => tailAt(row, percentile) });
  return columns;
}

/** Names as long as a column get a wider one. */
const widthOf = (name: string): number => Math.max(WIDTH, name.length + 2);

/** Percentiles that rows hold. */
export const PERCENTILES: readonly number[] = [50, 90, 99, 99.9, 100];

function tailAt({ tail }: RowLine, percentile: number): number {
  return [tail.p50, tail.p90, tail.p99, tail.p999, tail.max][PERCENTILES.indexOf(percentile)]!;
}

/** Return the lines above the rows. */
export function headingOf(job: JobLine, settings: Settings, options: ColumnOptions): string[] {
  const entry = findProgram(job.program)!;
  const completion = settings.isAwaited ? 'await' : 'wait()';
  const facts = [
    `${job.ranks} ${job.ranks === 1 ? 'rank' : 'ranks'} (${job.rankKind})`,
    job.hosts > 1 ? `${job.hosts} hosts` : '',
    completion,
    `Node ${job.node}`,
  ];
  if (settings.isObject) facts.push('objects');
  if (settings.isTouched) facts.push('data touched');
  if (settings.isRotating) facts.push('rotating buffers');
  if (!job.isPinned) facts.push('not pinned');
  if (job.isOversubscribed) facts.push(`oversubscribed: ${job.cores} cores`);
  const lines = [
    `# ${isApplication(entry) ? entry.title : `OSU-style MPI ${entry.title} Test`}, ${job.library}`,
    `# ${facts.filter((fact) => fact !== '').join(', ')}`,
  ];
  if (entry.name === 'mbw_mr') lines.push(`# [ pairs: ${job.ranks / 2} ] [ window size: ${settings.window} ]`);
  if (entry.figure !== 'start' && entry.figure !== 'wall') {
    const names = columnsOf(entry, options).map(({ name }) => name.padStart(widthOf(name)));
    lines.push(`# ${(entry.sizes === undefined ? '' : entry.subject).padEnd(FIRST_WIDTH - 2)}${names.join('')}`);
  }
  return lines;
}

/** Return the line of a row. */
export function lineOf(row: RowLine, options: ColumnOptions): string {
  const entry = findProgram(row.program)!;
  if (entry.figure === 'start') {
    const [min, max] = [row.ranks!.min, row.ranks!.max].map((us) => (us / 1000).toFixed(1));
    return `min: ${min} ms, max: ${max} ms, avg: ${(row.us / 1000).toFixed(1)} ms`;
  }
  const cells = columnsOf(entry, options).map(({ name, value }) => format(name, value(row)).padStart(widthOf(name)));
  const notes = [
    row.batch > 1 && options.percentiles.length > 0 ? `percentiles of batches of ${row.batch}` : '',
    row.disturbed.length > 0 ? `disturbed: ${row.disturbed.join('; ')}` : '',
  ].filter((note) => note !== '');
  const first = entry.sizes === undefined ? '' : String(row.size);
  return `${first.padEnd(FIRST_WIDTH)}${cells.join('')}${notes.length > 0 ? `   ! ${notes.join('; ')}` : ''}`;
}

const format = (name: string, value: number): string => (name === 'Iterations' ? String(value) : value.toFixed(2));

/** Return the lines below the rows: what was rejected, and by what it was judged. */
export function footerOf(job: JobLine, rows: readonly RowLine[]): string[] {
  const all = rows.flatMap(({ repetitions }) => repetitions);
  if (all.length === 0) return [];
  const reasons = new Map<string, number>();
  for (const { rejected } of all) if (rejected !== undefined) reasons.set(rejected, (reasons.get(rejected) ?? 0) + 1);
  const rejected = [...reasons.values()].reduce((sum, count) => sum + count, 0);
  const why = [...reasons].map(([reason, count]) => `${reason} ${count}`).join(', ');
  const effective = findProgram(job.program)?.name === 'b_eff' ? mean(rows.map((row) => row.megabytesPerSecond!)) : undefined;
  const share = `${rejected} of ${all.length} repetitions rejected${why === '' ? '' : ` (${why})`}`;
  const disturbed = rows.filter((row) => row.disturbed.length > 0).length;
  const unsettled = rows.filter((row) => !row.isSettled).length;
  return [
    ...(effective === undefined ? [] : [`# effective bandwidth, mean over the sizes: ${effective.toFixed(2)} MB/s`]),
    `# ${share}; judged by: ${job.reference}, steal time, throttling`,
    ...(disturbed > 0 ? [`# ${disturbed} of ${rows.length} rows are of a disturbed run: marked with !`] : []),
    ...(unsettled > 0
      ? [`# in ${unsettled} of ${rows.length} rows no three blocks agreed within 3 % before the time began`]
      : []),
  ];
}
