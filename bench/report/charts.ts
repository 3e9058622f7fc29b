/**
 * Charts of a comparison as SVG, drawn by echarts without a browser: latency and bandwidth over size (both axes
 * logarithmic), message rate, collectives over ranks or size, tails, and ratios with their intervals.
 */

import { BarChart, LineChart } from 'echarts/charts';
import { GridComponent, LegendComponent, TitleComponent } from 'echarts/components';
import { init, use } from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';
import { findProgram, isCollective, type Subject } from '../catalogue.ts';
import type { CampaignResult } from '../run/campaign.ts';
import { type ComparedCell, type ComparedProgram, nameOf } from '../run/table.ts';

use([BarChart, LineChart, GridComponent, LegendComponent, TitleComponent, SVGRenderer]);

export const CHART_WIDTH = 620;
export const CHART_HEIGHT = 400;
export const FONT = 'DejaVu Sans';
/** Okabe and Ito's colours, told apart by all eyes. */
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#444444'];
const SYMBOLS = ['circle', 'rect', 'triangle', 'diamond', 'roundRect', 'pin', 'arrow'] as const;

/** A chart: what it shows, and its picture. */
export interface Chart {
  readonly title: string;
  readonly svg: string;
}

interface Series {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
  /** Lower and upper end at each point. */
  readonly band?: readonly (readonly [number, number])[];
}

/** Return all charts that the figures give. */
export function drawCharts({ sides }: CampaignResult, compared: readonly ComparedProgram[]): Chart[] {
  const charts: Chart[] = [];
  const overSizes = (program: ComparedProgram, value: (cell: ComparedCell) => number | undefined): Series[] =>
    sides.map((name, k) => ({
      name,
      points: program.rows.flatMap(({ size, cells }) => {
        const y = cells[k] && value(cells[k]);
        return size > 0 && y !== undefined && y > 0 ? [[size, y] as const] : [];
      }),
    }));
  const add = (title: string, unit: string, series: readonly Series[], axes: Axes, subject: Subject = 'Size'): void => {
    const drawn = series.filter(({ points }) => points.length > 0);
    if (drawn.length > 0) charts.push({ title, svg: draw(title, unit, drawn, axes, subject) });
  };
  const collectives = compared.filter(({ program }) => isOverRanks(program));
  for (const program of compared) {
    if (isOverRanks(program.program) || program.rows.every(({ size }) => size === 0)) continue;
    const title = titleOf(program);
    const { figure, subject } = findProgram(program.program)!;
    if (figure === 'bandwidth') {
      add(
        `${title}: bandwidth`,
        'MB/s',
        overSizes(program, (cell) => cell.megabytesPerSecond),
        'sizes',
      );
      add(
        `${title}: message rate`,
        'messages/s',
        overSizes(program, (cell) => cell.messagesPerSecond),
        'sizes',
      );
    } else
      add(
        `${title}: time`,
        'us',
        overSizes(program, ({ us }) => us),
        'sizes',
        subject,
      );
    if (sides.length > 1) add(`${title}: time of ${sides[0]} / other`, 'ratio', ratios(sides, program), 'ratios', subject);
  }
  const names = [...new Set(collectives.map(({ program }) => program))];
  for (const name of names) {
    const own = collectives.filter(({ program }) => program === name);
    const { subject } = findProgram(name)!;
    if (own.length > 1) {
      const sizes = own[0]!.rows.map(({ size }) => size);
      for (const size of new Set([sizes[0]!, sizes.at(-1)!])) {
        add(`${name}${size > 0 ? ` of ${countText(subject, size)}` : ''} over ranks`, 'us', overRanks(sides, own, size), 'ranks');
      }
    } else if (own[0]!.rows.some(({ size }) => size > 0)) {
      add(
        `${titleOf(own[0]!)}: time`,
        'us',
        overSizes(own[0]!, ({ us }) => us),
        'sizes',
        subject,
      );
      if (sides.length > 1)
        add(`${titleOf(own[0]!)}: time of ${sides[0]} / other`, 'ratio', ratios(sides, own[0]!), 'ratios', subject);
    }
  }
  for (const program of compared) {
    if (program.program !== 'latency' && !(isOverRanks(program.program) && program === collectives[0])) continue;
    const [row] = program.rows;
    const title = `${titleOf(program)}: tails${row!.size > 0 ? ` at ${countText(findProgram(program.program)!.subject, row!.size)}` : ''}`;
    charts.push({ title, svg: drawTails(title, sides, row!.cells) });
  }
  return charts;
}

