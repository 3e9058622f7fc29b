/** Programs: TypeScript is bundled, keeps its own places and lines, and leaves nothing behind. */

import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Job, runJob } from './run-job.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tsmpi-program-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

function write(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

describe.each(['process', 'thread'])('ranks as %s', (kind) => {
  test('a .ts program with a module of its own sees the places of its sources', async () => {
    write('part.ts', 'export const place: string = import.meta.url;\nexport enum Color { Red = 7 }\n');
    const program = write(
      'main.ts',
      `import { world } from 'tsmpi';
import { Color, place } from './part.ts';
interface Facts { readonly all: string[] }
const facts: Facts = { all: [import.meta.filename, import.meta.dirname, place, process.argv[1]!, process.argv[2]!, String(Color.Red)] };
if (world.rank === world.size - 1) console.log(JSON.stringify(facts.all));
`,
    );
    const { code, stdout, stderr } = await runJob(['-n', '2', '--ranks', kind, program, '-5']);
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toEqual([program, folder, `file://${join(folder, 'part.ts')}`, program, '-5', '7']);
    expect(code).toBe(0);
    expect(readdirSync(folder).sort()).toEqual(['main.ts', 'part.ts']);
  });

  test('a stack names the source also where node_modules is a link', async () => {
    mkdirSync(join(folder, 'far/away/modules'), { recursive: true });
    symlinkSync(join(folder, 'far/away/modules'), join(folder, 'node_modules'));
    const program = write(
      'fails.mjs',
      `import { world } from 'tsmpi';\nif (world.rank === 1) throw new Error('on purpose');\nawait world.barrier();\n`,
    );
    const { code, stderr } = await runJob(['-n', '2', '--ranks', kind, program]);
    expect(stderr).toContain(`${program}:2`);
    expect(code).toBe(1);
  });

  test('a stack names the line of the source', async () => {
    const program = write(
      'fails.ts',
      `import { world } from 'tsmpi';\n\ninterface Unused { a: number }\nif (world.rank === 1) throw new Error('on purpose');\nawait world.barrier();\n`,
    );
    const { code, stderr, lastLine } = await runJob(['-n', '2', '--ranks', kind, program]);
    expect(stderr).toContain('on purpose');
    expect(stderr).toMatch(/fails\.ts:4/);
    expect(lastLine).toMatch(/^tsmpirun: rank 1 on \S+ \(pid \d+\): /);
    expect(code).toBe(1);
  });
});

describe.each(['process', 'thread'])('CommonJS, ranks as %s', (kind) => {
  test('a .js program without a package is its own main module and knows its place', async () => {
    const program = write(
      'main.js',
      `const { world } = require('tsmpi');
const { hostname } = require('os');
if (require.main === module && world.rank === 1) console.log([__filename, __dirname, process.argv[1], typeof hostname()].join());
`,
    );
    const { code, stdout, stderr } = await runJob(['-n', '2', '--ranks', kind, program]);
    expect(stderr).toBe('');
    expect(stdout).toBe(`${program},${folder},${program},string\n`);
    expect(code).toBe(0);
  });

  test('beside ES modules: one tsmpi, built-in modules, each at its own place', async () => {
    write(
      'old.cjs',
      `const { world } = require('tsmpi');\nmodule.exports = { world, sep: require('path').sep, here: __dirname };\n`,
    );
    const program = write(
      'main.ts',
      `import { createRequire } from 'node:module';
import { world } from 'tsmpi';
import old from './old.cjs';
const require = createRequire(import.meta.url);
if (world.rank === 0) console.log(old.world === world, old.sep, old.here, require.resolve('./old.cjs'));
`,
    );
    const { code, stdout, stderr } = await runJob(['-n', '2', '--ranks', kind, program]);
    expect(stderr).toBe('');
    expect(stdout).toBe(`true / ${folder} ${join(folder, 'old.cjs')}\n`);
    expect(code).toBe(0);
  });
});

test('the settings of tsconfig.json hold in modules that ask for their place too', async () => {
  write('tsconfig.json', '{ "compilerOptions": { "useDefineForClassFields": false } }');
  const program = write(
    'fields.ts',
    `class Base { constructor() { this.set(); } set(): void {} }
class Derived extends Base { value: number; set(): void { this.value = import.meta.url.length; } }
console.log(new Derived().value);
`,
  );
  expect(await runJob(['-n', '1', '--quiet', program])).toMatchObject({ code: 0, stdout: `${`file://${program}`.length}\n` });
});

test('a worker named by its URL is bundled too', async () => {
  write(
    'worker.ts',
    `import { parentPort } from 'node:worker_threads';\nconst answer: number = 42;\nparentPort!.postMessage(answer);\n`,
  );
  const program = write(
    'main.ts',
    `import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { world } from 'tsmpi';
const [answer] = await once(new Worker(new URL('./worker.ts', import.meta.url)), 'message');
if (world.rank === 0) console.log(answer);
`,
  );
  expect(await runJob(['-n', '2', program])).toMatchObject({ code: 0, stdout: '42\n' });
});

test('plain JavaScript that does not find tsmpi, and CommonJS, get the launcher’s own copy', async () => {
  const esm = write('a.mjs', `import { world } from 'tsmpi';\nconsole.log(world.size);\n`);
  expect(await runJob(['-n', '1', esm])).toMatchObject({ code: 0, stdout: '1\n' });
  const common = write(
    'b.cts',
    `const { world } = require('tsmpi');\nconst size: number = world.size;\nconsole.log(size, typeof module);\n`,
  );
  expect(await runJob(['-n', '1', common])).toMatchObject({ code: 0, stdout: '1 object\n' });
});

test('a mistake in the program is shown with its place', async () => {
  const program = write('wrong.ts', `import { world } from 'tsmpi';\nconst = 3;\n`);
  const { code, stdout, stderr } = await runJob(['-n', '2', program]);
  expect(stderr).toMatch(/wrong\.ts cannot be bundled:/);
  expect(stderr).toContain(` ${join(folder, 'wrong.ts')}:`);
  expect(stderr).toMatch(/wrong\.ts:2:6/);
  expect(stdout).toBe('');
  expect(code).toBe(1);
});

test('a module that is not there is named', async () => {
  const program = write('lost.ts', `import { x } from './nowhere.ts';\nconsole.log(x);\n`);
  const { code, stderr } = await runJob(['-n', '2', program]);
  expect(stderr).toContain('Could not resolve "./nowhere.ts"');
  expect(code).toBe(1);
});

test('a program that finds another version of tsmpi is refused, naming both', async () => {
  const other = join(folder, 'node_modules/tsmpi');
  mkdirSync(other, { recursive: true });
  writeFileSync(join(other, 'package.json'), JSON.stringify({ name: 'tsmpi', version: '9.9.9', exports: './index.js' }));
  writeFileSync(join(other, 'index.js'), '');
  const { code, stderr } = await runJob(['-n', '2', write('a.mjs', `import 'tsmpi';\n`)]);
  expect(stderr).toMatch(/resolves tsmpi 9\.9\.9 .*this tsmpirun is of version \d+\.\d+\.\d+/);
  expect(code).toBe(1);
});

test('the bundle goes to the nearest node_modules and is gone afterwards', async () => {
  mkdirSync(join(folder, 'node_modules'));
  const program = write(
    'where.ts',
    `import { fileURLToPath } from 'node:url';\nconsole.log(process.execArgv.join(' '), fileURLToPath(import.meta.url));\n`,
  );
  const { code, stdout } = await runJob(['-n', '1', '--quiet', program]);
  expect(stdout).toBe(`--enable-source-maps ${program}\n`);
  expect(code).toBe(0);
  expect(existsSync(join(folder, 'node_modules/.cache'))).toBe(false);
});

test('while it runs, what bundled it does not', async () => {
  const job = new Job(['-n', '1', '--quiet', write('stays.ts', `console.log('ready');\nsetInterval(() => {}, 1e6);\n`)]);
  await job.output(/ready/);
  const commands = job.processes().map((pid) => readFileSync(`/proc/${pid}/cmdline`, 'latin1'));
  job.child.kill('SIGTERM');
  expect((await job.end()).code).toBe(143);
  expect(commands.length).toBeGreaterThan(2);
  expect(commands.filter((command) => command.includes('esbuild'))).toEqual([]);
});

test('a directory and a file that is not there', async () => {
  expect(await runJob(['-n', '1', folder])).toMatchObject({ code: 126 });
  expect(await runJob(['-n', '1', join(folder, 'none.ts')])).toMatchObject({ code: 127 });
});
