/** Memory: what is made can be mapped twice and by another process, what fails leaves nothing, what is unmapped is out of reach. */

import { spawnSync } from 'node:child_process';
import { constants, fstatSync, readFileSync, readlinkSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { CELL_BYTES } from '../../../src/segment/layout.ts';
import { addon, addonPath, countDescriptors, missing, named, startProgram, until } from './native-addon.ts';

const EBADF = 9;
const ENOENT = 2;
const ENAMETOOLONG = 36;
const isMapped = (name: string): boolean => readFileSync('/proc/self/maps', 'utf8').includes(`memfd:${name}`);

describe.skipIf(missing)(named('segment'), () => {
  test('the addon was compiled with the layout of TypeScript', () => {
    expect(addon.constants).toEqual({ cellByteLength: CELL_BYTES });
    expect(addon.pageByteLength).toBeGreaterThanOrEqual(4096);
  });

  test('memory is zeroed, reserved page by page, and shared by all who map it', () => {
    const fd = addon.createMemory('tsmpi-shared', 3 * addon.pageByteLength);
    expect(fd).toBeGreaterThan(2);
    const { size, blocks } = fstatSync(fd);
    expect(size).toBe(3 * addon.pageByteLength);
    expect(blocks * 512).toBe(3 * addon.pageByteLength);
    const first = addon.map(fd, size);
    const second = addon.map(fd, addon.pageByteLength);
    expect(addon.close(fd)).toBe(0);
    expect(new Uint8Array(first).every((byte) => byte === 0)).toBe(true);
    new Int32Array(first)[7] = 1234567;
    expect(Atomics.add(new Int32Array(second), 7, 1)).toBe(1234567);
    expect(new Int32Array(first)[7]).toBe(1234568);
    addon.unmap(first);
    addon.unmap(second);
    expect(isMapped('tsmpi-shared')).toBe(false);
  });

  test('another process maps it through /proc', async () => {
    const fd = addon.createMemory('tsmpi-other', 4096);
    const words = new Int32Array(addon.map(fd, 4096));
    const program = startProgram('add', [`/proc/${process.pid}/fd/${fd}`, 100_000]);
    for (let turn = 0; turn < 100_000; turn++) Atomics.add(words, 0, 1);
    expect(await program.ended()).toEqual({ code: 0, signal: null });
    expect(words[0]).toBe(200_000);
    addon.unmap(words.buffer as ArrayBuffer);
    addon.close(fd);
  });

  test('a view of unmapped memory throws, and unmapping once more does nothing', () => {
    const fd = addon.createMemory('tsmpi-stale', 4096);
    const buffer = addon.map(fd, 4096);
    addon.close(fd);
    const words = new Int32Array(buffer);
    addon.unmap(buffer);
    expect(() => Atomics.load(words, 0)).toThrow(TypeError);
    expect(() => words.set([1])).toThrow();
    expect(() => new Int32Array(buffer)).toThrow(TypeError);
    expect(() => addon.copy(words, 0, new Uint8Array(4), 0, 4)).toThrow(RangeError);
    expect(() => addon.unmap(buffer)).not.toThrow();
    expect(() => addon.unmap(new ArrayBuffer(8))).toThrow('buffer is not a mapping of this addon');
  });

  test('a mapping that nobody holds any more goes with its ArrayBuffer', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const fd = addon.createMemory('tsmpi-dropped', 4096);
    (() => new Int32Array(addon.map(fd, 4096)).fill(1))();
    addon.close(fd);
    expect(isMapped('tsmpi-dropped')).toBe(true);
    await until(() => {
      collect();
      return !isMapped('tsmpi-dropped');
    }, 'the mapping is gone');
  });

  test('what fails says why and leaves no descriptor', () => {
    const before = countDescriptors();
    expect(() => addon.map(-1, 4096)).toThrow(expect.objectContaining({ code: 'EBADF' }));
    const fd = addon.createMemory('tsmpi-small', 4096);
    expect(() => addon.map(fd, 4097)).toThrow(expect.objectContaining({ code: 'EINVAL' }));
    expect(() => addon.map(fd, 0)).toThrow(expect.objectContaining({ code: 'EINVAL' }));
    expect(addon.close(fd)).toBe(0);
    expect(addon.close(fd)).toBe(-EBADF);
    expect(addon.open('/nonexistent/file', constants.O_RDONLY)).toBe(-ENOENT);
    expect(addon.open('/'.repeat(5000), constants.O_RDONLY)).toBe(-ENAMETOOLONG);
    expect(countDescriptors()).toBe(before);
  });

  test('memory that cannot be had is an errno, and its descriptor is closed', () => {
    // A file size limit stands for a full host: the kernel refuses the size as it refuses pages. XFSZ would kill.
    const program = fileURLToPath(new URL('programs/out-of-memory.mjs', import.meta.url));
    const script = `trap '' XFSZ; ulimit -f 8; exec "${process.execPath}" "${program}" "${addonPath}"`;
    const { stdout, stderr } = spawnSync('/bin/sh', ['-c', script], { encoding: 'utf8', timeout: 10_000 });
    expect(stdout || stderr).toBe('outcome -27, descriptors left 0\n');
  });

  test('opened descriptors are not inherited', () => {
    const fd = addon.open('/dev/null', constants.O_RDWR);
    expect(readlinkSync(`/proc/self/fd/${fd}`)).toBe('/dev/null');
    const flags = readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8').match(/flags:\s*(\d+)/)?.[1] ?? '';
    expect(Number.parseInt(flags, 8) & 0o2000000).toBe(0o2000000);
    addon.close(fd);
  });

  test.each([
    [1, false, 1],
    [4097, false, 4096],
    [3 << 20, true, 2 << 20],
    [100, true, 4096],
  ])('allocate %i bytes, huge pages %s: aligned to %i, zeroed, writable', (byteLength, isHuge, alignment) => {
    const bytes = new Uint8Array(addon.allocate(byteLength, isHuge));
    expect(bytes.length).toBe(byteLength);
    expect(addon.addressOf(bytes) % Math.max(alignment, addon.pageByteLength)).toBe(0);
    expect(bytes.every((byte) => byte === 0)).toBe(true);
    bytes.fill(255);
    expect(bytes[byteLength - 1]).toBe(255);
    addon.unmap(bytes.buffer as ArrayBuffer);
    expect(bytes.length).toBe(0);
  });

  test('what is allocated presses on the collector once, as an ArrayBuffer of V8 does', () => {
    const collections = (make: string): number => {
      const source = `const addon = { exports: {} }; process.dlopen(addon, ${JSON.stringify(addonPath)}); globalThis.kept = ${make}`;
      const { stdout, status } = spawnSync(process.execPath, ['--trace-gc', '-e', source], { encoding: 'utf8' });
      expect(status).toBe(0);
      return stdout.match(/Mark-Compact|external memory pressure/g)?.length ?? 0;
    };
    // V8 has 64 MiB for memory outside of its heap before it collects.
    expect(collections('addon.exports.allocate(48 << 20, false)')).toBe(collections('new ArrayBuffer(48 << 20)'));
    expect(collections('addon.exports.allocate(80 << 20, false)')).toBeGreaterThan(0);
  });

  test('allocate nothing', () => {
    expect(addon.allocate(0, true).byteLength).toBe(0);
  });

  test('wrong arguments throw and name the argument', () => {
    const call = addon as unknown as Record<string, (...args: unknown[]) => unknown>;
    const failure = (name: string, ...args: unknown[]): unknown => {
      try {
        return call[name]?.(...args);
      } catch (error) {
        return `${(error as Error).name} ${(error as { code?: string }).code}: ${(error as Error).message}`;
      }
    };
    expect(failure('createMemory', 1, 4096)).toBe('TypeError ERR_INVALID_ARG_TYPE: name is not a string');
    expect(failure('createMemory', 'x', '4096')).toBe('TypeError ERR_INVALID_ARG_TYPE: byteLength is not a number');
    expect(failure('createMemory', 'x', -1)).toBe(
      'RangeError ERR_OUT_OF_RANGE: byteLength is -1, expected an integer from 0 to 2^53',
    );
    expect(failure('allocate', 1.5, false)).toMatch('byteLength is 1.5, expected an integer');
    expect(failure('allocate', Number.NaN, false)).toMatch('RangeError');
    expect(failure('allocate', 1)).toMatch('huge is not a boolean');
    expect(failure('map')).toMatch('fd is not a number');
    expect(failure('unmap', new Uint8Array(8))).toMatch('buffer is not an ArrayBuffer');
    expect(failure('open', undefined, 0)).toMatch('path is not a string');
  });
});
