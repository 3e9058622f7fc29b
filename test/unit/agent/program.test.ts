/** How a program is found and made ready: codes for what cannot be started, formats, places of bundles. */

import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { PreparedProgram } from '../../../src/agent/prepared-program.ts';
import { prepareProgram } from '../../../src/agent/program.ts';

let folder: string;
let announced: string[];

beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'tsmpi-prepare-')));
  announced = [];
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

function write(name: string, text: string, mode = 0o644): string {
  const path = join(folder, name);
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, text, { mode });
  return path;
}

function prepare(program: string, block: { exec?: boolean; env?: Record<string, string> } = {}): Promise<PreparedProgram> {
  const host = {
    jobId: 'job-1',
    addPath: (path: string): void => {
      expect(existsSync(path), 'announced before it is made').toBe(false);
      announced.push(path);
    },
  };
  return prepareProgram({ program, args: [], exec: false, wdir: folder, env: {}, nodeArgs: [], ...block }, host);
}

/** Give the folder a tsmpi of that version. */
function install(version: string): void {
  write('node_modules/tsmpi/package.json', JSON.stringify({ name: 'tsmpi', version, exports: './index.js' }));
  write('node_modules/tsmpi/index.js', '');
}

const OURS: string = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')).version;

describe('as it is', () => {
  test('JavaScript that finds this version of tsmpi', async () => {
    install(OURS);
    const file = write('a.js', '');
    expect(await prepare('a.js')).toMatchObject({ file, nodeArgs: [] });
    expect(announced).toEqual([]);
  });

  test('a script of Node without a suffix', async () => {
    const file = write('tool', '#!/usr/bin/env node\nconsole.log(1);\n');
    expect(await prepare('tool')).toMatchObject({ file });
  });

  test('executables, by path and by PATH', async () => {
    const file = write('bin/run', '#!/bin/sh\n', 0o755);
    expect(await prepare('bin/run', { exec: true })).toMatchObject({ file });
    expect(await prepare('run', { exec: true, env: { PATH: `/nowhere:${join(folder, 'bin')}` } })).toMatchObject({ file });
  });
});

describe('what cannot be started', () => {
  test.each([
    ['none.ts', false, 127, /^program not found: .*none\.ts$/],
    ['folder', false, 126, /^program is a directory: .*folder; expected a \.js or \.ts file$/],
    ['script', false, 126, /script is a script for \/bin\/sh: expected a \.js or \.ts program; .* use --exec$/],
    ['plain.txt', true, 127, /^program not found: plain\.txt$/],
    ['./plain.txt', true, 126, /^program not executable: .*plain\.txt$/],
  ] as const)('%s (exec: %s)', async (program, exec, exitCode, message) => {
    mkdirSync(join(folder, 'folder'));
    write('script', '#!/bin/sh\n', 0o755);
    write('plain.txt', '');
    await expect(prepare(program, { exec })).rejects.toMatchObject({ exitCode, message: expect.stringMatching(message) });
  });

  test.each(['a.js', 'a.ts'])('%s beside another version of tsmpi, however it is reached', async (name) => {
    install('9.9.9');
    write(name, `import 'tsmpi';\n`);
    const link = join(mkdtempSync(join(tmpdir(), 'tsmpi-link-')), name);
    symlinkSync(join(folder, name), link);
    try {
      for (const program of [name, link]) {
        await expect(prepare(program)).rejects.toMatchObject({
          exitCode: 1,
          message: expect.stringMatching(new RegExp(`resolves tsmpi 9\\.9\\.9 .* of version ${OURS}: expected one version$`)),
        });
      }
    } finally {
      rmSync(join(link, '..'), { recursive: true });
    }
  });
});

describe('bundles', () => {
  test.each([
    ['a.mts', 'export const a: number = 1;', '.mjs'],
    ['a.ts', 'export const a: number = await 1;', '.mjs'],
    ['a.ts', 'const os: object = require("node:os"); module.exports = os;', '.cjs'],
    ['a.js', 'if (require.main === module) console.log(1);', '.cjs'],
    ['a.cts', 'export const a: number = 1;', '.cjs'],
  ])('%s: %s', async (name, text, suffix) => {
    write(name, text);
    const prepared = await prepare(name);
    expect(prepared.file.endsWith(suffix)).toBe(true);
    expect(prepared.nodeArgs).toEqual(['--enable-source-maps']);
    prepared.dispose();
  });

  test('the type of the package decides before the syntax', async () => {
    write('package.json', '{ "type": "module" }');
    write('a.js', 'console.log(typeof require);');
    const prepared = await prepare('a.js');
    expect(prepared.file).toMatch(/\.mjs$/);
    prepared.dispose();
  });

  test('are announced, made in the nearest cache, and removed', async () => {
    mkdirSync(join(folder, 'node_modules'));
    write('deep/a.ts', '');
    const prepared = await prepare('deep/a.ts');
    expect(announced).toEqual([join(folder, 'node_modules/.cache/tsmpi/job-1')]);
    expect(prepared.file.startsWith(announced[0]!)).toBe(true);
    prepared.dispose();
    expect(readdirSync(join(folder, 'node_modules'))).toEqual([]);
  });

  test('leave what others have in the cache', async () => {
    write('node_modules/.cache/other', '');
    write('a.ts', '');
    (await prepare('a.ts')).dispose();
    expect(readdirSync(join(folder, 'node_modules/.cache'))).toEqual(['other']);
  });

  test('go beside the program where the cache cannot be written', async () => {
    write('node_modules/.cache', 'a file where a folder should be');
    write('a.ts', '');
    const prepared = await prepare('a.ts');
    expect(prepared.file.startsWith(join(folder, '.tsmpi-job-1/'))).toBe(true);
    prepared.dispose();
    expect(readdirSync(folder).sort()).toEqual(['a.ts', 'node_modules']);
  });

  test('a mistake on the first line is shown as it was written, and nothing is left', async () => {
    write('a.ts', 'const = import.meta.url;\n');
    await expect(prepare('a.ts')).rejects.toMatchObject({
      exitCode: 1,
      message: expect.stringMatching(/a\.ts:1:6:\n.*1 │ const = import\.meta\.url;\n/),
    });
    expect(readdirSync(folder)).toEqual(['a.ts']);
  });
});
