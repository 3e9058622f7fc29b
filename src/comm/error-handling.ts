/**
 * ErrorHandling: a communicator whose errors end the job.
 *
 * The idea: nothing is paid where errors are thrown, the default. With 'abort' the communicator's calls get a shell of
 * their own, on that object alone, which sees what they throw; failed operations tell their membership (p2p/request.ts).
 * Standard: 9.3.
 */

import { MpiError } from '../base/errors.ts';
import type { ErrorHandling } from './properties.ts';

/** What the program asked for itself: no error of the communicator. */
const ASKED_FOR: ReadonlySet<unknown> = new Set(['ERR_MPI_TIMEOUT', 'ERR_MPI_CANCELLED']);
/** Calls that report nothing, or end the job themselves. */
const BARE: ReadonlySet<string> = new Set(['constructor', 'abort']);

export function checkErrorHandling(value: unknown): asserts value is ErrorHandling {
  if (value === 'throw' || value === 'abort') return;
  throw new MpiError('ERR_MPI_ARG', `errors got ${String(value)}: expected 'throw' or 'abort'`);
}

/** Whether an error ends the job where errors do. */
export function isFatal(error: unknown): boolean {
  return !(error instanceof MpiError && ASKED_FOR.has(error.code));
}

/**
 * Have `onError` told of what the methods of an object throw; what a method returns goes through `follow`. Return a
 * function that undoes it.
 */
export function guardCalls(target: object, onError: (error: unknown) => void, follow: (result: unknown) => void): () => void {
  const own = new Map(Object.entries(Object.getOwnPropertyDescriptors(target)));
  const names = new Set<string>();
  for (let holder = target; holder !== Object.prototype; holder = Object.getPrototypeOf(holder)) {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(holder))) {
      if (typeof value === 'function' && !BARE.has(name)) names.add(name);
    }
  }
  for (const name of names) {
    const method = (target as Record<string, (...args: unknown[]) => unknown>)[name]!;
    const shell = (...args: unknown[]): unknown => {
      let result: unknown;
      try {
        result = method.apply(target, args);
      } catch (error) {
        onError(error);
        throw error;
      }
      follow(result);
      return result;
    };
    Object.defineProperty(target, name, { value: shell, configurable: true, enumerable: own.has(name), writable: true });
  }
  return () => {
    for (const name of names) {
      const before = own.get(name);
      if (before === undefined) delete (target as Record<string, unknown>)[name];
      else Object.defineProperty(target, name, before);
    }
  };
}
