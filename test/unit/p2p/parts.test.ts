/** Receives that are told of each part of their message as it arrives. */

import { expect, test } from 'vitest';
import { F64 } from '../../../src/datatype/element-type.ts';
import { startRanks } from '../ranks.ts';

test.each([
  ['in a cell', 3],
  ['at once', 1000],
  ['in pieces or fetched', 40_001],
])('a message that goes %s: parts cover it once, and their elements are there', { timeout: 30_000 }, async (_, count) => {
  const [sender, receiver] = startRanks(2);
  const data = Float64Array.from({ length: count }, (_value, i) => i + 1);
  // Fetched first, streamed after some trials: copy-choice.ts.
  for (let message = 0; message < 10; message++) {
    const into = new Float64Array(count);
    const seen = new Uint8Array(count);
    const errors: string[] = [];
    const onPart = (start: number, end: number): void => {
      if (start % 2 !== 0 || (end !== count && end % 2 !== 0)) errors.push(`${start} to ${end} are no whole 16 bytes`);
      for (let i = start; i < end; i++) {
        seen[i]!++;
        if (into[i] !== i + 1) errors.push(`element ${i} is ${into[i]}`);
      }
    };
    const context = receiver!.world.space.context;
    const received = receiver!.engine.receive(context, into, F64, into.byteLength, 0, message, undefined, onPart);
    const sent = sender!.engine.send(sender!.world.space.context, data, F64, count, 1, message, false);
    await Promise.all([received, sent]);
    expect(errors.slice(0, 5)).toEqual([]);
    expect(seen.every((times) => times === 1)).toBe(true);
    expect(into).toEqual(data);
  }
});
