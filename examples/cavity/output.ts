/**
 * Output: what stands in the result files.
 */

import type { Field } from './field.ts';
import type { Line } from './lines.ts';

/** Return centerlines.csv: the grid's own points, in the reference table's columns. */
export function formatLines(lines: readonly Line[]): string {
  const rows = lines.flatMap(({ name, positions, values }) =>
    Array.from(values, (value, k) => `${name},${positions[k]},${value}`),
  );
  return `line,position,value\n${rows.join('\n')}\n`;
}

/** Return residuals.csv: a row for each step. */
export function formatHistory(dt: number, changes: readonly number[]): string {
  const rows = changes.map((change, k) => `${k + 1},${((k + 1) * dt).toPrecision(8)},${change.toPrecision(6)}`);
  return `step,time,residual\n${rows.join('\n')}\n`;
}

/** Return fields.vti: VTK image data with raw 64-bit floats behind the XML; ParaView opens it. */
export function encodeVti({ cells, u, v, p }: Field, psi: Float64Array): Uint8Array {
  const velocity = new Float64Array(3 * cells * cells);
  for (let j = 0, to = 0; j < cells; j += 1) {
    for (let i = 0; i < cells; i += 1, to += 3) {
      const west = j * (cells + 1) + i;
      const south = j * cells + i;
      velocity[to] = 0.5 * (u[west] + u[west + 1]);
      velocity[to + 1] = 0.5 * (v[south] + v[south + cells]);
    }
  }
  const arrays = [velocity, p, psi];
  const offsets = arrays.map((_, k) => arrays.slice(0, k).reduce((sum, { byteLength }) => sum + 8 + byteLength, 0));
  const describe = (name: string, k: number, components: number): string =>
    `<DataArray type="Float64" Name="${name}" NumberOfComponents="${components}" format="appended" offset="${offsets[k]}"/>`;
  const extent = `0 ${cells} 0 ${cells} 0 0`;
  const head = `<?xml version="1.0"?>
<VTKFile type="ImageData" version="1.0" byte_order="LittleEndian" header_type="UInt64">
  <ImageData WholeExtent="${extent}" Origin="0 0 0" Spacing="${1 / cells} ${1 / cells} 1">
    <Piece Extent="${extent}">
      <PointData Scalars="stream function">${describe('stream function', 2, 1)}</PointData>
      <CellData Vectors="velocity" Scalars="pressure">${describe('velocity', 0, 3)}${describe('pressure', 1, 1)}</CellData>
    </Piece>
  </ImageData>
  <AppendedData encoding="raw">_`;
  const parts: Uint8Array[] = [Buffer.from(head)];
  for (const array of arrays) {
    parts.push(new Uint8Array(BigUint64Array.of(BigInt(array.byteLength)).buffer), new Uint8Array(array.buffer));
  }
  parts.push(Buffer.from('</AppendedData>\n</VTKFile>\n'));
  return Buffer.concat(parts);
}
