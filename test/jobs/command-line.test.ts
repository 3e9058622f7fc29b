/** The two commands as they are typed: the traps of a line, the sentence for each mistake, and its exit code. */

import { execFile, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LAUNCHER, runJob } from './run-job.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const TSMPI = join(dirname(LAUNCHER), 'tsmpi.js');

let folder: string;
let show: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tsmpi-line-'));
  show = join(folder, 'show.cjs');
  writeFileSync(
    show,
    `const { world } = require(${JSON.stringify(join(ROOT, 'dist/index.js'))});
const { A, TSMPI_QUIET, TSMPI_TIMEOUT, TSMPI_NP } = process.env;
if (world.rank === 0) console.log(JSON.stringify({ size: world.size, args: process.argv.slice(2), A, TSMPI_QUIET, TSMPI_TIMEOUT, TSMPI_NP }));`,
  );
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

interface Run {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function tsmpi(args: readonly string[], env: Record<string, string> = {}): Promise<Run> {
  return new Promise((resolve) => {
    const options = { env: { ...process.env, ...env } };
    execFile(process.execPath, [TSMPI, ...args], options, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

describe('traps', () => {
  test.each(['process', 'thread'])('arguments behind the program reach it byte for byte, ranks as %s', async (kind) => {
    const args = ['-n', '3', '--np=4', '007', '1e3', '0x10', '-5', '--', '', 'a b', '--help', '--no-color', '-x', 'Ä\n$HOME'];
    const { code, stdout } = await runJob(['-np', '2', '--quiet', '--ranks', kind, show, ...args]);
    expect(JSON.parse(stdout)).toMatchObject({ size: 2, args });
    expect(code).toBe(0);
  });

  test('-x A=1 does not swallow the program', async () => {
    const { stdout } = await runJob(['-n', '1', '--quiet', '-x', 'A=1', show, 'B=2']);
    expect(JSON.parse(stdout)).toMatchObject({ A: '1', args: ['B=2'] });
  });

  test('a value may begin with a dash', async () => {
    const program = join(folder, 'node-args.mjs');
    writeFileSync(program, "console.log(process.title, process.execArgv.includes('--no-warnings'));");
    const { stdout } = await runJob(['-n', '1', '--quiet', '--node-args', '--title=mine --no-warnings', program]);
    expect(stdout).toBe('mine true\n');
  });

  test('variables of options are read by the launcher and kept from the ranks', async () => {
    const { stdout, stderr } = await runJob([show], { env: { TSMPI_NP: '3', TSMPI_QUIET: '1', TSMPI_TIMEOUT: '60' } });
    expect(JSON.parse(stdout)).toEqual({ size: 3, args: [] });
    expect(stderr).toBe('');
  });
});

describe('mistakes', () => {
  test.each([
    [[], 2, /^tsmpirun: no program was given: expected tsmpirun \[options\] program/],
    [['-n', '0', 'a.js'], 2, /^tsmpirun: -n got 0: expected a whole number from 1/],
    [['-n', 'four', 'a.js'], 2, /^tsmpirun: -n got four: expected a whole number from 1/],
    [['--tag-ouput', 'a.js'], 2, /^tsmpirun: unknown option --tag-ouput: did you mean --tag-output\?$/],
    [['-H', '-x', 'a.js'], 2, /^tsmpirun: --host got -x: expected a host as name, name:4 or user@name:4/],
    [['-n', '2', '--stdin', '2', process.argv[1]!], 2, /^tsmpirun: --stdin 2: there is no such rank/],
    [['-n', '1', '/nowhere/a.js'], 127, /^tsmpirun: program not found: \/nowhere\/a\.js$/],
    [['-n', '1', 'sim'], 127, /^tsmpirun: program not found: .*sim \(for an executable, use --exec\)$/],
    [['-n', '1', '/tmp'], 126, /^tsmpirun: program is a directory: \/tmp; expected a \.js or \.ts file$/],
    [['-n', '1', '--exec', 'no-such-executable'], 127, /^tsmpirun: program not found: no-such-executable$/],
    [['-n', '1', '/bin/sh'], 126, /^tsmpirun: \/bin\/sh is machine code: .* use --exec$/],
  ])('%j', async (args, expected, message) => {
    const { code, stdout, stderr } = await runJob(args as string[]);
    expect(stderr.trimEnd()).toMatch(message as RegExp);
    expect(stderr.trimEnd()).not.toContain('\n');
    expect(stdout).toBe('');
    expect(code).toBe(expected);
  });
});

test('--version and --help', async () => {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  expect(await runJob(['--version'])).toMatchObject({ code: 0, stdout: `${version}\n`, stderr: '' });
  const { code, stdout, stderr } = await runJob(['--help']);
  for (const part of [
    '-n, --np',
    '-l, --tag-output',
    '--node-args',
    'Examples:',
    'TSMPI_TAG_OUTPUT',
    'Exit codes:',
    '124',
    '127',
  ]) {
    expect(stdout).toContain(part);
  }
  expect(stderr).toBe('');
  expect(code).toBe(0);
});

test.each([
  [{ PBS_NODEFILE: 'nodes' }, /^tsmpirun: PBS_NODEFILE \(nodes\) holds a\/b: expected a host name on each line$/],
  [{ AZ_BATCH_HOST_LIST: '192.0.2.1,192.0.2.2' }, /^tsmpirun: agents that wait need a secret: expected --secret-file FILE or/],
  [
    { SLURM_JOB_ID: '1', SLURM_JOB_NODELIST: 'n[2-1]' },
    /^tsmpirun: SLURM_JOB_NODELIST is n\[2-1\]: expected hosts as n\[001-003,7\]$/,
  ],
] as const)('inside an allocation: %j', async (env, message) => {
  const folder = mkdtempSync(join(tmpdir(), 'tsmpi-nodes-'));
  try {
    writeFileSync(join(folder, 'nodes'), 'one.invalid\na/b\n');
    const { code, lastLine } = await runJob(['--exec', 'true'], { env, cwd: folder });
    expect(lastLine).toMatch(message);
    expect(code).toBe(2);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('the launcher needs no package to start plain JavaScript, and says what TypeScript needs', async () => {
  // Away from node_modules: neither yargs nor esbuild can be found.
  const away = mkdtempSync(join(tmpdir(), 'tsmpi-away-'));
  try {
    mkdirSync(join(away, 'node_modules/tsmpi'), { recursive: true });
    for (const part of ['dist', 'package.json'])
      cpSync(join(ROOT, part), join(away, 'node_modules/tsmpi', part), { recursive: true });
    writeFileSync(join(away, 'plain.mjs'), 'console.log("plain");');
    writeFileSync(join(away, 'typed.ts'), 'console.log("typed" as string);');
    const command = [process.execPath, join(away, 'node_modules/tsmpi/dist/tsmpirun.cjs')];
    const plain = await runJob(['-n', '1', '--quiet', '--ranks', 'thread', join(away, 'plain.mjs')], { command });
    expect(plain).toMatchObject({ code: 0, stdout: 'plain\n' });
    const typed = await runJob(['-n', '1', '--ranks', 'thread', join(away, 'typed.ts')], { command });
    expect(typed.stderr).toMatch(/typed\.ts has to be bundled, but esbuild does not load .*: install it, or compile the program/);
    expect(typed.code).toBe(1);
  } finally {
    rmSync(away, { recursive: true, force: true });
  }
});

describe('tsmpi', () => {
  test('info, in words and as JSON', async () => {
    const words = await tsmpi(['info'], { TSMPI_TIMEOUT: '7' });
    expect(words.stdout).toMatch(/^tsmpi {7}\d+\.\d+\.\d+\nnode {8}v\d+.*\naddon/);
    expect(words.stdout).toMatch(/^ {2}TSMPI_TIMEOUT +=? ?7 {2}end the job/m);
    const info = JSON.parse((await tsmpi(['info', '--json'], { TSMPI_NATIVE: 'off' })).stdout);
    expect(info).toMatchObject({ node: process.version, addon: { isLoaded: false, attempts: [{ reason: 'switched off' }] } });
  });

  test('doctor: a host without the addon is warned, and the exit code stays 0', async () => {
    const { code, stdout } = await tsmpi(['doctor', '--json'], { TSMPI_NATIVE: 'off' });
    const findings: { state: string; what: string; advice: string }[] = JSON.parse(stdout);
    expect(findings.find(({ what }) => what === 'native addon not loaded')).toMatchObject({ state: 'warn' });
    for (const { state, advice } of findings) if (state !== 'ok') expect(advice).not.toBe('');
    expect(code).toBe(findings.some(({ state }) => state === 'fail') ? 1 : 0);
  });

  /** The doctor under a limit of the shell. */
  function doctorUnder(limit: string): { code: number; stdout: string } {
    const line = `ulimit ${limit}; exec "$0" "$1" doctor`;
    const { status, stdout } = spawnSync('sh', ['-c', line, process.execPath, TSMPI], { encoding: 'utf8' });
    return { code: status!, stdout };
  }

  test('doctor: memory that cannot be had is a failure, with how to mend it', () => {
    const { code, stdout } = doctorUnder('-f 2048');
    expect(stdout).toMatch(/^fail +memory to share: \d+ MiB for 64 ranks cannot be had.*\n +such a job needs .*ulimit -f/m);
    expect(code).toBe(1);
  });

  test('doctor: descriptors for few ranks are warned of, with how to mend it', () => {
    const { code, stdout } = doctorUnder('-n 60');
    expect(stdout).toMatch(/^warn +open files: 60, enough for 5 ranks\n +larger jobs do not start: .*ulimit -n 4096$/m);
    expect(code).toBe(0);
  });

  test.each([
    [['frob'], /^tsmpi: unknown command frob: expected info, doctor, bench or agent; see tsmpi --help$/],
    [[], /^tsmpi: expected a command: info, doctor, bench or agent; see tsmpi --help$/],
    [['info', '--jsn'], /^tsmpi: unknown argument jsn: see tsmpi info --help$/],
    [['doctor', '--host'], /^tsmpi: --host has no value: see tsmpi doctor --help$/],
    [['doctor', '--rdma'], /^tsmpi: --rdma has no value: see tsmpi doctor --help$/],
  ])('%j', async (args, message) => {
    const { code, stderr } = await tsmpi(args as string[]);
    expect(stderr.trimEnd()).toMatch(message as RegExp);
    expect(code).toBe(2);
  });

  test('--help names the commands', async () => {
    const { code, stdout } = await tsmpi(['--help']);
    expect(stdout).toMatch(/tsmpi info .*\n +tsmpi doctor /);
    expect(code).toBe(0);
  });
});

test('tsmpi info --collectives lists every algorithm, in words and as data', async () => {
  const command = [process.execPath, LAUNCHER.replace(/tsmpirun\.cjs$/, 'tsmpi.js'), 'info', '--collectives'];
  const words = await runJob([], { command });
  expect(words).toMatchObject({ code: 0, stderr: '' });
  expect(words.stdout).toMatch(/^reduceScatter {2}\(TSMPI_COLLECTIVE_REDUCE_SCATTER=<algorithm> forces one\)$/m);
  const data = await runJob([], { command: [...command, '--json'] });
  const lines = JSON.parse(data.stdout) as { operation: string; algorithm: string; when: { order: number }[] }[];
  for (const { algorithm } of lines) expect(words.stdout).toContain(`\n  ${algorithm}`);
  expect(lines).toContainEqual(expect.objectContaining({ operation: 'allreduce', algorithm: 'recursive-doubling', needs: '' }));
});
