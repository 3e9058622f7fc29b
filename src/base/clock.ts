/**
 * The clock by which a rank measures.
 *
 * process.hrtime(), since the first use of the global `performance` loads eleven modules of Node's, about 1.5 ms of each
 * rank's start, where this one is there. In a loop both took equally long to read.
 */

/** Return milliseconds of the host's monotonic clock, the same for all processes and threads of the host. */
export function nowMs(): number {
  const time = process.hrtime();
  return time[0] * 1000 + time[1] / 1e6;
}
