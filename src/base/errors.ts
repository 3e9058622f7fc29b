/**
 * MpiError: what every wrong call, failed operation and lost peer becomes.
 *
 * The message is one lower-case sentence: what was wrong with its values, then what was expected. The place that first
 * detects an error makes it; callers pass it on unchanged.
 */

/** Codes of MpiError, after the standard's error classes (Standard: 9.4). */
export type MpiErrorCode =
  | 'ERR_MPI_TRUNCATE'
  | 'ERR_MPI_TYPE'
  | 'ERR_MPI_RANK'
  | 'ERR_MPI_TAG'
  | 'ERR_MPI_COUNT'
  | 'ERR_MPI_OP'
  | 'ERR_MPI_ROOT'
  | 'ERR_MPI_COMM'
  /** Ranks called different collectives, or one with different arguments; the standard has no class for it. */
  | 'ERR_MPI_COLLECTIVE_MISMATCH'
  | 'ERR_MPI_GROUP'
  | 'ERR_MPI_DIMS'
  | 'ERR_MPI_BUFFER'
  | 'ERR_MPI_REQUEST'
  | 'ERR_MPI_ARG'
  | 'ERR_MPI_TIMEOUT'
  | 'ERR_MPI_CANCELLED'
  | 'ERR_MPI_PROC_FAILED'
  | 'ERR_MPI_NO_MEM'
  | 'ERR_MPI_NO_RANK'
  | 'ERR_MPI_OTHER'
  | (string & {});

/** Where an error happened, as far as it is known. */
export interface MpiErrorContext {
  /** Name of the communicator. */
  readonly communicator?: string | undefined;
  /** Rank of this process in it. */
  readonly rank?: number | undefined;
  /** The other rank, where there is one. */
  readonly peer?: number | undefined;
  readonly tag?: number | undefined;
  readonly cause?: unknown;
}

/** An error of the message layer: wrong arguments (thrown at the call) or a failed operation (when it is looked at). */
export class MpiError extends Error {
  override readonly name: string = 'MpiError';
  /** What kind of error, for programs to compare. */
  readonly code: MpiErrorCode;
  /** The standard's error class, e.g. `MPI_ERR_TRUNCATE`. */
  readonly errorClass: string;
  /** Name of the communicator, where one is concerned. */
  declare readonly communicator?: string;
  /** This rank in that communicator. */
  declare readonly rank?: number;
  /** The other rank of the operation. */
  declare readonly peer?: number;
  declare readonly tag?: number;

  constructor(code: MpiErrorCode, message: string, context: MpiErrorContext = {}) {
    super(message, context.cause === undefined ? undefined : { cause: context.cause });
    this.code = code;
    this.errorClass = code.replace(/^ERR_MPI_/, 'MPI_ERR_');
    // Only what is known becomes a property: Node prints them all below an uncaught error.
    for (const name of ['communicator', 'rank', 'peer', 'tag'] as const) {
      if (context[name] !== undefined) Object.assign(this, { [name]: context[name] });
    }
  }
}

/** Throw when what the code relies on does not hold: a fault of tsmpi itself, never of its user. */
export function invariant(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Error(`tsmpi: internal error: ${what}`);
}
