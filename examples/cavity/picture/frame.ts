/**
 * Frame: a rectangle of the canvas with axes, ticks and labels, and the map from values to pixels.
 */

import type { Canvas, Colour } from '../../picture/canvas.ts';

export const INK: Colour = [40, 44, 52];
const GRID: Colour = [222, 226, 232];
const TICK = 6;
export const SMALL_TEXT = 11;

export interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}
export interface Range {
  readonly from: number;
  readonly to: number;
  readonly ticks: readonly number[];
}

export class Frame {
  readonly box: Box;
  readonly #canvas: Canvas;
  readonly #x: Range;
  readonly #y: Range;

  constructor(canvas: Canvas, box: Box, x: Range, y: Range) {
    this.#canvas = canvas;
    this.box = box;
    this.#x = x;
    this.#y = y;
  }

  toX(value: number): number {
    return this.box.left + ((value - this.#x.from) / (this.#x.to - this.#x.from)) * this.box.width;
  }

  toY(value: number): number {
    return this.box.top + ((this.#y.to - value) / (this.#y.to - this.#y.from)) * this.box.height;
  }

  drawGrid(): void {
    const { left, top, width, height } = this.box;
    for (const tick of this.#x.ticks) this.#canvas.stroke(this.toX(tick), top, this.toX(tick), top + height, 1);
    for (const tick of this.#y.ticks) this.#canvas.stroke(left, this.toY(tick), left + width, this.toY(tick), 1);
    this.#canvas.paint(GRID);
  }

  /** Draw the border, the ticks and what they stand for. */
  drawAxes(xLabel: string, yLabel: string): void {
    const canvas = this.#canvas;
    const { left, top, width, height } = this.box;
    const bottom = top + height;
    canvas.strokeAll([left, top, left + width, top, left + width, bottom, left, bottom, left, top], 1.5);
    for (const tick of this.#x.ticks) canvas.stroke(this.toX(tick), bottom, this.toX(tick), bottom + TICK, 1.5);
    for (const tick of this.#y.ticks) canvas.stroke(left - TICK, this.toY(tick), left, this.toY(tick), 1.5);
    canvas.paint(INK);
    for (const tick of this.#x.ticks) canvas.text(this.toX(tick), bottom + 24, formatTick(tick), SMALL_TEXT, INK, 'middle');
    for (const tick of this.#y.ticks) canvas.text(left - 12, this.toY(tick) + 5, formatTick(tick), SMALL_TEXT, INK, 'end');
    canvas.text(left + width / 2, bottom + 48, xLabel, SMALL_TEXT + 2, INK, 'middle');
    canvas.text(left - 56, top + height / 2 + 5, yLabel, SMALL_TEXT + 2, INK, 'end');
  }
}

function formatTick(value: number): string {
  return value < 0 ? `−${-value}` : String(value);
}
