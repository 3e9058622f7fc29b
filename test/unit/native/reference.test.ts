/** The bare references move what they claim to move, between two processes. */

import { describe, expect, test } from 'vitest';
import { addon, missing, named, startProgram } from './native-addon.ts';

const BYTES = 1 << 20;

describe.skipIf(missing)(named('reference'), () => {
  test('ping-pong and pipeline, twice each, over one mapping', async () => {
    const fd = addon.createMemory('tsmpi-reference', BYTES);
    const segment = addon.map(fd, BYTES);
    const program = startProgram('reference', [`/proc/${process.pid}/fd/${fd}`, BYTES]);
    expect(await program.line()).toBe('ready');
    for (let run = 0; run < 2; run++) expect(addon.referencePingPong(segment, 64, 0, 200)).toBeGreaterThan(0);
    // 100 003 bytes make 25 pieces, the last one short, over 3 slots: no run ends where it began.
    const sent = Uint8Array.from({ length: 100_003 }, (_, index) => index * 31);
    for (let run = 0; run < 2; run++)
      expect(addon.referencePipeline(segment, 512, 0, sent, 100_003, 3, 4096, 4)).toBeGreaterThan(0);
    expect(await program.line()).toBe('received as sent: true');
    addon.unmap(segment);
    addon.close(fd);
  });

  test('what does not fit is refused', () => {
    const memory = new ArrayBuffer(4096);
    const user = new Uint8Array(64);
    expect(() => addon.referencePingPong(memory, 4096 - 128, 0, 1)).toThrow('lie outside segment, which has 4096 bytes');
    expect(() => addon.referencePingPong(memory, 8, 0, 1)).toThrow('byteOffset is not a multiple of 64');
    expect(() => addon.referencePingPong(memory, 0, 2, 1)).toThrow('side is neither 0 nor 1');
    expect(() => addon.referencePipeline(memory, 0, 0, user, 65, 1, 64, 1)).toThrow('lie outside user, which has 64 bytes');
    expect(() => addon.referencePipeline(memory, 0, 0, user, 64, 0, 64, 1)).toThrow(
      'slots or slotByteLength is zero or too large',
    );
    expect(() => addon.referencePipeline(memory, 0, 0, user, 64, 4, 1024, 1)).toThrow('lie outside segment');
  });
});
