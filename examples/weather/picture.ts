/**
 * Picture: a day's maps of the free surface's height and of the vorticity, one above the other.
 *
 * Scales and contours are fixed for each case, so that the pictures of a series can be laid side by side. The jet's maps show
 * its latitudes alone, as its authors' do; those of the other cases the whole globe.
 */

import { Canvas, type Colour } from '../picture/canvas.ts';
import { BLUE_TO_RED, mixColour, VIRIDIS } from '../picture/colours.ts';
import { traceContour } from '../picture/contours.ts';
import { createEquirectangular, MOLLWEIDE, type Place, type Projection } from '../picture/projection.ts';
import type { CaseName } from './cases.ts';

/** Whole maps, rows from south to north, longitudes from 0 eastward. */
export interface Maps {
  readonly columns: number;
  readonly height: Float64Array;
  readonly ground: Float64Array;
  readonly vorticity: Float64Array;
}

/** Values at the ends of a colour bar, and between contours. */
interface Scale {
  readonly from: number;
  readonly to: number;
  readonly contour: number;
  /** Between the bar's labels. */
  readonly label: number;
}

interface Style {
  readonly projection: Projection;
  readonly height: Scale;
  /** In 10⁻⁵ s⁻¹. */
  readonly vorticity: Scale;
}

const STYLES: Readonly<Record<CaseName, Style>> = {
  2: {
    projection: MOLLWEIDE,
    height: { from: 1000, to: 3000, contour: 200, label: 400 },
    vorticity: { from: -2, to: 2, contour: 0.5, label: 1 },
  },
  5: {
    projection: MOLLWEIDE,
    height: { from: 5000, to: 6000, contour: 50, label: 200 },
    vorticity: { from: -5, to: 5, contour: 1, label: 1 },
  },
  6: {
    projection: MOLLWEIDE,
    height: { from: 8000, to: 10_600, contour: 100, label: 400 },
    vorticity: { from: -12, to: 12, contour: 2, label: 4 },
  },
  galewsky: {
    projection: createEquirectangular(10, 80),
    height: { from: 8600, to: 10_400, contour: 100, label: 200 },
    vorticity: { from: -16, to: 16, contour: 2, label: 4 },
  },
};
const INK: Colour = [40, 44, 52];
const GRATICULE: Colour = [90, 96, 108];
const WHITE: Colour = [255, 255, 255];
const PER_UNIT = 1e5;
const LEFT = 80;
const MAP_WIDTH = 1100;
const WIDTH = LEFT + MAP_WIDTH + 150;
const GRATICULE_STEP = 30;

/** Return the picture as PNG. `title` names the case, `day` is the time. */
export function drawMaps(name: CaseName, title: string, day: number, mesh: string, maps: Maps): Uint8Array {
  const { projection, height, vorticity } = STYLES[name];
  const mapHeight = Math.round(MAP_WIDTH / projection.aspect);
  const panel = mapHeight + 120;
  const canvas = new Canvas(WIDTH, 110 + 2 * panel, WHITE);
  canvas.text(LEFT, 46, `${title}, day ${day}`, 17, INK);
  canvas.text(LEFT, 76, `${mesh}, ${projection.title}`, 11, INK);
  const scaled = maps.vorticity.map((value) => value * PER_UNIT);
  const parts = [
    { values: maps.height, scale: height, colours: VIRIDIS, label: 'height of the free surface, m', unit: 'm', digits: 0 },
    {
      values: scaled,
      scale: vorticity,
      colours: BLUE_TO_RED,
      label: 'relative vorticity, 10⁻⁵ s⁻¹',
      unit: '10⁻⁵ s⁻¹',
      digits: 2,
    },
  ];
  for (const [k, { values, scale, colours, label, unit, digits }] of parts.entries()) {
    const top = 150 + k * panel;
    const frame = { canvas, projection, left: LEFT, top, width: MAP_WIDTH, height: mapHeight };
    canvas.text(LEFT, top - 22, label, 13, INK);
    const ends = [findEnd(values, Math.min), findEnd(values, Math.max)].map((value) => formatNumber(value, digits));
    canvas.text(LEFT + MAP_WIDTH, top - 22, `contours every ${scale.contour}, from ${ends[0]} to ${ends[1]}`, 11, INK, 'end');
    paintField(frame, values, maps.columns, colours, scale);
    drawContours(frame, values, maps.columns, scale.contour, [30, 34, 42]);
    drawGround(frame, maps);
    drawGraticule(frame);
    drawColourBar(canvas, LEFT + MAP_WIDTH + 34, top, 20, mapHeight, colours, scale, unit);
  }
  return canvas.encode();
}

