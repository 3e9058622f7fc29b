/**
 * Report: the summary as the text that a run prints.
 */

import type { Cost } from './cost.ts';
import type { Summary } from './summary.ts';

type Row = readonly [name: string, text: string];

const NAME_WIDTH = 17;

/** Return the report; `folder` holds the results. */
export function formatReport(summary: Summary, folder: string): string {
  const { cost, origin, title, settings, mesh, start, end, ranks, threadsPerRank } = summary;
  const hosts = origin.hosts.map(({ name }) => name).join(', ');
  const short = (day: number): number => Number(day.toFixed(3));
  const rows: Row[] = [
    ['case', title],
    [
      'mesh',
      `6 × ${settings.cells}² elements of degree ${settings.degree}, ${mesh.points} points, at most ${mesh.width.toFixed(0)} km wide`,
    ],
    [
      'ranks',
      `${ranks} with ${threadsPerRank} ${threadsPerRank === 1 ? 'thread' : 'threads'} each on ${hosts}, cores: ${cost.cores}`,
    ],
    ...(start.steps === 0 ? [] : [['start', `a checkpoint of day ${short(start.day)}, after ${start.steps} steps`] as const]),
    ['end', `${end.reason} after ${short(end.day)} days, ${end.steps} steps of ${mesh.dt.toFixed(0)} s`],
    ...describeFlow(summary),
    ...describeCost(cost),
    ['tsmpi', `${origin.tsmpi}, Node ${origin.node}, job ${origin.job}`],
    ['written', folder],
  ];
  return rows.map(([name, text]) => `${name.padEnd(NAME_WIDTH)} ${text}\n`).join('');
}

function describeFlow({ conservation, mean, change, steady, digest }: Summary): Row[] {
  const { mass, energy, energyRise } = conservation;
  const { l1, l2, lInfinity } = change;
  const short = (value: number): string => value.toExponential(2);
  return [
    ['mass', `changed by ${short(mass)} of itself`],
    ['energy', `changed by ${short(energy)} of itself, largest rise within six hours ${short(energyRise)}`],
    ['mean height', `${mean.height.toFixed(6)} m, mean depth ${mean.depth.toFixed(6)} m`],
    [steady ? 'error of h' : 'change of h', `l1 ${short(l1)}, l2 ${short(l2)}, l∞ ${short(lInfinity)} of its size`],
    ['digest', digest.slice(0, 16)],
  ];
}

function describeCost({ seconds, regions, perStep, overlap, memory, imbalance, ...cost }: Cost): Row[] {
  const mebibytes = (value: number): string => (value / 2 ** 20).toFixed(0);
  const shares = Object.entries(regions).map(
    ([name, value]) => `${name} ${value.toFixed(2)} s (${((100 * value) / seconds).toFixed(0)} %)`,
  );
  const speed = `${cost.simulatedDaysPerMinute.toFixed(0)} simulated days/min`;
  const rate = `${(cost.nodeStagesPerSecond / 1e6).toFixed(1)} M nodes and stages/s`;
  return [
    ['time', `${seconds.toFixed(2)} s, ${speed}, ${cost.stepsPerSecond.toFixed(0)} steps/s, ${rate}`],
    ['', shares.join(', ')],
    ['imbalance', `most over mean: computing ${imbalance.computing.toFixed(2)}, elements ${imbalance.elements.toFixed(2)}`],
    ['traffic', `${perStep.messages.toFixed(1)} messages and ${perStep.bytes.toFixed(0)} bytes a step`],
    ['overlap', describeOverlap(overlap)],
    ['memory', `${mebibytes(memory.perRankMean)} MiB a rank, ${mebibytes(memory.perRankMost)} MiB at most`],
  ];
}

function describeOverlap(overlap: Cost['overlap']): string {
  if (overlap === null) return 'no exchange ran beside computation';
  const { aloneUs, besideUs, hidden } = overlap;
  const both = `an exchange alone ${aloneUs.toFixed(1)} µs, beside computation ${besideUs.toFixed(1)} µs`;
  return `${(100 * hidden).toFixed(0)} % hidden: ${both}`;
}
