/**
 * Regions: named stretches of a program, for its profile.
 */

import { MpiError } from '../base/errors.ts';
import type { Profile } from '../p2p/profile.ts';

/** Run `fn` within a region of that name, if there is a profile. */
export function runRegion<T>(profile: Profile | undefined, name: string, fn: () => T): T {
  if (typeof name !== 'string' || name === '') {
    throw new MpiError('ERR_MPI_ARG', `region got ${name === '' ? 'an empty text' : typeof name} for its name: expected a text`);
  }
  if (profile === undefined) return fn();
  const region = profile.enter(name);
  let result: T;
  try {
    result = fn();
  } catch (error) {
    profile.leave(region);
    throw error;
  }
  if (result instanceof Promise) return result.finally(() => profile.leave(region)) as T;
  profile.leave(region);
  return result;
}
