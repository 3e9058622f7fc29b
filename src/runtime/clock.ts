/**
 * The clock of a job: one for all ranks of a host.
 */

import { nowMs } from '../base/clock.ts';

/** Seconds of a clock that all ranks of a host share and that never goes back. Standard: 9.6. */
export function wtime(): number {
  return nowMs() / 1000;
}
