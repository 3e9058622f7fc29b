/** The guard of a process's exit: a standstill is ended with the code of the exit, work is not. */

import { describe, expect, test } from 'vitest';
import { missing, named, startProgram } from './native-addon.ts';

describe.skipIf(missing)(named('exit'), () => {
  test('an exit that stands still ends with its code', async () => {
    expect(await startProgram('exit', ['stands still']).ended()).toEqual({ code: 3, signal: null });
  });

  test('an exit that computes goes on', async () => {
    expect(await startProgram('exit', ['computes']).ended()).toEqual({ code: 4, signal: null });
  });
});
