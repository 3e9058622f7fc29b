/** LineAssembler against a model: whatever way bytes come in, the same lines come out. */

import { expect, test } from 'vitest';
import { LineAssembler } from '../../../src/launcher/line-assembler.ts';

function assemble(text: string, cuts: readonly number[], tag?: string): string[] {
  const assembler = new LineAssembler(tag);
  const bytes = Buffer.from(text);
  const out: Buffer[] = [];
  let start = 0;
  for (const cut of [...cuts, bytes.length]) {
    out.push(assembler.push(Buffer.from(bytes.subarray(start, cut))));
    start = cut;
  }
  out.push(assembler.flush());
  return out.map(String);
}

const TEXT = 'one\ntwo two\r\n\n10 %\r20 %\rdone\r\nlast';

test('nothing but whole lines comes out before the end', () => {
  for (let cut = 0; cut <= TEXT.length; cut++) {
    const parts = assemble(TEXT, [cut]);
    expect(parts.join('')).toBe(TEXT);
    for (const part of parts.slice(0, -1)) expect(part === '' || /[\n\r]$/.test(part)).toBe(true);
  }
});

test('tags stand in front of each line, however the bytes come in', () => {
  const expected = '[3] one\n[3] two two\r\n[3] \n[3] 10 %\r[3] 20 %\r[3] done\r\n[3] last';
  for (let first = 0; first <= TEXT.length; first++) {
    for (let second = first; second <= TEXT.length; second++) {
      expect(assemble(TEXT, [first, second], '[3] ').join('')).toBe(expected);
    }
  }
});

test('a line beyond the bound goes out in parts', () => {
  const assembler = new LineAssembler('[0] ');
  let out = 0;
  for (let k = 0; k < 40; k++) {
    out += assembler.push(Buffer.alloc(65_536, 'x')).length;
    expect(assembler.heldByteLength).toBeLessThanOrEqual(1 << 20);
  }
  out += assembler.flush().length;
  expect(out).toBe(40 * 65_536 + '[0] '.length);
});
