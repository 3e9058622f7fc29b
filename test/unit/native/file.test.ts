/** Files mapped instead of read, and the numbers of errors. */

import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import * as errno from '../../../src/native/errno.ts';
import { loadAddon } from '../../../src/native/loader.ts';

const addon = loadAddon().addon!;
const folder = mkdtempSync(join(tmpdir(), 'tsmpi-file-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('the text of a file, as long as anyone holds it', () => {
  const file = join(folder, 'text');
  const text = 'const grüße = 1;\n'.repeat(5000);
  writeFileSync(file, text, 'latin1');
  const mapped = addon.mapText(file);
  // Another file in its place changes nothing.
  writeFileSync(`${file}.new`, 'short');
  renameSync(`${file}.new`, file);
  expect(mapped === text).toBe(true);
});

test('the bytes of a file', () => {
  const bytes = addon.mapBytes(process.execPath);
  expect(bytes).toBeInstanceOf(ArrayBuffer);
  const wanted = readFileSync(process.execPath);
  expect(wanted.equals(new Uint8Array(bytes as ArrayBuffer))).toBe(true);
});

test('no file, an empty one, a folder: the errno', () => {
  const empty = join(folder, 'empty');
  writeFileSync(empty, '');
  for (const map of [addon.mapText, addon.mapBytes]) {
    expect(map(join(folder, 'none'))).toBe(-constants.errno.ENOENT);
    expect(map(empty)).toBe(-constants.errno.EINVAL);
    expect([-constants.errno.EINVAL, -constants.errno.ENODEV]).toContain(map(folder));
    expect(map('x'.repeat(10_000))).toBe(-constants.errno.ENAMETOOLONG);
    expect(() => map(1 as never)).toThrow('path is not a string');
  }
});

test('numbers of errors are those of this system', () => {
  for (const [name, value] of Object.entries(errno)) {
    expect(value, name).toBe(constants.errno[name as keyof typeof constants.errno]);
  }
});