interface Frame {
  readonly canvas: Canvas;
  readonly projection: Projection;
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** Paint a field, linear between the middles of its cells. */
function paintField(
  { canvas, projection, left, top, width, height }: Frame,
  values: Float64Array,
  columns: number,
  colours: readonly Colour[],
  scale: Scale,
): void {
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const place = projection.locate((x + 0.5) / width, (y + 0.5) / height);
      if (place === undefined) continue;
      const value = interpolate(values, columns, place);
      canvas.setPixel(left + x, top + y, mixColour(colours, (value - scale.from) / (scale.to - scale.from)));
    }
  }
}

function interpolate(values: Float64Array, columns: number, { longitude, latitude }: Place): number {
  const rows = columns / 2;
  const x = (((longitude + 360) % 360) * columns) / 360 - 0.5;
  const y = Math.min(rows - 1, Math.max(0, ((latitude + 90) * rows) / 180 - 0.5));
  const i = Math.floor(x);
  const j = Math.min(rows - 2, Math.floor(y));
  const [west, east] = [(i + columns) % columns, (i + 1) % columns];
  const along = (row: number): number =>
    values[row * columns + west] + (x - i) * (values[row * columns + east] - values[row * columns + west]);
  return along(j) + (y - j) * (along(j + 1) - along(j));
}

function drawContours(frame: Frame, values: Float64Array, columns: number, step: number, colour: Colour): void {
  const first = Math.ceil(findEnd(values, Math.min) / step);
  const most = findEnd(values, Math.max);
  for (let k = first; k * step < most; k += 1) {
    // Where nothing turns the vorticity is 0 but for noise, whose lines say nothing.
    if (k !== 0) strokeLevel(frame, values, columns, k * step, 0.9);
  }
  frame.canvas.paint(colour, 0.75);
}

/** Draw the foot of a mountain and half its height. */
function drawGround(frame: Frame, { ground, columns }: Maps): void {
  const top = findEnd(ground, Math.max);
  if (top === 0) return;
  for (const share of [0.1, 0.5]) strokeLevel(frame, ground, columns, share * top, 2.4);
  frame.canvas.paint([150, 75, 20]);
}

function strokeLevel(
  { canvas, projection, left, top, width, height }: Frame,
  values: Float64Array,
  columns: number,
  level: number,
  lineWidth: number,
): void {
  const rows = columns / 2;
  const step = 360 / columns;
  // Half the globe to the west of Greenwich comes first, so that no line crosses the map's edge; one column stands twice.
  const turned = new Float64Array((columns + 1) * rows);
  for (let j = 0; j < rows; j += 1) {
    for (let i = 0; i <= columns; i += 1) turned[j * (columns + 1) + i] = values[j * columns + ((i + columns / 2) % columns)];
  }
  const segments = traceContour(turned, columns, rows - 1, level);
  const limit = (longitude: number): number => Math.min(180, Math.max(-180, longitude));
  for (let k = 0; k < segments.length; k += 4) {
    const ends = [0, 2].map((part) => ({
      longitude: limit((segments[k + part] + 0.5) * step - 180),
      latitude: (segments[k + part + 1] + 0.5) * step - 90,
    }));
    if (ends.some(({ latitude }) => latitude < projection.south || latitude > projection.north)) continue;
    const [[x1, y1], [x2, y2]] = ends.map((place) => projection.project(place));
    canvas.stroke(left + x1 * width, top + y1 * height, left + x2 * width, top + y2 * height, lineWidth);
  }
}

