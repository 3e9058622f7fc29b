/**
 * Builds the native addon: `node native/build.mjs [--quiet] [--prebuild]`.
 *
 * The idea: one call of the C compiler with the headers that lie beside this Node; node-gyp, which fetches headers, only
 * where there are none. The output holds a key, the hash of sources and flags, so one file says by itself whether it is up
 * to date. It is made under a name of its own, loaded once, and renamed: two builds at once and a killed one do no harm,
 * and an addon that works is replaced only by one that works.
 * Limits: a failure costs one line and never the install (exit code 0): without the addon ranks run as threads.
 */

import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const FOLDER = dirname(fileURLToPath(import.meta.url));
const SOURCES = join(FOLDER, 'src');
const RELEASE = join(FOLDER, 'build', 'Release');
const OUTPUT = join(RELEASE, 'tsmpi.node');
const FLAGS = [
  ...['-std=c11', '-D_GNU_SOURCE', '-DNAPI_VERSION=9', '-O3', '-fPIC', '-fvisibility=hidden', '-ffp-contract=off'],
  // The lifeline's thread may outlive the environment that loaded the addon, so it must never be unloaded.
  ...['-Wall', '-Wextra', '-pthread', '-shared', '-Wl,-z,nodelete'],
];
/** Without them the addon is built too, without RDMA; once they are there it is built again. */
const VERBS_HEADERS = ['/usr/include/infiniband/verbs.h', '/usr/include/rdma/rdma_cma.h'];
const COMPILE_DEADLINE_MS = 120_000;

/** A reason why there is no addon, in words for one line. */
class BuildFailure extends Error {}

/** Return the folders to pass to the compiler, or undefined where Node's headers are not to be found. */
function findHeaders() {
  const places = [dirname(dirname(process.execPath)), process.env.npm_config_nodedir, '/usr'];
  for (const place of places) {
    if (place === undefined || place === '') continue;
    const folder = join(place, 'include', 'node');
    if (!existsSync(join(folder, 'node_api.h'))) continue;
    // Debian's libnode-dev leaves libuv's header to libuv1-dev.
    if (existsSync(join(folder, 'uv.h'))) return [folder];
    if (existsSync('/usr/include/uv.h')) return [folder, '/usr/include'];
  }
  return undefined;
}

/** Return the names of all sources and headers, in a fixed order. */
const listSources = () =>
  readdirSync(SOURCES, { recursive: true })
    .filter((name) => /\.[ch]$/.test(name))
    .sort();

/** Return the hash of everything that the addon is made from. */
function hashInputs(compiler, headers) {
  const hash = createHash('sha256');
  for (const name of listSources()) hash.update(`${name}\n`).update(readFileSync(join(SOURCES, name)));
  hash.update(
    JSON.stringify([
      compiler,
      FLAGS,
      VERBS_HEADERS.map((path) => existsSync(path)),
      headers ?? 'node-gyp',
      process.platform,
      process.arch,
    ]),
  );
  return hash.digest('hex').slice(0, 32);
}

const holdsKey = (file, key) => existsSync(file) && readFileSync(file).includes(`tsmpi-build-key:${key}`);

/** Run a command to its end. Throw a BuildFailure with the line that says most. */
async function run(command, args, options = {}) {
  const { spawnSync } = await import('node:child_process');
  const result = spawnSync(command, args, { encoding: 'utf8', timeout: COMPILE_DEADLINE_MS, ...options });
  if (result.error) throw new BuildFailure(`${command}: ${result.error.code ?? result.error.message}`);
  if (result.status === 0) return result.stderr;
  const lines = result.stderr.split('\n').filter((line) => line.trim() !== '');
  const telling = lines.find((line) => /error:/i.test(line)) ?? lines.at(-1) ?? 'no output';
  throw new BuildFailure(`${command} ended with ${result.status ?? result.signal}: ${telling.trim()}`);
}

