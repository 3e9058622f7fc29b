/**
 * Contours: lines of equal value of a field on a grid's corners, by marching squares.
 */

/** Return segments x1, y1, x2, y2 in steps of the grid where the field of (columns + 1) · (rows + 1) corners is `level`. */
export function traceContour(values: ArrayLike<number>, columns: number, rows: number, level: number): number[] {
  const stride = columns + 1;
  const segments: number[] = [];
  for (let j = 0; j < rows; j += 1) {
    for (let i = 0; i < columns; i += 1) {
      const k = j * stride + i;
      const a = values[k] - level;
      const b = values[k + 1] - level;
      const c = values[k + stride + 1] - level;
      const d = values[k + stride] - level;
      const isAbove = a > 0;
      if (b > 0 === isAbove && c > 0 === isAbove && d > 0 === isAbove) continue;
      // Crossings in the order south, east, north, west: two, or four in a saddle.
      const points: number[] = [];
      if (a > 0 !== b > 0) points.push(i + a / (a - b), j);
      if (b > 0 !== c > 0) points.push(i + 1, j + b / (b - c));
      if (d > 0 !== c > 0) points.push(i + d / (d - c), j + 1);
      if (a > 0 !== d > 0) points.push(i, j + a / (a - d));
      segments.push(...points);
    }
  }
  return segments;
}
