/**
 * How much memory this process may lock, which is what registering does: the usual cause of a registration that fails.
 */

import { readFileSync } from 'node:fs';
import { getSystemErrorName } from 'node:util';
import { EAGAIN, ENOMEM } from '../../native/errno.ts';

/** Return the limit in bytes; infinite: there is none, or it is not known. */
export function lockedMemoryLimit(): number {
  try {
    const line = readFileSync('/proc/self/limits', 'latin1').match(/^Max locked memory\s+(\S+)/m);
    return line === null || line[1] === 'unlimited' ? Number.POSITIVE_INFINITY : Number(line[1]);
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

/** Say why memory could not be registered. */
export function describeRegisterError(outcome: number): string {
  const limit = lockedMemoryLimit();
  const advice = `: this process may lock ${limit >> 10} KiB of memory: raise it (ulimit -l)`;
  return `cannot be registered (${getSystemErrorName(outcome)})${isOfMemory(outcome) && Number.isFinite(limit) ? advice : ''}`;
}

/** Say why a queue pair with its buffers could not be made. */
export function describePrepareError(outcome: number): string {
  if (isOfMemory(outcome)) return `its buffers ${describeRegisterError(outcome)}`;
  return `its queue pair cannot be made (${getSystemErrorName(outcome)})`;
}

function isOfMemory(outcome: number): boolean {
  return outcome === -ENOMEM || outcome === -EAGAIN;
}
