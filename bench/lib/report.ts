/**
 * Report: medians over repetitions, printed in the columns of the OSU benchmarks.
 */

/** Return the median. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}

/** Return that quantile (0 to 1). */
export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))]!;
}

/** Widths of the first column and of the others. */
const [FIRST_WIDTH, WIDTH] = [12, 16];

/** Print a heading as OSU does. */
export function heading(title: string, columns: readonly string[]): void {
  console.log(`# ${title}`);
  const [first, ...others] = columns;
  console.log(`# ${first!.padEnd(FIRST_WIDTH - 2)}${others.map((name) => name.padStart(WIDTH)).join('')}`);
}

/** Print one line of figures: the first as it is, the others with two decimals. */
export function row(first: number | string, values: readonly (number | string)[]): void {
  const cells = values.map((value) => (typeof value === 'number' ? value.toFixed(2) : value).padStart(WIDTH));
  console.log(`${String(first).padEnd(FIRST_WIDTH)}${cells.join('')}`);
}

/**
 * Read what was printed so: each figure by its row and the name of its column in the heading above.
 *
 * @public of pair.mjs, which loads this file by its name
 */
export function readReport(text: string): Map<string, number> {
  const figures = new Map<string, number>();
  let columns: string[] = [];
  for (const line of text.split('\n')) {
    const first = line.slice(0, FIRST_WIDTH).trim();
    const others = line.slice(FIRST_WIDTH).match(new RegExp(`.{1,${WIDTH}}`, 'g')) ?? [];
    const cells = others.map((cell) => cell.trim());
    if (line.startsWith('#')) columns = cells;
    else if (first !== '') {
      for (const [k, cell] of cells.entries()) {
        if (cell !== '' && Number.isFinite(Number(cell))) figures.set(`${first} · ${columns[k] ?? k + 1}`, Number(cell));
      }
    }
  }
  return figures;
}
