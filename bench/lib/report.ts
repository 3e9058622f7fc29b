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

/** Print a heading as OSU does. */
export function heading(title: string, columns: readonly string[]): void {
  console.log(`# ${title}`);
  console.log(
    `# ${columns[0]!.padEnd(10)}${columns
      .slice(1)
      .map((name) => name.padStart(16))
      .join('')}`,
  );
}

/** Print one line of figures: the first as it is, the others with two decimals. */
export function row(first: number | string, values: readonly (number | string)[]): void {
  const cells = values.map((value) => (typeof value === 'number' ? value.toFixed(2) : value).padStart(16));
  console.log(`${String(first).padEnd(12)}${cells.join('')}`);
}
