/**
 * Picture: cavity.png. Left the speed in colours, stream lines and vortex centres; right the two centre lines beside Ghia's
 * points.
 *
 * Stream lines of the primary vortex are equally spaced in ψ; those of the corner vortices, thousands of times weaker, are
 * spaced over their own ψ. The colours run with the root of the speed, since most of the cavity is slow.
 */

import { Canvas, type Colour } from '../../picture/canvas.ts';
import { mixColour, VIRIDIS } from '../../picture/colours.ts';
import { traceContour } from '../../picture/contours.ts';
import type { Field } from '../field.ts';
import type { Line } from '../lines.ts';
import type { TablePoint } from '../reference.ts';
import type { Vortex, Vortices } from '../stream-function.ts';
import { Frame, INK, type Range, SMALL_TEXT } from './frame.ts';

const WHITE: Colour = [255, 255, 255];
const CURVE: Colour = [38, 84, 160];
const POINT: Colour = [200, 60, 40];
const WIDTH = 1560;
const HEIGHT = 900;
const UNIT: Range = { from: 0, to: 1, ticks: [0, 0.2, 0.4, 0.6, 0.8, 1] };
const SPEEDS = [0, 0.01, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1];
/** ψ over that of the vortex's centre. */
const PRIMARY_LEVELS = [1e-4, 1e-3, 1e-2, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.97];
const CORNER_LEVELS = [0.01, 0.1, 0.3, 0.6, 0.9];

/** Return cavity.png. */
export function drawPicture(
  reynolds: number,
  field: Field,
  psi: Float64Array,
  vortices: Vortices,
  [u, v]: readonly [Line, Line],
  table: readonly TablePoint[],
): Uint8Array {
  const canvas = new Canvas(WIDTH, HEIGHT, WHITE);
  canvas.text(90, 46, `Lid-driven cavity, Re ${reynolds}, ${field.cells} × ${field.cells} cells`, 18, INK);
  canvas.text(90, 74, 'speed over that of the lid, stream lines, vortex centres', SMALL_TEXT, INK);
  const map = new Frame(canvas, { left: 90, top: 100, width: 720, height: 720 }, UNIT, UNIT);
  drawSpeed(canvas, map, field);
  drawStreamLines(canvas, map, psi, field.cells, vortices);
  map.drawAxes('x', 'y');
  drawColourBar(canvas, 840, 100, 22, 720);

  const legend = table.length === 0 ? 'this run' : 'this run (line) and Ghia et al. 1982 (points)';
  canvas.text(1060, 74, legend, SMALL_TEXT, INK);
  const uFrame = { left: 1060, top: 100, width: 460, height: 300 };
  const vFrame = { left: 1060, top: 520, width: 460, height: 300 };
  drawProfile(canvas, new Frame(canvas, uFrame, UNIT, fitRange(u)), u, table, 'y, on x = 0.5', 'u');
  drawProfile(canvas, new Frame(canvas, vFrame, UNIT, fitRange(v)), v, table, 'x, on y = 0.5', 'v');
  return canvas.encode();
}

/** Return the colour of a speed from 0 to 1. */
function chooseColour(speed: number): Colour {
  return mixColour(VIRIDIS, Math.sqrt(Math.max(0, speed)));
}

/** Paint the speed, linear between the corners of the cells. */
function drawSpeed(canvas: Canvas, { box }: Frame, { cells, u, v }: Field): void {
  const stride = cells + 1;
  const speed = new Float64Array(stride * stride);
  for (let j = 0; j < stride; j += 1) {
    for (let i = 0; i < stride; i += 1) {
      const isWall = i === 0 || i === cells || j === 0;
      const along = j === cells ? 1 : isWall ? 0 : 0.5 * (u[j * stride + i] + u[(j - 1) * stride + i]);
      const across = isWall || j === cells ? 0 : 0.5 * (v[j * cells + i] + v[j * cells + i - 1]);
      speed[j * stride + i] = Math.hypot(along, across);
    }
  }
  for (let y = 0; y < box.height; y += 1) {
    const py = ((box.height - y - 0.5) / box.height) * cells;
    const j = Math.floor(py);
    for (let x = 0; x < box.width; x += 1) {
      const px = ((x + 0.5) / box.width) * cells;
      const i = Math.floor(px);
      const k = j * stride + i;
      const lower = speed[k] + (px - i) * (speed[k + 1] - speed[k]);
      const upper = speed[k + stride] + (px - i) * (speed[k + stride + 1] - speed[k + stride]);
      canvas.setPixel(box.left + x, box.top + y, chooseColour(lower + (py - j) * (upper - lower)));
    }
  }
}