/** It is drawn over ranks. */
const isOverRanks = (name: string): boolean => {
  const entry = findProgram(name)!;
  return isCollective(entry) || entry.figure === 'step';
};

const titleOf = (compared: ComparedProgram): string =>
  `${nameOf(compared)}${compared.isOversubscribed ? ' (oversubscribed)' : ''}`;

function overRanks(sides: readonly string[], programs: readonly ComparedProgram[], size: number): Series[] {
  return sides.map((name, k) => ({
    name,
    points: programs.flatMap(({ ranks, rows }) => {
      const cell = rows.find((row) => row.size === size)?.cells[k];
      return cell === undefined ? [] : [[ranks, cell.us] as const];
    }),
  }));
}

function ratios(sides: readonly string[], { rows }: ComparedProgram): Series[] {
  return sides.slice(1).map((name, index) => {
    const known = rows.flatMap(({ size, cells }) => {
      const ratio = cells[index + 1]?.ratio;
      return ratio === undefined || size === 0 ? [] : [{ size, ratio }];
    });
    return {
      name,
      points: known.map(({ size, ratio }) => [size, ratio.ratio] as const),
      band: known.map(({ ratio }) => [ratio.from, ratio.to] as const),
    };
  });
}

type Axes = 'sizes' | 'ranks' | 'ratios';

const SUBJECT_NAMES: Readonly<Record<Subject, string>> = {
  Size: 'message size',
  Queued: 'messages in the way',
  Edge: 'edge of the cube, cells',
  'Load(%)': 'load, %',
  Ranks: 'ranks, by calculation',
  Cells: 'cells a side',
};

const TEXT = { fontFamily: FONT, fontSize: 12, color: '#222' };
const LINES = { lineStyle: { color: '#e4e4e4' } };

/** Draw lines over sizes or ranks. */
function draw(title: string, unit: string, series: readonly Series[], axes: Axes, subject: Subject): string {
  const xs = [...new Set(series.flatMap(({ points }) => points.map(([x]) => x)))].sort((a, b) => a - b);
  const chart = init(null, null, { renderer: 'svg', ssr: true, width: CHART_WIDTH, height: CHART_HEIGHT });
  const isRatio = axes === 'ratios';
  // Ratios take their colours from the sides, of which the first is left out.
  const first = isRatio ? 1 : 0;
  const colourOf = (k: number): string => COLOURS[(k + first) % COLOURS.length]!;
  chart.setOption({
    animation: false,
    textStyle: TEXT,
    ...frameOf(title, unit),
    // Sizes stand where their logarithms do: positions are those, and names are looked up.
    xAxis: {
      type: 'value',
      min: Math.log2(xs[0]!),
      max: Math.max(Math.log2(xs.at(-1)!), Math.log2(xs[0]!) + 1),
      interval: axes === 'ranks' ? 1 : Math.max(1, Math.ceil(Math.log2(xs.at(-1)! / xs[0]!) / 8)),
      name: axes === 'ranks' ? 'ranks' : SUBJECT_NAMES[subject],
      nameLocation: 'middle',
      nameGap: 30,
      nameTextStyle: TEXT,
      axisLabel: {
        ...TEXT,
        formatter: (value: number) => (axes === 'ranks' ? String(Math.round(2 ** value)) : countText(subject, 2 ** value)),
      },
      splitLine: LINES,
    },
    yAxis: {
      type: 'log',
      axisLabel: { ...TEXT, formatter: numberText },
      splitLine: LINES,
      minorSplitLine: { show: true, lineStyle: { color: '#f3f3f3' } },
      ...rangeOf(series, isRatio),
    },
    series: [
      ...series.map(({ name, points }, k) => ({
        type: 'line' as const,
        name,
        data: points.map(([x, y]) => [Math.log2(x), y]),
        symbol: SYMBOLS[(k + first) % SYMBOLS.length]!,
        symbolSize: 7,
        color: colourOf(k),
        lineStyle: { width: 2 },
      })),
      ...series.flatMap(({ points, band }, k) =>
        (band ?? []).map(([from, to], index) => ({
          type: 'line' as const,
          data: [
            [Math.log2(points[index]![0]), from],
            [Math.log2(points[index]![0]), to],
          ],
          symbol: 'none',
          color: colourOf(k),
          lineStyle: { width: 2, cap: 'butt' as const },
        })),
      ),
      ...(isRatio ? [unity(xs)] : []),
    ],
    legend: { ...LEGEND, data: series.map(({ name }) => name) },
  });
  return render(chart);
}

