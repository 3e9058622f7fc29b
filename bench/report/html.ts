/**
 * The report as one page: no script, no font, no picture from elsewhere. Facts, charts, tables, what was left out.
 */

import { findProgram } from '../catalogue.ts';
import type { CampaignResult } from '../run/campaign.ts';
import { type Basis, type ComparedCell, type ComparedProgram, nameOf, short, shownOf, unitOf } from '../run/table.ts';
import { type Chart, countText } from './charts.ts';

const STYLE = `
:root { color-scheme: light; }
body { font: 15px/1.5 "DejaVu Sans", system-ui, sans-serif; color: #222; background: #fff; margin: 2rem auto; max-width: 1400px; padding: 0 1rem; }
h1 { font-size: 1.6rem; margin-bottom: .2rem; } h2 { font-size: 1.15rem; margin: 2rem 0 .4rem; }
.facts, .note { color: #555; font-size: .87rem; } .facts code { background: #f3f3f3; padding: .1rem .3rem; }
.charts { display: flex; flex-wrap: wrap; gap: 8px; } .charts figure { margin: 0; border: 1px solid #e4e4e4; max-width: 100%; overflow-x: auto; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; font-size: .87rem; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .7rem; text-align: right; border-bottom: 1px solid #ececec; white-space: nowrap; } th { background: #f7f7f7; font-weight: 600; }
td.size, th.size { text-align: left; } .faster { color: #00694b; } .slower { color: #a63c00; } .disturbed { color: #a63c00; font-weight: 600; }
`;

export function renderHtml(
  result: CampaignResult,
  compared: readonly ComparedProgram[],
  charts: readonly Chart[],
  basis: Basis,
): string {
  const { machine, settings } = result;
  const facts = [
    `${result.startedAt.slice(0, 16).replace('T', ' ')} UTC; ${machine.cpu}, ${machine.cores} cores; ${machine.system}`,
    `${librariesOf(result).join('; ')}`,
    `${result.launchesPerSide} launches of each side, in turn forward and backward; medians over the launches of ${basis === 'mean' ? "each launch's mean" : 'p50'}; completion by ${settings.isAwaited ? 'await' : 'wait()'}`,
  ];
  const disturbed = result.records.flatMap(({ rows }) => rows).filter((row) => row.disturbed.length > 0).length;
  const rows = result.records.reduce((sum, record) => sum + record.rows.length, 0);
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escapeHtml(result.title)}</title><style>${STYLE}</style></head>
<body>
<h1>${escapeHtml(result.title)}</h1>
${facts.map((fact) => `<div class="facts">${escapeHtml(fact)}</div>`).join('\n')}
<div class="facts"><code>${escapeHtml(result.command)}</code></div>
<p class="note">Figures marked <span class="disturbed">!</span> are of launches of which at least half were disturbed (${disturbed} of ${rows} measurements of single
launches were): the bare reference moved by more than 10 %, or there was steal time or throttling, or others took more than a tenth of a core. Ratios are
times of ${escapeHtml(result.sides[0]!)} over times of the other: below 1 ${escapeHtml(result.sides[0]!)} is faster. In brackets the 95 % interval (bootstrap over launches).</p>
<div class="charts">
${charts.map(({ title, svg }) => `<figure role="img" aria-label="${escapeHtml(title)}">${svg}</figure>`).join('\n')}
</div>
${compared.map((program) => renderProgram(program, result.sides)).join('\n')}
${result.leftOut.length > 0 ? `<h2>Left out</h2><ul class="note">${result.leftOut.map((text) => `<li>${escapeHtml(text)}</li>`).join('')}</ul>` : ''}
</body>
</html>
`;
}

function librariesOf({ sides, records }: CampaignResult): string[] {
  return sides.map((side) => {
    const job = records.find((record) => record.side === side && record.job !== undefined)?.job;
    return job === undefined ? side : `${side}: ${job.library}, ranks are ${job.rankKind === 'thread' ? 'threads' : 'processes'}`;
  });
}

function renderProgram(compared: ComparedProgram, sides: readonly string[]): string {
  const { program, rows } = compared;
  const { figure, subject } = findProgram(program)!;
  const heads = sides.map(
    (side, k) => `<th>${escapeHtml(side)}</th>${k > 0 ? '<th>ratio</th>' : ''}<th>p99</th><th>p99.9</th><th>max</th>`,
  );
  const body = rows.map(({ size, cells }) => {
    const columns = cells.map((cell, k) => renderCell(program, cell, k > 0));
    return `<tr><td class="size">${size > 0 || subject !== 'Size' ? countText(subject, size) : ''}</td>${columns.join('')}</tr>`;
  });
  const parts = (values: readonly (number | undefined)[], format: (value: number) => string): string =>
    sides.flatMap((side, k) => (values[k] === undefined ? [] : `${escapeHtml(side)} ${format(values[k])}`)).join(', ');
  const notes = [
    `${unitOf(program)}${figure === 'bandwidth' ? ', tails in us' : ''}`,
    compared.isPinned ? 'each rank pinned to a core' : 'not pinned',
    ...(compared.isOversubscribed ? ['<b>oversubscribed</b>: more ranks than cores'] : []),
    `CPU seconds of a launch: ${parts(compared.cpuSeconds, (value) => value.toFixed(2))}`,
    `rejected: ${parts(compared.rejectedShare, (value) => `${(100 * value).toFixed(0)} %`)}`,
  ];
  return `<h2>${nameOf(compared)}</h2><div class="note">${notes.join('; ')}</div>
<div class="scroll"><table><tr><th class="size">${escapeHtml(subject.toLowerCase())}</th>${heads.join('')}</tr>
${body.join('\n')}</table></div>`;
}

function renderCell(program: string, cell: ComparedCell | undefined, hasRatio: boolean): string {
  if (cell === undefined) return '<td>-</td>'.repeat(hasRatio ? 5 : 4);
  const mark = 2 * cell.disturbed >= cell.launches ? ' <span class="disturbed">!</span>' : '';
  const { ratio } = cell;
  const tone = ratio === undefined ? '' : ratio.to < 1 ? ' class="faster"' : ratio.from > 1 ? ' class="slower"' : '';
  const ratioCell =
    ratio === undefined ? '<td>-</td>' : `<td${tone}>${short(ratio.ratio)} (${short(ratio.from)}–${short(ratio.to)})</td>`;
  const scale = unitOf(program) === 'ms' ? 1000 : 1;
  const tails = [cell.p99, cell.p999, cell.max].map((us) => `<td>${short(us / scale)}</td>`).join('');
  return `<td>${short(shownOf(program, cell))}${mark}</td>${hasRatio ? ratioCell : ''}${tails}`;
}

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
