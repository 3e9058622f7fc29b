/** The loader never throws, keeps to its order and says why each place gave no addon. */

import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { LoadAttempt } from '../../../src/native/loader.ts';
import { addonPath, missing, named } from './native-addon.ts';

/** An installed package: one bundled file in dist/, and what the test puts into native/. */
let root = '';
let release = '';
let prebuild = '';

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'tsmpi-loader-'));
  release = join(root, 'native/build/Release/tsmpi.node');
  const isMusl =
    (process.report.getReport() as { header: { glibcVersionRuntime?: string } }).header.glibcVersionRuntime === undefined;
  prebuild = join(root, `native/prebuilds/${process.platform}-${process.arch}${isMusl ? '-musl' : ''}.node`);
  writeFileSync(join(root, 'package.json'), JSON.stringify({ name: 'tsmpi', type: 'module' }));
  const entry = fileURLToPath(new URL('../../../src/native/loader.ts', import.meta.url));
  // A package.json of another name on the way up is passed over.
  mkdirSync(join(root, 'dist/deep'), { recursive: true });
  writeFileSync(join(root, 'dist/deep/package.json'), '{"name":"other","type":"module"}');
  for (const outfile of ['dist/index.js', 'dist/deep/index.js']) {
    buildSync({ entryPoints: [entry], bundle: true, platform: 'node', format: 'esm', outfile: join(root, outfile) });
  }
});
afterAll(() => rmSync(root, { recursive: true, force: true }));
beforeEach(() => rmSync(join(root, 'native'), { recursive: true, force: true }));

/** Load in a process of its own; TSMPI_NATIVE as given. */
function load(setting?: string, file = 'dist/index.js'): { hasAddon: boolean; isCached: boolean; attempts: LoadAttempt[] } {
  const text = `import { loadAddon } from ${JSON.stringify(join(root, file))};
    const { addon, attempts } = loadAddon();
    console.log(JSON.stringify({ hasAddon: addon?.constants.cellByteLength > 0, isCached: loadAddon().addon === addon, attempts }));`;
  const env: NodeJS.ProcessEnv = { ...process.env, TSMPI_NATIVE: setting };
  if (setting === undefined) delete env.TSMPI_NATIVE;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', text], {
    env,
    encoding: 'utf8',
    timeout: 10_000,
  });
  if (stdout === '') throw new Error(stderr);
  return JSON.parse(stdout);
}

function place(path: string, content?: string): void {
  mkdirSync(dirname(path), { recursive: true });
  if (content === undefined) copyFileSync(addonPath, path);
  else writeFileSync(path, content);
}

describe('loader', () => {
  test('nothing is there: absent, not broken', () => {
    expect(load()).toEqual({
      hasAddon: false,
      isCached: true,
      attempts: [
        { path: release, reason: 'not found' },
        { path: prebuild, reason: 'not found' },
      ],
    });
  });

  test('switched off', () => {
    expect(load('off')).toMatchObject({ hasAddon: false, attempts: [{ path: 'TSMPI_NATIVE=off', reason: 'switched off' }] });
  });

  test('a named file is the only one tried', () => {
    expect(load('/nonexistent.node')).toMatchObject({
      hasAddon: false,
      attempts: [{ path: '/nonexistent.node', reason: 'not found' }],
    });
  });

  test('a file that is no addon is broken, and the next place is tried', () => {
    place(release, 'no shared object');
    const { hasAddon, attempts } = load();
    expect(hasAddon).toBe(false);
    expect(attempts.map(({ path }) => path)).toEqual([release, prebuild]);
    expect(attempts[0]?.reason).toMatch(/^broken: .*(invalid ELF header|file too short|not a mach-o|not a valid)/i);
    expect(attempts[1]?.reason).toBe('not found');
  });
});

describe.skipIf(missing)(named('loader with an addon'), () => {
  test('a build of this checkout comes before a prebuilt one', () => {
    place(prebuild);
    expect(load()).toEqual({
      hasAddon: true,
      isCached: true,
      attempts: [
        { path: release, reason: 'not found' },
        { path: prebuild, reason: 'loaded' },
      ],
    });
    place(release);
    expect(load('', 'dist/deep/index.js').attempts).toEqual([{ path: release, reason: 'loaded' }]);
  });

  test('a named file is loaded', () => {
    expect(load(addonPath)).toMatchObject({ hasAddon: true, attempts: [{ path: addonPath, reason: 'loaded' }] });
  });
});
