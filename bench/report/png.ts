/**
 * All charts in one PNG: one SVG of them side by side, drawn by resvg with the font that lies beside it in dist/, so that no
 * machine needs fonts.
 */

import { readFileSync } from 'node:fs';
import { initWasm, Resvg } from '@resvg/resvg-wasm';
import { CHART_HEIGHT, CHART_WIDTH, type Chart, FONT } from './charts.ts';

const COLUMNS = 2;
const GAP = 8;
/** Pixels of a unit. */
const SCALE = 1.5;

let isReady = false;

export async function renderPng(charts: readonly Chart[]): Promise<Uint8Array> {
  const asset = (name: string): Uint8Array<ArrayBuffer> => new Uint8Array(readFileSync(new URL(name, import.meta.url)));
  if (!isReady) await initWasm(asset('./bench-resvg.wasm'));
  isReady = true;
  const resvg = new Resvg(arrange(charts), {
    background: 'white',
    fitTo: { mode: 'zoom', value: SCALE },
    font: { fontBuffers: [asset('./bench-font.ttf')], defaultFontFamily: FONT, sansSerifFamily: FONT },
  });
  return resvg.render().asPng();
}

/** Return one SVG of all, two in a row. */
function arrange(charts: readonly Chart[]): string {
  const columns = Math.min(COLUMNS, charts.length);
  const rows = Math.ceil(charts.length / columns);
  const [width, height] = [columns * (CHART_WIDTH + GAP) + GAP, rows * (CHART_HEIGHT + GAP) + GAP];
  const placed = charts.map(({ svg }, k) => {
    const [x, y] = [GAP + (k % columns) * (CHART_WIDTH + GAP), GAP + Math.floor(k / columns) * (CHART_HEIGHT + GAP)];
    // Names of clip paths and styles are those of each chart alone.
    const own = svg.replaceAll(/\bzr\d+-/g, (name) => `c${k}-${name}`);
    return own.replace('<svg ', `<svg x="${x}" y="${y}" `);
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">${placed.join('')}</svg>`;
}
