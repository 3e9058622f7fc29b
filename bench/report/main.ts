/**
 * The report of a comparison: results.json with every launch, report.html, report.png. Loaded when one is written.
 */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CampaignResult } from '../run/campaign.ts';
import { type Basis, compareSides } from '../run/table.ts';
import { drawCharts } from './charts.ts';
import { renderHtml } from './html.ts';
import { renderPng } from './png.ts';

/** Write it into a folder; resolve with the files. */
export async function writeReport(result: CampaignResult, basis: Basis, folder: string): Promise<string[]> {
  const compared = compareSides(result, basis);
  const charts = drawCharts(result, compared);
  mkdirSync(folder, { recursive: true });
  const contents: Record<string, string | Uint8Array> = {
    'results.json': `${JSON.stringify(result, null, 1)}\n`,
    'report.html': renderHtml(result, compared, charts, basis),
    ...(charts.length > 0 ? { 'report.png': await renderPng(charts) } : {}),
  };
  return Object.entries(contents).map(([name, content]) => {
    const file = join(folder, name);
    writeFileSync(file, content);
    return file;
  });
}
