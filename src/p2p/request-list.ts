/**
 * Lists of requests: waitAll and its kin block or ask, whenAll and its kin return a Request with the same result.
 *
 * Standard: 3.7.5.
 */

import { MpiError } from '../base/errors.ts';
import { ListOperation } from './combined.ts';
import { DoneOperation } from './done-operation.ts';
import { Operation, type Request } from './request.ts';

/** The results of a tuple of requests. */
export type Results<R extends readonly Request<unknown>[]> = {
  -readonly [K in keyof R]: R[K] extends Request<infer T> ? T : never;
};
/** The result of one of them. */
export type ResultOf<R extends readonly Request<unknown>[]> = Results<R>[number];
/** One that is complete: its place in the list and its result. */
export interface Completed<T> {
  index: number;
  result: T;
}

/** Block until all are complete, in whatever order; throws the first failure in the list's order. */
export function waitAll<const R extends readonly Request<unknown>[]>(requests: R, options?: { timeoutMs?: number }): Results<R> {
  // Waiting for one makes progress on all, so one after the other is as fast and needs no request for the list.
  if (options?.timeoutMs === undefined) return requests.map((request) => request.wait()) as Results<R>;
  return whenAll(requests).wait(options);
}

/** Block until one is complete. Errors: ERR_MPI_REQUEST for an empty list. */
export function waitAny<const R extends readonly Request<unknown>[]>(
  requests: R,
  options?: { timeoutMs?: number },
): Completed<ResultOf<R>> {
  return whenAny(requests).wait(options);
}

/** Block until one or more are complete and return them all. Errors: ERR_MPI_REQUEST for an empty list. */
export function waitSome<const R extends readonly Request<unknown>[]>(
  requests: R,
  options?: { timeoutMs?: number },
): Completed<ResultOf<R>>[] {
  return whenSome(requests).wait(options);
}

/** Make progress and say whether all are complete. */
export function testAll(requests: readonly Request<unknown>[]): boolean {
  let all = true;
  for (const request of requests) if (!request.test()) all = false;
  return all;
}

/** Make progress and return one that is complete, or undefined. */
export function testAny<const R extends readonly Request<unknown>[]>(requests: R): Completed<ResultOf<R>> | undefined {
  for (const [index, request] of requests.entries()) if (request.test()) return { index, result: request.result as ResultOf<R> };
  return undefined;
}

/** Make progress and return all that are complete. */
export function testSome<const R extends readonly Request<unknown>[]>(requests: R): Completed<ResultOf<R>>[] {
  const done: Completed<ResultOf<R>>[] = [];
  for (const [index, request] of requests.entries())
    if (request.test()) done.push({ index, result: request.result as ResultOf<R> });
  return done;
}

/** A request for the results of all. An empty list is complete. */
export function whenAll<const R extends readonly Request<unknown>[]>(requests: R): Request<Results<R>> {
  if (requests.length === 0) return new DoneOperation([], 'whenAll of no requests') as unknown as Request<Results<R>>;
  return listOperation(requests, 'all') as unknown as Request<Results<R>>;
}

/** A request for the first that completes. */
export function whenAny<const R extends readonly Request<unknown>[]>(requests: R): Request<Completed<ResultOf<R>>> {
  return listOperation(requests, 'any') as unknown as Request<Completed<ResultOf<R>>>;
}

/** A request for those complete once one is. */
export function whenSome<const R extends readonly Request<unknown>[]>(requests: R): Request<Completed<ResultOf<R>>[]> {
  return listOperation(requests, 'some') as unknown as Request<Completed<ResultOf<R>>[]>;
}

function listOperation(requests: readonly Request<unknown>[], choice: 'all' | 'any' | 'some'): ListOperation {
  const [first] = requests;
  if (first === undefined) throw new MpiError('ERR_MPI_REQUEST', 'the list of requests is empty: expected at least one request');
  if (!(first instanceof Operation)) {
    throw new MpiError(
      'ERR_MPI_REQUEST',
      `got ${String(first)} in a list of requests: expected what send, recv and the like return`,
    );
  }
  // Who is done already may know of no progress (done-operation.ts).
  const open = requests.find((request) => request instanceof Operation && !request.done) ?? first;
  return new ListOperation((open as Operation<unknown>).progress, requests, choice);
}