function drawStreamLines(canvas: Canvas, frame: Frame, psi: Float64Array, cells: number, vortices: Vortices): void {
  const { primary, bottomRight, bottomLeft } = vortices;
  const draw = (vortex: Vortex | undefined, levels: readonly number[], isInside: (x: number, y: number) => boolean): void => {
    if (vortex === undefined) return;
    for (const level of levels) {
      const segments = traceContour(psi, cells, cells, level * vortex.streamFunction);
      for (let k = 0; k < segments.length; k += 4) {
        const [x1, y1, x2, y2] = segments.slice(k, k + 4).map((value) => value / cells);
        if (isInside(x1, y1)) canvas.stroke(frame.toX(x1), frame.toY(y1), frame.toX(x2), frame.toY(y2), 1.6);
      }
    }
  };
  draw(primary, PRIMARY_LEVELS, () => true);
  draw(bottomRight, CORNER_LEVELS, (x, y) => x > 0.5 && y < 0.5);
  draw(bottomLeft, CORNER_LEVELS, (x, y) => x < 0.5 && y < 0.5);
  canvas.paint(WHITE, 0.85);
  for (const vortex of [primary, bottomRight, bottomLeft]) {
    if (vortex === undefined) continue;
    canvas.disc(frame.toX(vortex.x), frame.toY(vortex.y), 11, WHITE);
    canvas.disc(frame.toX(vortex.x), frame.toY(vortex.y), 7, POINT);
  }
}

function drawColourBar(canvas: Canvas, left: number, top: number, width: number, height: number): void {
  for (let y = 0; y < height; y += 1) {
    const place = (height - y - 0.5) / height;
    for (let x = 0; x < width; x += 1) canvas.setPixel(left + x, top + y, chooseColour(place * place));
  }
  for (const speed of SPEEDS) {
    const y = top + height * (1 - Math.sqrt(speed));
    canvas.stroke(left + width, y, left + width + 6, y, 1.5);
    canvas.text(left + width + 12, y + 5, String(speed), SMALL_TEXT, INK);
    canvas.stroke(left + width, y, left + width + 6, y, 1.5);
    canvas.paint(INK);
  }
}

function drawProfile(
  canvas: Canvas,
  frame: Frame,
  line: Line,
  table: readonly TablePoint[],
  xLabel: string,
  yLabel: string,
): void {
  frame.drawGrid();
  const points = Array.from(line.positions, (position, k) => [frame.toX(position), frame.toY(line.values[k])]).flat();
  canvas.strokeAll(points, 2.2);
  canvas.paint(CURVE);
  for (const { line: name, position, value, isMisprint } of table) {
    if (name !== line.name || isMisprint) continue;
    canvas.disc(frame.toX(position), frame.toY(value), 9, POINT);
    canvas.disc(frame.toX(position), frame.toY(value), 5, WHITE);
  }
  frame.drawAxes(xLabel, yLabel);
}

/** Return a range of round tenths around the line's values. */
function fitRange({ values }: Line): Range {
  const step = 0.2;
  const from = Math.floor(Math.min(...values) / step - 0.1);
  const to = Math.ceil(Math.max(...values) / step - 0.1);
  const ticks = Array.from({ length: to - from + 1 }, (_, k) => Number(((from + k) * step).toFixed(1)));
  return { from: from * step, to: to * step, ticks };
}
