/** The packed file, unpacked into an empty project: import, require, tsmpirun, tsmpi bench, the types. */

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
let folder: string;

function run(file: string, args: readonly string[]): string {
  return execFileSync(file, args, { cwd: folder, encoding: 'utf8', timeout: 60_000 });
}

/** The commands of the package, and where they lie in it. */
function binOf(): Record<string, string> {
  return JSON.parse(readFileSync(join(folder, 'node_modules/tsmpi/package.json'), 'utf8')).bin;
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tsmpi-package-'));
  execFileSync(process.execPath, [join(ROOT, 'native/build.mjs'), '--prebuild', '--quiet'], { stdio: 'inherit' });
  execFileSync('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', folder], { cwd: ROOT, timeout: 60_000 });
  const modules = join(folder, 'node_modules');
  mkdirSync(join(modules, 'tsmpi'), { recursive: true });
  const [file] = readdirSync(folder).filter((name) => name.endsWith('.tgz'));
  execFileSync('tar', ['-xzf', join(folder, file!), '-C', join(modules, 'tsmpi'), '--strip-components=1']);
  // What an installation would bring beside it; the registry is not asked.
  for (const name of readdirSync(join(ROOT, 'node_modules'))) {
    if (name !== 'tsmpi' && name !== '.bin' && !name.startsWith('.'))
      symlinkSync(join(ROOT, 'node_modules', name), join(modules, name));
  }
  mkdirSync(join(modules, '.bin'));
  for (const [name, entry] of Object.entries(binOf())) symlinkSync(`../tsmpi/${entry}`, join(modules, '.bin', name));
  writeFileSync(join(folder, 'package.json'), '{ "name": "somebody", "private": true }');
}, 120_000);

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

test('import', () => {
  writeFileSync(join(folder, 'a.mjs'), `import { world, SUM } from 'tsmpi';\nconsole.log(world.size, SUM.name);\n`);
  expect(run(process.execPath, ['a.mjs'])).toBe('1 SUM\n');
});

test('require', () => {
  writeFileSync(join(folder, 'b.cjs'), `const { world } = require('tsmpi');\nconsole.log(world.size);\n`);
  expect(run(process.execPath, ['--no-warnings', 'b.cjs'])).toBe('1\n');
});

test('import and require give the same world', () => {
  writeFileSync(
    join(folder, 'e.mjs'),
    `import { createRequire } from 'node:module';
import * as imported from 'tsmpi';
const required = createRequire(import.meta.url)('tsmpi');
console.log(Object.keys(imported).every((name) => imported[name] === required[name]), 'world' in required);
`,
  );
  expect(run(process.execPath, ['e.mjs'])).toBe('true true\n');
});

test('npx tsmpirun', () => {
  writeFileSync(
    join(folder, 'c.mjs'),
    `import { world, SUM } from 'tsmpi';\nconst n = await world.allreduce(1, SUM);\nif (world.rank === 0) console.log(n);\n`,
  );
  expect(run('npx', ['--no-install', 'tsmpirun', '-n', '2', 'c.mjs'])).toBe('2\n');
  writeFileSync(
    join(folder, 'd.ts'),
    `import { world } from 'tsmpi';\nconst size: number = world.size;\nif (world.rank === 0) console.log(size);\n`,
  );
  expect(run('npx', ['--no-install', 'tsmpirun', '-n', '2', 'd.ts'])).toBe('2\n');
});

test('tsmpi bench, and what it builds for peers', () => {
  const words = ['latency', '-m', '8:8', '-i', '10', '-x', '1', '-r', '1', '--json'];
  const [job, row] = run('npx', ['--no-install', 'tsmpi', 'bench', ...words])
    .split('\n')
    .map((line) => line && JSON.parse(line));
  expect([job.kind, row.kind, row.size]).toEqual(['job', 'row', 8]);
  const dist = join(folder, 'node_modules/tsmpi/dist');
  const text = readFileSync(join(dist, 'peers/osu.c'), 'utf8');
  for (const [, name] of text.matchAll(/#include "(.*)"/g)) expect(existsSync(join(dist, 'peers', name!))).toBe(true);
});

test('the types', () => {
  writeFileSync(
    join(folder, 'types.ts'),
    `import { type Communicator, MpiError, SUM, world } from 'tsmpi';
const comm: Communicator = world;
const sum: number = await comm.allreduce(3, SUM);
const all: Float64Array<ArrayBuffer> = await comm.allgather(sum);
// @ts-expect-error a string is sent by sendObject
comm.send('text', 0);
export const error = new MpiError('ERR_MPI_RANK', String(all.length));
`,
  );
  const config = {
    compilerOptions: {
      strict: true,
      module: 'nodenext',
      target: 'es2023',
      lib: ['es2023', 'esnext.disposable'],
      types: ['node'],
      noEmit: true,
    },
    files: ['types.ts'],
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
  writeFileSync(join(folder, 'package.json'), '{ "name": "somebody", "private": true, "type": "module" }');
  expect(run(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', '.'])).toBe('');
});

test('the addon is in it, and no test, source map of strangers or scratch file', () => {
  const files = readdirSync(join(folder, 'node_modules/tsmpi'), { recursive: true }).map(String);
  if (existsSync(join(ROOT, 'native/build/Release/tsmpi.node'))) {
    expect(files.filter((file) => file.endsWith('.node'))).toEqual([`native/prebuilds/${process.platform}-${process.arch}.node`]);
  }
  expect(files.filter((file) => /^(test|bench|examples|\.)/.test(file))).toEqual([]);
  expect(Object.keys(binOf())).toEqual(['tsmpirun', 'tsmpi']);
});
