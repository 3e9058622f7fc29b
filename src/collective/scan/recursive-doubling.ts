/**
 * Inclusive scan by recursive doubling.
 *
 * In round k each rank exchanges what its group of 2^k ranks has given with the rank whose number differs in bit k, if
 * there is one; what comes from lower ranks goes in front of its prefix.
 *
 * Cost: ceil(log2 p) (α + n β + 2 n γ); at most p ceil(log2 p) messages of n bytes.
 * Needs: nothing.
 * Order: kept.
 * Wins when: always but for two ranks.
 * See: Hillis, Steele: Data parallel algorithms (1986); MPI 5.0, section 6.11.
 */

import type { ScanArguments } from '../arguments.ts';
import { scanByDoubling } from '../prefix.ts';
import type { Port, Schedule } from '../schedule.ts';

/** Run a scan. */
export function recursiveDoubling(port: Port, args: ScanArguments): Schedule {
  return scanByDoubling(port, args, false);
}