/** Build with the C compiler into `target`. Return its warnings. */
function compile(compiler, headers, key, target) {
  const [command, ...words] = compiler.split(/\s+/);
  const sources = listSources().filter((name) => name.endsWith('.c'));
  const includes = headers.map((folder) => `-I${folder}`);
  const inputs = sources.map((name) => join(SOURCES, name));
  return run(command, [...words, ...FLAGS, `-DTSMPI_BUILD_KEY="${key}"`, ...includes, '-o', target, ...inputs]);
}

/** Build with npm's own node-gyp in a folder of its own (it empties its build folder) and move the result to `target`. */
async function compileWithGyp(key, target) {
  const { cpSync } = await import('node:fs');
  const npm = process.env.npm_execpath ? dirname(dirname(process.env.npm_execpath)) : undefined;
  const roots = [npm, join(dirname(dirname(process.execPath)), 'lib', 'node_modules', 'npm'), '/usr/share/nodejs/npm'];
  const tool = roots
    .map((root) => root && join(root, 'node_modules', 'node-gyp', 'bin', 'node-gyp.js'))
    .find((path) => path && existsSync(path));
  if (tool === undefined) throw new BuildFailure("neither Node's headers nor npm's node-gyp were found");
  const folder = `${target}.gyp`;
  try {
    cpSync(SOURCES, join(folder, 'src'), { recursive: true });
    cpSync(join(FOLDER, 'binding.gyp'), join(folder, 'binding.gyp'));
    const env = { ...process.env, CFLAGS: `${process.env.CFLAGS ?? ''} -DTSMPI_BUILD_KEY='"${key}"'`.trim() };
    await run(process.execPath, [tool, 'rebuild', `--directory=${folder}`], { env });
    renameSync(join(folder, 'build', 'Release', 'tsmpi.node'), target);
    return '';
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Bring the addon up to date. Return whether there was anything to do. */
async function build(isQuiet) {
  const compiler = process.env.CC || 'cc';
  const headers = findHeaders();
  const key = hashInputs(compiler, headers);
  if (holdsKey(OUTPUT, key)) return false;
  mkdirSync(RELEASE, { recursive: true });
  const target = join(RELEASE, `tsmpi.${process.pid}.node`);
  try {
    const warnings = await (headers ? compile(compiler, headers, key, target) : compileWithGyp(key, target));
    if (warnings !== '' && !isQuiet) process.stderr.write(warnings);
    process.dlopen({ exports: {} }, target);
    renameSync(target, OUTPUT);
  } finally {
    rmSync(target, { force: true });
  }
  return true;
}

/** Put a copy of the addon where the package is packed from. */
async function copyPrebuild() {
  const { copyFileSync } = await import('node:fs');
  const isMusl = process.report.getReport().header.glibcVersionRuntime === undefined;
  const folder = join(FOLDER, 'prebuilds');
  const path = join(folder, `${process.platform}-${process.arch}${isMusl ? '-musl' : ''}.node`);
  mkdirSync(folder, { recursive: true });
  const target = `${path}.${process.pid}`;
  try {
    copyFileSync(OUTPUT, target);
    renameSync(target, path);
  } finally {
    rmSync(target, { force: true });
  }
  return path;
}

async function main() {
  const isQuiet = process.argv.includes('--quiet');
  if (process.platform !== 'linux') {
    if (!isQuiet) console.error(`tsmpi: no native addon on ${process.platform}: ranks run as threads`);
    return;
  }
  const isNew = await build(isQuiet);
  const path = process.argv.includes('--prebuild') ? await copyPrebuild() : OUTPUT;
  if (!isQuiet) console.log(`tsmpi: native addon ${isNew ? 'built' : 'up to date'}: ${path}`);
}

try {
  await main();
} catch (error) {
  const reason = String(error instanceof Error ? error.message : error).split('\n')[0];
  const loss = existsSync(OUTPUT) ? 'the one built before stays in use' : 'ranks run as threads, not as processes';
  console.error(`tsmpi: native addon not built (${reason}): ${loss}`);
}
