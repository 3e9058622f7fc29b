/**
 * Kernels: functions that a module exports and that every thread of a team finds by the module's URL and their names.
 *
 * A function value does not know its module, and what it has closed over cannot be had in another thread, hence the URL.
 * Modules are loaded by require(), which Node 20.19 and later also do for ES modules, so that a kernel is there at once,
 * also for a rank that never gives its event loop a turn.
 */

import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { MpiError } from '../base/errors.ts';

/** What a kernel of `parallelFor` is: it sees a half-open part of the range, then the arguments as they were passed. */
export type Kernel<Args extends readonly unknown[], R = void> = (from: number, to: number, ...args: Args) => R;

/** A function that a module exports, as every thread of a team finds it. Made by `crew.kernels`. */
export interface KernelHandle<out F> {
  /** The module. */
  readonly url: string;
  /** The function's name there. */
  readonly name: string;
  /** Its type, for the compiler only. */
  readonly __fn?: F;
}

/** What a team takes for a kernel: other objects of that shape were never checked. */
export class KernelReference implements KernelHandle<never> {
  readonly url: string;
  readonly name: string;

  constructor(url: string, name: string) {
    this.url = url;
    this.name = name;
  }
}

/** Handles by module: one for each function. */
const handlesOf = new Map<string, Readonly<Record<string, KernelReference>>>();

type AnyFunction = (...args: unknown[]) => unknown;

/** Return what a module exports. `url`: of a file. */
export function loadModule(url: string): Readonly<Record<string, unknown>> {
  try {
    return createRequire(import.meta.url)(fileURLToPath(url)) as Readonly<Record<string, unknown>>;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_REQUIRE_ASYNC_MODULE') throw error;
    const message = `${url} waits at its top level (await), or imports what does: expected a module of kernels that is there at once`;
    throw new MpiError('ERR_MPI_ARG', message, { cause: error });
  }
}

/** Return a function that a module exports. */
export function loadKernel(url: string, name: string): AnyFunction {
  const found = loadModule(url)[name];
  if (typeof found === 'function') return found as AnyFunction;
  throw new MpiError('ERR_MPI_ARG', `${url} exports no function ${name}`);
}

/** Return a handle for each function that the module at `url` exports. */
export function listKernels(url: unknown): Readonly<Record<string, KernelReference>> {
  if (!(url instanceof URL) || url.protocol !== 'file:') {
    const given = url instanceof URL ? url.href : typeof url === 'string' ? JSON.stringify(url) : typeof url;
    throw new MpiError(
      'ERR_MPI_ARG',
      `kernels got ${given}: expected the URL of a module, as new URL('./kernels.ts', import.meta.url)`,
    );
  }
  const known = handlesOf.get(url.href);
  if (known !== undefined) return known;
  const entries = Object.entries(loadModule(url.href)).flatMap(([name, value]) =>
    typeof value === 'function' ? [[name, new KernelReference(url.href, name)] as const] : [],
  );
  const handles = Object.freeze(Object.fromEntries(entries));
  handlesOf.set(url.href, handles);
  return handles;
}

/** Throw unless that is a kernel's handle. `call`: what it was given to. */
export function checkKernel(call: string, kernel: unknown): asserts kernel is KernelReference {
  if (kernel instanceof KernelReference) return;
  const way = `export it from a module and name that: const k = crew.kernels(new URL('./kernels.ts', import.meta.url)); crew.${call}(k.name, …)`;
  if (typeof kernel === 'function') {
    const name = kernel.name === '' ? 'a function' : `the function ${kernel.name}`;
    throw new MpiError(
      'ERR_MPI_ARG',
      `${call} got ${name} itself: a function does not know its module, and what it closes over is not there in other threads; ${way}`,
    );
  }
  throw new MpiError('ERR_MPI_ARG', `${call} got ${kernel === null ? 'null' : typeof kernel} for its kernel: ${way}`);
}