/** The line of equal times. */
const unity = (xs: readonly number[]): object => ({
  type: 'line',
  data: [
    [Math.log2(xs[0]!), 1],
    [Math.log2(xs.at(-1)!), 1],
  ],
  symbol: 'none',
  color: '#444',
  lineStyle: { type: 'dashed', width: 1 },
});

const LEGEND = { bottom: 2, textStyle: TEXT, itemWidth: 22, itemGap: 22, icon: 'roundRect' } as const;

function frameOf(title: string, unit: string): object {
  return {
    title: [
      { text: title, left: 8, top: 6, textStyle: { ...TEXT, fontSize: 14, fontWeight: 'normal' } },
      { text: unit, left: 8, top: 30, textStyle: { ...TEXT, fontWeight: 'normal', color: '#666' } },
    ],
    grid: { left: 66, right: 30, top: 56, bottom: 76 },
  };
}

/** Ends of a logarithmic axis: whole powers of ten, so that lines of decades are there; of ratios whole powers of two. */
function rangeOf(series: readonly Series[], isRatio: boolean): { min: number; max: number; logBase: number } {
  const ys = series.flatMap(({ points, band }) => [...points.map(([, y]) => y), ...(band ?? []).flat()]);
  const [low, high] = [Math.min(...ys, ...(isRatio ? [0.9] : [])), Math.max(...ys, ...(isRatio ? [1.1] : []))];
  const logBase = isRatio ? 2 : 10;
  const power = (value: number): number => Math.log(value) / Math.log(logBase);
  return { min: logBase ** Math.floor(power(low) + 1e-9), max: logBase ** Math.ceil(power(high) - 1e-9), logBase };
}

const TAIL_NAMES = ['p50', 'p99', 'p99.9', 'max'];

function drawTails(title: string, sides: readonly string[], cells: readonly (ComparedCell | undefined)[]): string {
  const chart = init(null, null, { renderer: 'svg', ssr: true, width: CHART_WIDTH, height: CHART_HEIGHT });
  const present = sides.flatMap((name, k) =>
    cells[k] === undefined ? [] : [{ name, cell: cells[k], colour: COLOURS[k % COLOURS.length]! }],
  );
  const all = present.flatMap(({ cell }) => [cell.p50, cell.max]);
  const floor = 10 ** Math.floor(Math.log10(Math.min(...all)));
  chart.setOption({
    animation: false,
    textStyle: TEXT,
    ...frameOf(title, 'us'),
    xAxis: { type: 'category', data: TAIL_NAMES, axisLabel: TEXT, axisTick: { show: false } },
    yAxis: {
      type: 'log',
      min: floor,
      startValue: floor,
      max: 10 ** Math.ceil(Math.log10(Math.max(...all))),
      axisLabel: { ...TEXT, formatter: numberText },
      splitLine: LINES,
    },
    series: present.map(({ name, cell, colour }) => ({
      type: 'bar' as const,
      name,
      color: colour,
      barGap: '8%',
      data: [cell.p50, cell.p99, cell.p999, cell.max],
    })),
    legend: { ...LEGEND, data: present.map(({ name }) => name) },
  });
  return render(chart);
}

function render(chart: ReturnType<typeof init>): string {
  const svg = chart.renderToSVGString();
  chart.dispose();
  return svg;
}

/** Return a number of the first column. */
export function countText(subject: Subject, count: number): string {
  return subject === 'Size' ? sizeText(count) : String(Math.round(count));
}

/** Return bytes as 8 B, 64 KiB, 1 MiB. */
function sizeText(bytes: number): string {
  const rounded = Math.round(bytes);
  if (rounded >= 1 << 20) return `${trim(rounded / (1 << 20))} MiB`;
  if (rounded >= 1 << 10) return `${trim(rounded / (1 << 10))} KiB`;
  return `${rounded} B`;
}

const trim = (value: number): string => String(Number(value.toFixed(1)));

function numberText(value: number): string {
  if (value >= 1e6) return `${trim(value / 1e6)} M`;
  if (value >= 1e4) return `${trim(value / 1e3)} k`;
  return String(Number(value.toPrecision(2)));
}
