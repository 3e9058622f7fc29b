/** Messages between launcher and agent survive any cutting of the stream. */

import { expect, test } from 'vitest';
import { encodeHeader, type FromAgent, MessageDecoder, type ToAgent } from '../../../src/agent/protocol.ts';

const messages: { message: FromAgent; body: Buffer }[] = [
  {
    message: { kind: 'hello', version: '1.2.3', pid: 7, hostName: 'zwölf', place: undefined, addresses: [] },
    body: Buffer.alloc(0),
  },
  { message: { kind: 'output', rank: 3, stream: 1 }, body: Buffer.from('line\n'.repeat(50)) },
  { message: { kind: 'output', rank: 4, stream: 2 }, body: Buffer.from([0, 255, 10]) },
  { message: { kind: 'closed', rank: 3, note: undefined }, body: Buffer.alloc(0) },
  { message: { kind: 'ended', unused: [] }, body: Buffer.alloc(0) },
];

function decodeIn(pieces: Iterable<Buffer>): { message: FromAgent; body: Buffer }[] {
  const got: { message: FromAgent; body: Buffer }[] = [];
  const decoder = new MessageDecoder<FromAgent>((message, body) => got.push({ message, body: Buffer.from(body) }));
  for (const piece of pieces) decoder.push(piece);
  return got;
}

const stream = Buffer.concat(messages.flatMap(({ message, body }) => [encodeHeader(message, body.length), body]));

test.each([1, 2, 3, 7, 8, 9, 64, 1000])('pieces of %i bytes', (step) => {
  function* pieces(): Generator<Buffer> {
    for (let offset = 0; offset < stream.length; offset += step) yield Buffer.from(stream.subarray(offset, offset + step));
  }
  expect(decodeIn(pieces())).toEqual(JSON.parse(JSON.stringify(messages), reviveBuffers));
});

test('what is no message is refused instead of being waited for', () => {
  const decoder = new MessageDecoder<ToAgent>(() => {});
  expect(() => decoder.push(Buffer.from('GET / HTTP/1.1\r\n'))).toThrow(/not our protocol/);
});

/** JSON leaves undefined fields out and makes objects of Buffers. */
function reviveBuffers(_key: string, value: unknown): unknown {
  const { type, data } = (value ?? {}) as { type?: string; data?: number[] };
  return type === 'Buffer' ? Buffer.from(data!) : value;
}
