/**
 * Report: the summary as the text that a run prints.
 */

import type { Cost } from './cost.ts';
import type { Comparison } from './reference.ts';
import type { Vortex } from './stream-function.ts';
import type { Summary } from './summary.ts';

type Row = readonly [name: string, text: string];

const NAMES = { uMin: 'u_min on x = 0.5', vMax: 'v_max on y = 0.5', vMin: 'v_min on y = 0.5' } as const;
const NAME_WIDTH = 17;

/** Return the report; `folder` holds the results. */
export function formatReport(summary: Summary, folder: string): string {
  const rows = [...describeRun(summary), ...describeFlow(summary), ...describeCost(summary.cost), ...describeOrigin(summary)];
  return `${[...rows, ['written', folder]].map(([name, text]) => `${name.padEnd(NAME_WIDTH)} ${text}\n`).join('')}`;
}

function describeRun({ end, settings, ranks, origin, cost }: Summary): Row[] {
  const { reynolds, grid, tolerance } = settings;
  const hosts = origin.hosts.map(({ name }) => name).join(', ');
  const sign = end.residual <= tolerance ? '≤' : '>';
  return [
    ['flow', `lid-driven cavity, Reynolds ${reynolds}, ${grid} × ${grid} cells, staggered`],
    ['ranks', `${ranks.size} as ${ranks.columns} × ${ranks.rows} blocks on ${hosts}, cores: ${cost.cores}`],
    ['end', `${end.reason} after ${end.steps} steps, t = ${end.time.toFixed(2)} L/U`],
    ['residual', `max|∂u/∂t|·L/U² = ${end.residual.toExponential(2)} ${sign} ${tolerance.toExponential()}`],
    ['divergence', `max|∇·u|·h/U = ${end.divergence.toExponential(1)}`],
  ];
}

function describeFlow({ extrema, vortices, profiles }: Summary): Row[] {
  const rows: Row[] = [
    ...extrema.map((row): Row => [NAMES[row.quantity], describeExtremum(row)]),
    ['primary vortex', describeVortex(vortices.primary)],
    ['bottom right', describeVortex(vortices.bottomRight)],
    ['bottom left', describeVortex(vortices.bottomLeft)],
  ];
  if (profiles === undefined) return rows;
  return [
    ...rows,
    ['Ghia et al. 1982', `rms difference ${profiles.rms.toFixed(4)} over ${profiles.points} interior points of both lines`],
    ['', 'the table itself is off by up to 0.009: the criterion is the extrema'],
  ];
}

function describeExtremum({ value, position, reference }: Comparison): string {
  const own = `${value.toFixed(5).padStart(8)} at ${position.toFixed(4)}`;
  if (reference === undefined) return `${own}   no published value`;
  return `${own}   published ${reference.toFixed(5).padStart(8)}   difference ${Math.abs(value - reference).toFixed(5)}`;
}

function describeVortex(vortex: Vortex | undefined): string {
  if (vortex === undefined) return 'not resolved';
  return `stream function ${vortex.streamFunction.toExponential(4)} at (${vortex.x.toFixed(4)}, ${vortex.y.toFixed(4)})`;
}

function describeCost({ seconds, stepsPerSecond, cellUpdatesPerSecond, ...cost }: Cost): Row[] {
  const million = (value: number): string => (value / 1e6).toFixed(2);
  const mebibytes = (value: number): string => (value / 2 ** 20).toFixed(0);
  const share = (name: keyof Cost['regions']): string =>
    `${name} ${cost.regions[name].toFixed(2)} s (${((100 * cost.regions[name]) / seconds).toFixed(0)} %)`;
  const { exchanges, reductions, messages, bytes } = cost.perStep;
  const { computing, cells } = cost.imbalance;
  return [
    ['time', `${seconds.toFixed(2)} s for the steps, ${stepsPerSecond.toFixed(0)} steps/s`],
    ['', `${share('computing')}, ${share('exchange')}, ${share('reduction')}`],
    [
      'speed',
      `${million(cellUpdatesPerSecond)} M cell updates/s, ${million(cost.cellUpdatesPerSecondAndCore)} M per second and core`,
    ],
    ['each step', `${exchanges.toFixed(1)} exchanges and ${reductions.toFixed(1)} collectives a rank`],
    ['', `${messages.toFixed(1)} messages and ${Math.round(bytes)} bytes of all ranks`],
    ['imbalance', `${computing.toFixed(2)} of computing time, ${cells.toFixed(2)} of cells (largest over mean)`],
    ['memory', `${mebibytes(cost.memory.perRankMean)} MiB a rank, ${mebibytes(cost.memory.perRankMost)} MiB at most`],
  ];
}

function describeOrigin({ origin }: Summary): Row[] {
  const flags = origin.flags.length === 0 ? 'no flags' : origin.flags.join(' ');
  return [['from', `tsmpi ${origin.tsmpi}, Node ${origin.node}, ${flags}`]];
}
