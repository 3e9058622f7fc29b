/** What a host can give, and the error when it is too little. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { loadAddon } from '../../../src/native/loader.ts';
import { availableMemory, createProcessMemory, createThreadMemory } from '../../../src/segment/backing.ts';
import { layOut, shapesFor } from '../../../src/segment/layout.ts';
import { Segment } from '../../../src/segment/segment.ts';

const MIB = 1 << 20;
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tsmpi-backing-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function available(files: Record<string, string>): number {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return availableMemory({ meminfo: join(folder, 'meminfo'), cgroup: join(folder, 'self'), cgroupRoot: join(folder, 'fs') });
}

test('however many ranks, up to a hundred: no more than V8 leaves uncollected', () => {
  const sizes = Array.from({ length: 100 }, (_, k) => layOut(shapesFor(k + 1, 4096)[0]!).byteLength);
  expect(Math.max(...sizes)).toBeLessThan(64 * MIB);
  expect(shapesFor(8, 4096)[0]!.largeCount).toBe(8);
  expect(shapesFor(64, 4096)[0]!.largeCount).toBeLessThan(8);
});

describe('available memory', () => {
  const meminfo = 'MemTotal: 9000 kB\nMemAvailable:    8192 kB\n';

  test('of the host alone', () => {
    expect(available({ meminfo })).toBe(8 * MIB);
    expect(available({ meminfo, self: '0::/a\n', 'fs/a/memory.max': 'max\n' })).toBe(8 * MIB);
  });

  test('of a cgroup, version 2, whose cache can be given back', () => {
    const files = {
      'fs/a/b/memory.max': `${6 * MIB}\n`,
      'fs/a/b/memory.current': `${5 * MIB}\n`,
      'fs/a/b/memory.stat': `anon 1\ninactive_file ${2 * MIB}\n`,
    };
    expect(available({ meminfo, self: '0::/a/b\n', ...files })).toBe(3 * MIB);
  });

  test('of a cgroup above', () => {
    expect(available({ meminfo, self: '0::/a/b\n', 'fs/a/memory.max': `${4 * MIB}`, 'fs/a/memory.current': `${3 * MIB}` })).toBe(
      MIB,
    );
  });

  test('of a cgroup, version 1, also where only its root is visible', () => {
    const self = '5:cpu,cpuacct:/x\n4:memory:/outer/x\n0::/\n';
    expect(
      available({
        meminfo,
        self,
        'fs/memory/memory.limit_in_bytes': `${5 * MIB}`,
        'fs/memory/memory.usage_in_bytes': `${3 * MIB}`,
      }),
    ).toBe(2 * MIB);
  });
});

test('more than any host has is an error with both sizes', () => {
  const message = /^no memory for the segment of 300000 ranks: \d+\.\d MiB wanted, \d+\.\d MiB at the least, \d+\.\d MiB there$/;
  expect(() => createThreadMemory(300_000, new Uint8Array(2))).toThrow(message);
});

const description = new TextEncoder().encode('{"id":"x"}');

test('a SharedArrayBuffer holds a segment with its description', () => {
  expect(createThreadMemory(2, description).description()).toBe('{"id":"x"}');
});

const { addon } = loadAddon();

// Without the addon there are no memfds.
test.skipIf(addon === undefined)('a memfd holds a segment that others can map', () => {
  const { fd, segment } = createProcessMemory(addon!, 2, description);
  const other = Segment.attach(addon!.map(fd, segment.buffer.byteLength));
  expect(other.description()).toBe('{"id":"x"}');
  segment.i32[segment.control(1, 0)] = 77;
  expect(other.i32[other.control(1, 0)]).toBe(77);
  addon!.close(fd);
});
