/** The build script in a copy of the repository's native folder: it builds, leaves alone what is good, and never fails. */

import { execFile, spawnSync } from 'node:child_process';
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

/** What build.mjs calls unless CC names another. */
const COMPILER = 'cc';
const hasCompiler = process.platform === 'linux' && spawnSync(COMPILER, ['--version']).status === 0;
const title = hasCompiler ? 'build' : 'build (no C compiler: install gcc and libc6-dev)';

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

describe.skipIf(!hasCompiler)(title, { timeout: 120_000 }, () => {
  let folder = '';
  let release = '';
  let output = '';

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'tsmpi-build-'));
    release = join(folder, 'build/Release');
    output = join(release, 'tsmpi.node');
    const native = fileURLToPath(new URL('../../../native', import.meta.url));
    for (const name of ['src', 'build.mjs', 'binding.gyp']) cpSync(join(native, name), join(folder, name), { recursive: true });
    // What the compiler makes of it does not matter here, and takes most of the time.
    const script = readFileSync(join(folder, 'build.mjs'), 'utf8');
    writeFileSync(join(folder, 'build.mjs'), script.replace("'-O3'", "'-O0'"));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** Run the script. An undefined variable is taken out of the environment. */
  const build = (args: string[] = [], variables: NodeJS.ProcessEnv = {}): Promise<Outcome> => {
    const env: NodeJS.ProcessEnv = { ...process.env, CC: undefined, ...variables };
    for (const [name, value] of Object.entries(env)) if (value === undefined) delete env[name];
    return new Promise((resolve) => {
      execFile(process.execPath, [join(folder, 'build.mjs'), ...args], { env, timeout: 100_000 }, (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
      });
    });
  };
  const identity = () => `${statSync(output).ino} ${statSync(output).mtimeMs}`;
  const loads = () => {
    const text = `const m = { exports: {} }; process.dlopen(m, ${JSON.stringify(output)}); m.exports.yield()`;
    return spawnSync(process.execPath, ['-e', text]).status === 0;
  };

  test('without a compiler, and nothing built: one line that says what is lost, exit code 0', async () => {
    for (const variables of [{ CC: '/nonexistent' }, { PATH: '/nonexistent' }]) {
      const { code, stdout, stderr } = await build(['--quiet'], variables);
      expect([code, stdout]).toEqual([0, '']);
      expect(stderr).toMatch(/^tsmpi: native addon not built \(.*ENOENT\): ranks run as threads, not as processes\n$/);
      expect(existsSync(output)).toBe(false);
    }
  });

  test('two at once both end well, without a warning, and leave one addon', async () => {
    const outcomes = await Promise.all([build(['--quiet']), build(['--quiet'])]);
    expect(outcomes).toEqual([
      { code: 0, stdout: '', stderr: '' },
      { code: 0, stdout: '', stderr: '' },
    ]);
    expect(readdirSync(release)).toEqual(['tsmpi.node']);
    expect(loads()).toBe(true);
  });

  test('when nothing changed nothing is touched', async () => {
    const before = identity();
    expect(await build()).toMatchObject({ code: 0, stdout: expect.stringMatching('up to date') });
    // It does not even ask for the compiler.
    expect(await build(['--quiet'], { PATH: '/nonexistent' })).toEqual({ code: 0, stdout: '', stderr: '' });
    expect(identity()).toBe(before);
  });

  test('a good addon survives a compiler that is gone and sources that do not compile', async () => {
    const before = identity();
    const gone = await build(['--quiet'], { CC: '/nonexistent' });
    expect(gone).toMatchObject({ code: 0, stderr: expect.stringMatching(/ENOENT\): the one built before stays in use\n$/) });
    writeFileSync(join(folder, 'src/broken.c'), 'int broken(void) { return }\n');
    const broken = await build();
    expect(broken.code).toBe(0);
    expect(broken.stderr.trim().split('\n')).toHaveLength(1);
    expect(broken.stderr).toMatch(/broken\.c.*error: .*: the one built before stays in use/);
    rmSync(join(folder, 'src/broken.c'));
    expect(identity()).toBe(before);
    expect(readdirSync(release)).toEqual(['tsmpi.node']);
  });

  test('an addon that compiles but does not load replaces nothing', async () => {
    const before = identity();
    writeFileSync(
      join(folder, 'src/unresolved.c'),
      'extern void nowhere(void);\n__attribute__((constructor)) static void call(void) { nowhere(); }\n',
    );
    const { code, stderr } = await build(['--quiet'], { LD_BIND_NOW: '1' });
    rmSync(join(folder, 'src/unresolved.c'));
    expect(code).toBe(0);
    expect(stderr).toMatch(/undefined symbol: nowhere\): the one built before stays in use\n$/);
    expect(identity()).toBe(before);
    expect(readdirSync(release)).toEqual(['tsmpi.node']);
  });

  test('a changed source is built anew, and --prebuild puts a copy where it is packed from', async () => {
    const before = identity();
    appendFileSync(join(folder, 'src/park.c'), '/* changed */\n');
    const { code, stdout } = await build(['--prebuild']);
    expect([code, stdout]).toEqual([0, expect.stringMatching(/native addon built: .*prebuilds/)]);
    expect(identity()).not.toBe(before);
    const [name, ...others] = readdirSync(join(folder, 'prebuilds'));
    expect(others).toEqual([]);
    expect(name).toMatch(new RegExp(`^${process.platform}-${process.arch}(-musl)?\\.node$`));
    expect(readFileSync(join(folder, 'prebuilds', name as string)).equals(readFileSync(output))).toBe(true);
  });

  test('every source is named in binding.gyp', () => {
    const gyp = readFileSync(join(folder, 'binding.gyp'), 'utf8');
    const listed = [...gyp.matchAll(/'(src\/\w+\.c)'/g)].map((match) => match[1]);
    const there = readdirSync(join(folder, 'src')).filter((name) => name.endsWith('.c'));
    expect(listed).toEqual(there.sort().map((name) => `src/${name}`));
  });
});
