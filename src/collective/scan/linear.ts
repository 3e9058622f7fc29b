/**
 * Inclusive scan, rank after rank.
 *
 * Each rank receives what the ranks below have given together, adds its own and hands it up.
 *
 * Cost: (p - 1) (α + n β + n γ); p - 1 messages of n bytes.
 * Needs: nothing.
 * Order: kept, strictly from the left.
 * Wins when: p is 2, or the bracketing must be that of a loop over ranks.
 * See: MPI 5.0, section 6.11.
 */

import type { ScanArguments } from '../arguments.ts';
import { scanAlong } from '../prefix.ts';
import type { Port, Schedule } from '../schedule.ts';

/** Run a scan. */
export function linear(port: Port, args: ScanArguments): Schedule {
  return scanAlong(port, args, false);
}
