/**
 * Team: the threads inside a rank, as programs see them. open-team.ts starts one, crew.ts is one.
 */

import type { ArithOp } from '../datatype/operator.ts';
import type { Options, Request } from '../p2p/request.ts';
import type { Kernel, KernelHandle } from './kernel.ts';
import type { Range } from './loop-plan.ts';

/**
 * The threads of a rank: its own, thread 0, and worker threads, 1 to `size` − 1. They run kernels over memory that they share.
 *
 * Workers keep no process alive. They spin for about two milliseconds after a loop, then they sleep; a loop that finds them
 * awake starts within a microsecond. Communicators belong to the rank's own thread: in a worker `world` throws.
 */
export interface Team extends Disposable, AsyncDisposable {
  /** Threads, the rank's own included. */
  readonly size: number;
  /**
   * Name the functions that a module exports, as kernels: `crew.kernels<typeof import('./k.ts')>(new URL('./k.ts',
   * import.meta.url))`. The module is loaded here and in each worker, where its top level runs too; it may not `await` there.
   *
   * @throws MpiError ERR_MPI_ARG when `url` is no file's URL; what loading the module throws.
   */
  kernels<M extends object>(
    url: URL,
  ): { readonly [K in keyof M as M[K] extends (...args: never[]) => unknown ? K : never]: KernelHandle<M[K]> };
  /**
   * Run `kernel(from, to, ...args)` over parts of a range, on all threads at once. The rank's own thread takes its part inside
   * this call (not with `caller: false` or a signal), so that the request is often done when it returns.
   *
   * Arguments: numbers, booleans, bigints of 64 bits, null and undefined are copied; typed arrays and DataViews must lie over
   * shared memory (`alloc(…, { shared: true })`) and are the same memory in every thread, as are SharedArrayBuffer,
   * WebAssembly.Memory (shared) and WebAssembly.Module. Arrays are lent until the request is done; what kernels wrote is
   * there then. Loops of one team run one after the other, in the order in which they were posted.
   *
   * An error in a kernel fails the request, with the stack of the thread that threw it; chunks not begun are not run. A signal
   * or `timeoutMs` in the range give up likewise: what has begun goes on underneath to its chunk's end.
   *
   * @throws MpiError ERR_MPI_ARG for what is no kernel or range, ERR_MPI_BUFFER for an argument that threads cannot share.
   */
  parallelFor<Args extends readonly unknown[]>(
    kernel: KernelHandle<Kernel<Args, void>>,
    range: Range | number,
    ...args: Args
  ): Request<void>;
  /**
   * The same for kernels that return a number, which are combined by `op` (of numbers) in the order of the range. The chunks
   * depend on range, grain, schedule and `size` only, so the result is the same to the last bit however fast threads are. An
   * empty range gives the operator's neutral element (MIN: ∞).
   *
   * @throws MpiError as parallelFor, and ERR_MPI_OP for an operator that does not reduce numbers, or has no neutral element
   * where one is needed.
   */
  parallelReduce<Args extends readonly unknown[]>(
    kernel: KernelHandle<Kernel<Args, number>>,
    range: Range | number,
    op: ArithOp,
    ...args: Args
  ): Request<number>;
  /**
   * Run `kernel(argument)` in some worker, when it has time: a coarse piece of work beside the rank's own. The argument and the
   * result are copied as by structuredClone, shared memory is shared; the function may be async. Tasks wait in a line. Loops
   * go on meanwhile without the workers that are busy with tasks. A team of one thread starts a worker for them.
   *
   * A signal takes a task that has not begun off the line; one that has goes on, its result is dropped. The promise rejects
   * with what the function throws, or the signal's reason.
   */
  run<P, R>(kernel: KernelHandle<(argument: P) => R>, argument: P, options?: Pick<Options, 'signal'>): Promise<Awaited<R>>;
}
