/**
 * Forced algorithms: TSMPI_COLLECTIVE_<OPERATION>=<algorithm>.
 */

import type { OperationName } from '../collective/restrictions.ts';

/** Return the algorithm that the environment forces for an operation. */
export function forcedAlgorithm(operation: OperationName): string | undefined {
  return process.env[`TSMPI_COLLECTIVE_${operation.toUpperCase()}`] || undefined;
}
