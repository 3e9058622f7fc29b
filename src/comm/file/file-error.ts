/**
 * File errors: what the system says of a file, in the standard's classes and one sentence with the rank that saw it.
 */

import { hostname } from 'node:os';
import { getSystemErrorMap } from 'node:util';
import { MpiError, type MpiErrorCode } from '../../base/errors.ts';

/** The standard's class of a system error; everything else is ERR_MPI_IO. Standard: 14.7. */
const CODES: Readonly<Record<string, MpiErrorCode>> = {
  ENOENT: 'ERR_MPI_NO_SUCH_FILE',
  ENOTDIR: 'ERR_MPI_NO_SUCH_FILE',
  EEXIST: 'ERR_MPI_FILE_EXISTS',
  EISDIR: 'ERR_MPI_BAD_FILE',
  ENAMETOOLONG: 'ERR_MPI_BAD_FILE',
  ELOOP: 'ERR_MPI_BAD_FILE',
  EACCES: 'ERR_MPI_ACCESS',
  EPERM: 'ERR_MPI_ACCESS',
  EROFS: 'ERR_MPI_READ_ONLY',
  ENOSPC: 'ERR_MPI_NO_SPACE',
  EFBIG: 'ERR_MPI_NO_SPACE',
  EDQUOT: 'ERR_MPI_QUOTA',
  ETXTBSY: 'ERR_MPI_FILE_IN_USE',
};

/** What to do about some of them. */
const ADVICE: Readonly<Record<string, string>> = {
  ENOENT: 'expected its folder, and for reading the file itself, to be there on every host',
  ENOTDIR: 'expected a folder in its path',
  EISDIR: 'expected a file',
  ENOSPC: 'expected room for it',
  EFBIG: 'expected a size within the limit for files (ulimit -f)',
  EACCES: 'expected permission',
};

/** Who speaks in an error: the call, and this rank of the communicator. */
export interface Speaker {
  readonly call: string;
  readonly rank: number;
  /** Ranks of several hosts: say which host this is. */
  readonly isSpread: boolean;
}

/** Make the error for a system call that failed; `what` it was to do, such as `open x for reading`. */
export function fileError({ call, rank, isSpread }: Speaker, what: string, error: unknown): MpiError {
  if (error instanceof MpiError) return error;
  const { code = '', errno, message } = error as NodeJS.ErrnoException;
  const words = errno === undefined ? message : (getSystemErrorMap().get(errno)?.[1] ?? message);
  const where = isSpread ? ` on ${hostname()}` : '';
  const advice = ADVICE[code] === undefined ? '' : `: ${ADVICE[code]}`;
  const sentence = `${call}: rank ${rank}${where} could not ${what}: ${words}${code === '' ? '' : ` (${code})`}${advice}`;
  return new MpiError(CODES[code] ?? 'ERR_MPI_IO', sentence, { rank, cause: error });
}
