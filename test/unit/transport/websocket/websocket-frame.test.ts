/** Headers of RFC 6455: what is written is read again, in any pieces; what breaks a rule has its code. */

import { describe, expect, test } from 'vitest';
import {
  HeaderReader,
  headerLength,
  MAX_MESSAGE_BYTES,
  OPCODE,
  unmask,
  writeHeader,
} from '../../../../src/transport/websocket/websocket-frame.ts';

const SIZES = [0, 1, 125, 126, 127, 65535, 65536, 65537, MAX_MESSAGE_BYTES];

describe.each([true, false])('masked %s', (isMasked) => {
  test.each(SIZES)('a message of %i bytes', (byteLength) => {
    const bytes = new Uint8Array(20).fill(0xee);
    const length = writeHeader(bytes, 3, OPCODE.binary, byteLength, isMasked);
    expect(length).toBe(headerLength(byteLength, isMasked));
    expect(bytes[2]).toBe(0xee);
    expect(bytes[3 + length]).toBe(0xee);
    const reader = new HeaderReader(isMasked);
    for (let end = 3; end < 3 + length; end++) expect(reader.read(bytes, 3, end)).toBe(0);
    expect(reader.read(bytes, 3, 20)).toBe(length);
    expect(reader).toMatchObject({ opcode: OPCODE.binary, byteLength, isKeyed: false });
  });
});

test('fragments, and control frames between them', () => {
  const reader = new HeaderReader(false);
  const read = (...bytes: number[]) => reader.read(Uint8Array.from(bytes), 0, bytes.length);
  expect([read(0x02, 5), read(0x89, 3), read(0x00, 4), read(0x8a, 0), read(0x80, 1), read(0x82, 0)]).toEqual([2, 2, 2, 2, 2, 2]);
});

test.each<[code: number, why: RegExp, expectsMask: boolean, ...bytes: number[]]>([
  [1002, /a frame of a client is not masked/, true, 0x82, 1],
  [1002, /a frame of a server is masked/, false, 0x82, 0x81],
  [1002, /reserved bits/, false, 0xc2, 1],
  [1002, /opcode 3 is reserved/, false, 0x83, 1],
  [1002, /opcode 11 is reserved/, false, 0x8b, 1],
  [1002, /a control frame is fragmented/, false, 0x09, 1],
  [1002, /longer than 125/, false, 0x88, 126, 0, 126],
  [1002, /goes on that has not begun/, false, 0x80, 1],
  [1002, /fewest bytes/, false, 0x82, 126, 0, 125],
  [1002, /fewest bytes/, false, 0x82, 127, 0, 0, 0, 0, 0, 0, 255, 255],
  [1002, /highest bit/, false, 0x82, 127, 0x80, 0, 0, 0, 0, 0, 0, 0],
  [1003, /text message/, false, 0x81, 1],
  [1009, /longer than 16777216 bytes/, false, 0x82, 127, 0, 0, 0, 0, 1, 0, 0, 1],
])('closes with %i: %s', (code, why, expectsMask, ...bytes) => {
  const reader = new HeaderReader(expectsMask);
  expect(reader.read(Uint8Array.from(bytes), 0, bytes.length)).toBe(-code);
  expect(reader.violation).toMatch(why);
});

test('a message begins inside another; fragments are too long together', () => {
  const inside = new HeaderReader(false);
  inside.read(Uint8Array.of(0x02, 5), 0, 2);
  expect(inside.read(Uint8Array.of(0x82, 5), 0, 2)).toBe(-1002);
  const long = new HeaderReader(false);
  expect(long.read(Uint8Array.of(0x02, 127, 0, 0, 0, 0, 1, 0, 0, 0), 0, 10)).toBe(10);
  expect(long.read(Uint8Array.of(0x80, 0), 0, 2)).toBe(2);
  expect(long.read(Uint8Array.of(0x02, 127, 0, 0, 0, 0, 1, 0, 0, 0), 0, 10)).toBe(10);
  expect(long.read(Uint8Array.of(0x80, 1), 0, 2)).toBe(-1009);
});

test('a key is read, and undone from any byte of its frame on', () => {
  const reader = new HeaderReader(true);
  expect(reader.read(Uint8Array.of(0x82, 0x85, 1, 2, 3, 4), 0, 6)).toBe(6);
  expect([...reader.key, reader.isKeyed]).toEqual([1, 2, 3, 4, true]);
  const bytes = Uint8Array.of(0, 0, 0, 0, 0, 0, 0);
  unmask(bytes, 1, 6, reader.key, 3);
  expect([...bytes]).toEqual([0, 4, 1, 2, 3, 4, 0]);
});
