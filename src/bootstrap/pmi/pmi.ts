/**
 * Pmi: what a launcher (srun, mpiexec) offers to the processes that it started, whichever version of the protocol it speaks.
 *
 * A key-value store that is filled, then fenced, then read; every call waits for the launcher's answer. Keys and values are
 * of letters, digits and the characters of base64url and `-`, which both protocols take as they are.
 */

export interface Pmi {
  /** World rank, and ranks of the job. */
  readonly rank: number;
  readonly size: number;
  /** Which program of the launcher's command line this is. */
  readonly program: number;
  /** Longest value that put() takes. */
  readonly valueCapacity: number;
  /** The launcher's descriptor. */
  readonly fd: number;
  /** Bytes that have the launcher kill the job, for whoever can only write. */
  readonly farewell: string;
  /** Whether the launcher takes abort()'s code for its own; else it kills first and the code is lost. */
  readonly keepsCode: boolean;
  put(key: string, value: string): void;
  /** Wait until all ranks have called it: what they had put can be got then. */
  fence(watch?: FenceWatch): void;
  /** Return a value; undefined: nobody has put it. */
  get(key: string): string | undefined;
  /** Have the launcher kill all ranks. */
  abort(code: number): void;
  /** This process needs the launcher no more. */
  finalize(): void;
}

/** What ends the wait for a fence that can never come. */
export interface FenceWatch {
  /** Pipes: the end of one is that of a rank. */
  readonly lines?: readonly number[];
  /** Called now and then; throws. */
  readonly look?: (() => void) | undefined;
}

/** What the launcher's variables say. */
export interface PmiVariables {
  readonly fd: number;
  readonly rank: number;
  readonly size: number;
  /** The launcher's name of the job, which only those that speak PMI-2 tell. */
  readonly jobId: string | undefined;
}