/** Draw meridians and parallels, the map's rim and their labels. */
function drawGraticule({ canvas, projection, left, top, width, height }: Frame): void {
  const { south, north } = projection;
  const put = (longitude: number, latitude: number): readonly [number, number] => {
    const [x, y] = projection.project({ longitude, latitude });
    return [left + x * width, top + y * height];
  };
  const meridian = (longitude: number): number[] =>
    Array.from({ length: 91 }, (_, k) => put(longitude, south + (k * (north - south)) / 90)).flat();
  const parallel = (latitude: number): number[] => Array.from({ length: 91 }, (_, k) => put(-180 + 4 * k, latitude)).flat();
  const latitudes = [-60, -30, 0, 30, 60].filter((latitude) => latitude > south && latitude < north);
  for (let longitude = -150; longitude < 180; longitude += GRATICULE_STEP) canvas.strokeAll(meridian(longitude), 0.8);
  for (const latitude of latitudes) canvas.strokeAll(parallel(latitude), 0.8);
  canvas.paint(GRATICULE, 0.55);
  for (const line of [meridian(-180), meridian(180), parallel(south), parallel(north)]) canvas.strokeAll(line, 1.5);
  canvas.paint(INK);
  for (const latitude of latitudes) {
    const [x, y] = put(-180, latitude);
    canvas.text(x - 10, y + 5, formatDegrees(latitude, 'N', 'S'), 10, INK, 'end');
  }
  // Meridians meet at the poles of a globe: their labels stand where they are furthest apart.
  const isGlobe = south === -90;
  for (let longitude = isGlobe ? -120 : -180; longitude <= (isGlobe ? 120 : 180); longitude += 60) {
    const [x, y] = put(longitude, isGlobe ? 0 : south);
    canvas.text(
      x + (isGlobe ? 5 : 0),
      y + (isGlobe ? -6 : 22),
      formatDegrees(longitude, 'E', 'W'),
      10,
      INK,
      isGlobe ? 'start' : 'middle',
    );
  }
}

function drawColourBar(
  canvas: Canvas,
  left: number,
  top: number,
  width: number,
  height: number,
  colours: readonly Colour[],
  scale: Scale,
  unit: string,
): void {
  for (let y = 0; y < height; y += 1) {
    const colour = mixColour(colours, (height - y - 0.5) / height);
    for (let x = 0; x < width; x += 1) canvas.setPixel(left + x, top + y, colour);
  }
  canvas.strokeAll([left, top, left + width, top, left + width, top + height, left, top + height, left, top], 1.2);
  canvas.paint(INK);
  for (let value = scale.from; value <= scale.to + 1e-9; value += scale.label) {
    const y = top + (height * (scale.to - value)) / (scale.to - scale.from);
    canvas.stroke(left + width, y, left + width + 6, y, 1.5);
    canvas.paint(INK);
    canvas.text(left + width + 12, y + 5, formatNumber(value, 0), 11, INK);
  }
  canvas.text(left, top - 14, unit, 11, INK);
}

function formatDegrees(value: number, positive: string, negative: string): string {
  if (value === 0 || Math.abs(value) === 180) return `${Math.abs(value)}°`;
  return `${Math.abs(value)}°${value > 0 ? positive : negative}`;
}

function formatNumber(value: number, digits: number): string {
  return value.toFixed(digits).replace('-', '−');
}

/** Return the smallest or largest of many values. */
function findEnd(values: Float64Array, choose: (left: number, right: number) => number): number {
  return values.reduce((end, value) => choose(end, value));
}
