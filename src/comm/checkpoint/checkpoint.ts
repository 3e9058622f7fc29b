/**
 * Checkpoint: where a job keeps its state, as programs see it. OpenCheckpoint (open-checkpoint.ts) implements it.
 */

import type { Data } from '../../datatype/data.ts';
import type { Options, Request } from '../../p2p/request.ts';

/** A rank's part of an array. */
export interface ArrayPart {
  /**
   * This rank's items: an array, or a layout where they lie inside of one (a field without its halo). A struct's layout counts
   * whole structs.
   */
  readonly data: Data;
  /** Shape of the whole array, the last dimension fastest. Left out: all ranks hold the same data, and rank 0's is saved. */
  readonly shape?: readonly number[];
  /** Where in it this rank's part begins. */
  readonly start?: readonly number[];
  /** Shape of the part; left out: whole rows, that is what `data` makes of the first dimension. */
  readonly subshape?: readonly number[];
}

/** Arrays by name. All ranks give the same names, shapes and element types. */
export type ArrayParts = { readonly [name: string]: ArrayPart };

/** What was saved at one step. */
export interface SavedStep {
  readonly step: number;
  /** By name: element type (`bytes` of a struct or raw memory) and shape; undefined: the same on all ranks. */
  readonly arrays: { readonly [name: string]: { readonly type: string; readonly shape: readonly number[] | undefined } };
}

/** What was loaded. */
export interface LoadedStep {
  readonly step: number;
  /** Why newer ones were not taken: a sentence for each that is damaged. */
  readonly skipped: readonly string[];
}

/**
 * A folder of checkpoints: the last two that are whole. Calls are collective; one rank's failure is everyone's, with its
 * reason. A save that fails, or whose job is killed at any moment, leaves those before it as they were.
 * Errors: those of MpiFile; ERR_MPI_ARG, ERR_MPI_TYPE for parts that do not fit together or what was saved.
 */
export interface Checkpoint extends Disposable, AsyncDisposable {
  /** The folder. */
  readonly path: string;
  /** The last step saved or, after a load, the one loaded; undefined: there is none. */
  readonly latest: SavedStep | undefined;
  /**
   * Save these arrays as those of a step. The parts of each are to be the whole array, once each. The data is lent until
   * the request is done; then it is on the disk.
   */
  save(step: number, arrays: ArrayParts, options?: Options): Request<void>;
  /**
   * Fill the parts of these arrays, any of those saved, cut in any way among any number of ranks, from the newest
   * checkpoint whose blocks are all as they were written. Fails with ERR_MPI_NO_SUCH_FILE where there is none; then, and whenever
   * it fails, the arrays are as before.
   */
  load(arrays: ArrayParts, options?: Options): Request<LoadedStep>;
  /** Give it up. Idempotent. Disposal does so without waiting for other ranks. */
  close(options?: Options): Request<void>;
}
