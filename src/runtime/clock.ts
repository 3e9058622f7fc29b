/**
 * The clock of a job: one for all ranks of a host.
 */

/** Milliseconds between the host's monotonic clock and this thread's performance.now(). */
const OFFSET_MS = Number(process.hrtime.bigint()) / 1e6 - performance.now();

/** Seconds of a clock that all ranks of a host share and that never goes back. Standard: 9.6. */
export function wtime(): number {
  return (performance.now() + OFFSET_MS) / 1000;
}
