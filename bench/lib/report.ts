/**
 * Report of a small benchmark: a heading and lines of figures, in the columns of the OSU benchmarks.
 */

/** Widths of the first column and of the others. */
const [FIRST_WIDTH, WIDTH] = [22, 16];

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
