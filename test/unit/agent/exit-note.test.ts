/** Deaths for want of memory are recognized, others left alone. */

import { expect, test } from 'vitest';
import { noteDeath } from '../../../src/agent/exit-note.ts';

const V8 = 'FATAL ERROR: Ineffective mark-compacts near heap limit Allocation failed - JavaScript heap out of memory\n';

test.each([
  ['SIGABRT', 134, V8, false, /heap limit of Node/],
  [null, 134, V8, false, /heap limit of Node/],
  ['SIGKILL', 137, '', true, /the kernel killed it/],
  ['SIGKILL', 137, '', false, undefined],
  ['SIGABRT', 134, 'assertion failed', false, undefined],
  [null, 1, V8, false, undefined],
])('%s, code %i', (signal, code, tail, oomKilled, expected) => {
  const note = noteDeath(signal, code, tail, oomKilled);
  if (expected === undefined) expect(note).toBeUndefined();
  else expect(note).toMatch(expected);
});
