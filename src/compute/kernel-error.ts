/**
 * Errors of kernels on their way from a worker to the rank's thread.
 *
 * They go by message, which keeps an error's message and stack but not what class of the program's it was, nor its code;
 * an MpiError is made anew.
 */

import { inspect } from 'node:util';
import { MpiError, type MpiErrorCode } from '../base/errors.ts';

/** What a kernel threw, as it is sent. */
export interface ThrownValue {
  /** The value, or its text where it cannot be copied. */
  readonly value: unknown;
  readonly message: string;
  /** Of an MpiError. */
  readonly code: MpiErrorCode | undefined;
  /** The worker's stack, with a line that says which kernel ran where; undefined: it was no error. */
  readonly stack: string | undefined;
}

/** Say where a kernel failed: a last line for its stack. */
export function placeOf(name: string, from: number, to: number, member: number): string {
  return `    in kernel ${name} on [${from}, ${to}), thread ${member} of the team`;
}

/** Return what can be sent of a thrown value. `place`: of placeOf(). */
export function encodeThrown(thrown: unknown, place: string): ThrownValue {
  if (!(thrown instanceof Error)) return { value: copyOf(thrown), message: '', code: undefined, stack: undefined };
  const { message } = thrown;
  const code = thrown instanceof MpiError || thrown.name === 'MpiError' ? (thrown as MpiError).code : undefined;
  return { value: copyOf(thrown), message, code, stack: `${thrown.stack ?? message}\n${place}` };
}

/** Return what is thrown on the rank's side. */
export function decodeThrown({ value, message, code, stack }: ThrownValue): unknown {
  if (stack === undefined) return value;
  const error = code !== undefined ? new MpiError(code, message) : value instanceof Error ? value : new Error(message);
  error.stack = stack;
  return error;
}

function copyOf(value: unknown): unknown {
  try {
    return structuredClone(value);
  } catch {
    return inspect(value);
  }
}
