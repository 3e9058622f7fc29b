/**
 * Canvas: an RGB image with smooth lines, discs and text.
 *
 * The idea: strokes are collected in a mask that keeps the largest coverage of each pixel, and painted at once. So pieces
 * of one line that overlap leave no darker joints, however many there are.
 * Coordinates are pixels from the upper left corner; a pixel's centre is at + 0.5.
 */

import { encodePng } from './png.ts';
import { type Anchor, layText } from './stroke-font.ts';

export type Colour = readonly [red: number, green: number, blue: number];

export class Canvas {
  readonly width: number;
  readonly height: number;
  readonly #rgb: Uint8Array;
  readonly #mask: Float32Array;
  /** Rows of the mask that hold strokes. */
  #top: number;
  #bottom = 0;

  constructor(width: number, height: number, background: Colour) {
    this.width = width;
    this.height = height;
    this.#rgb = new Uint8Array(3 * width * height);
    this.#mask = new Float32Array(width * height);
    this.#top = height;
    // The first pixel, then each time twice as many.
    this.#rgb.set(background);
    for (let done = 3; done < this.#rgb.length; done *= 2) this.#rgb.copyWithin(done, 0, done);
  }

  setPixel(x: number, y: number, colour: Colour): void {
    this.#rgb.set(colour, 3 * (y * this.width + x));
  }

  /** Add a line with round ends to the mask. */
  stroke(x1: number, y1: number, x2: number, y2: number, lineWidth: number): void {
    const half = lineWidth / 2;
    const reach = half + 1;
    const dx = x2 - x1;
    const dy = y2 - y1;
    const perLength = dx === 0 && dy === 0 ? 0 : 1 / (dx * dx + dy * dy);
    const left = Math.max(0, Math.floor(Math.min(x1, x2) - reach));
    const right = Math.min(this.width - 1, Math.ceil(Math.max(x1, x2) + reach));
    const top = Math.max(0, Math.floor(Math.min(y1, y2) - reach));
    const bottom = Math.min(this.height - 1, Math.ceil(Math.max(y1, y2) + reach));
    this.#top = Math.min(this.#top, top);
    this.#bottom = Math.max(this.#bottom, bottom + 1);
    for (let y = top; y <= bottom; y += 1) {
      for (let x = left; x <= right; x += 1) {
        const px = x + 0.5 - x1;
        const py = y + 0.5 - y1;
        const along = Math.min(1, Math.max(0, (px * dx + py * dy) * perLength));
        const distance = Math.hypot(px - along * dx, py - along * dy);
        const coverage = Math.min(1, Math.max(0, half + 0.5 - distance));
        const at = y * this.width + x;
        if (coverage > this.#mask[at]) this.#mask[at] = coverage;
      }
    }
  }

  /** Add a line through points given as x, y, x, y, … */
  strokeAll(points: ArrayLike<number>, lineWidth: number): void {
    for (let k = 0; k + 3 < points.length; k += 2) this.stroke(points[k], points[k + 1], points[k + 2], points[k + 3], lineWidth);
  }

  /** Paint what the mask holds and empty it. */
  paint(colour: Colour, opacity = 1): void {
    for (let at = this.#top * this.width; at < this.#bottom * this.width; at += 1) {
      const share = this.#mask[at] * opacity;
      if (share === 0) continue;
      this.#mask[at] = 0;
      for (let part = 0; part < 3; part += 1) {
        const under = this.#rgb[3 * at + part];
        this.#rgb[3 * at + part] = Math.round(under + share * (colour[part] - under));
      }
    }
    this.#top = this.height;
    this.#bottom = 0;
  }

  disc(x: number, y: number, diameter: number, colour: Colour): void {
    this.stroke(x, y, x, y, diameter);
    this.paint(colour);
  }

  /** Write text whose capitals are `size` high; (x, y) is on the base line, at the anchor. */
  text(x: number, y: number, text: string, size: number, colour: Colour, anchor: Anchor = 'start'): void {
    for (const line of layText(text, size, anchor)) {
      const points = line.map((value, k) => value + (k % 2 === 0 ? x : y));
      if (points.length === 2) this.stroke(points[0], points[1], points[0], points[1], size / 5);
      else this.strokeAll(points, size / 8);
    }
    this.paint(colour);
  }

  encode(): Uint8Array {
    return encodePng(this.width, this.height, this.#rgb);
  }
}
