/**
 * Builds dist/: `node src/build.mjs [--quiet]`.
 *
 * The idea: esbuild makes one file of everything that a rank loads, and one of each command, since many small modules cost
 * several times the start of a bare node; tsc writes declarations only. What a rank loads is index.cjs, by way of
 * load-bundle.mjs and with the code that V8 compiled of it (cache-code.mjs), which halves its share of a start; what a
 * start does not need is later.cjs (build-later.mjs). A key, the hash of all sources, lies beside the output: nothing
 * changed, nothing done. Files are written to a folder of their own and renamed one by one, so two builds
 * at once and a killed one do no harm.
 * Limits: the addon is built by native/build.mjs.
 */

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { membersOf, planLater } from './build-later.mjs';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const DIST = join(ROOT, 'dist');
const KEY = join(DIST, 'build-key.json');

/** Output name and source of each bundle. */
const ENTRIES = {
  'print-collectives': 'src/runtime/print-collectives.ts',
  'rdma-steps': 'src/runtime/rdma-steps.ts',
  'team-worker': 'src/compute/team-worker.ts',
  'thread-host': 'src/agent/thread-host.ts',
  'thread-rank': 'src/agent/thread-rank.ts',
  tsmpi: 'src/cli/tsmpi.ts',
};
/** Commands that take part in every start: as the library, CommonJS that load-bundle.mjs runs with its compiled code. */
const START_ENTRIES = { agent: 'src/agent/main.ts', tsmpirun: 'src/cli/tsmpirun.ts' };
/** Those of `tsmpi bench`: programs of ranks import the package as anybody's do. */
const BENCH_ENTRIES = {
  bench: 'bench/main.ts',
  'bench-program': 'bench/suite/program.ts',
  'bench-init': 'bench/suite/init-program.ts',
  'bench-node': 'bench/suite/node-program.ts',
};
const COMMANDS = ['tsmpirun.cjs', 'tsmpi.js'];

/** The report of `tsmpi bench`, and what it and the peers' programs are made of, by name in dist/. */
const REPORT = 'bench/report/main.ts';
const PEER_FILES = [
  ...['osu.c', 'osu.py', 'measure.h', 'machine.h', 'pairs.h', 'collectives.h'],
  ...['cavity.c', 'cavity-domain.h', 'cavity-flow.h', 'cavity-multigrid.h'],
];
const ASSETS = {
  'kernels.wasm': 'examples/cavity/kernels.wasm',
  'bench-resvg.wasm': 'node_modules/@resvg/resvg-wasm/index_bg.wasm',
  'bench-resvg.notice.txt': 'bench/report/resvg.notice.txt',
  'bench-font.ttf': 'node_modules/dejavu-fonts-ttf/ttf/DejaVuSans.ttf',
  'bench-font.licence.txt': 'node_modules/dejavu-fonts-ttf/LICENSE',
  'bench-report.licence.txt': 'node_modules/echarts/LICENSE',
  ...Object.fromEntries(PEER_FILES.map((name) => [`peers/${name}`, `bench/peers/${name}`])),
};

const isQuiet = process.argv.includes('--quiet');

/** Return all files below a folder, sorted. */
function filesBelow(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

function sourceKey() {
  const hash = createHash('sha256');
  const sources = ['src', 'bench', 'examples/cavity', 'examples/run'].flatMap((folder) => filesBelow(join(ROOT, folder)));
  for (const file of [...sources, ...['package.json', 'tsconfig.json'].map((name) => join(ROOT, name))]) {
    hash.update(file.slice(ROOT.length)).update('\0').update(readFileSync(file)).update('\0');
  }
  return hash.digest('hex');
}

function isUpToDate(key) {
  if (!existsSync(KEY)) return false;
  const built = JSON.parse(readFileSync(KEY, 'utf8'));
  return built.key === key && built.files.every((file) => existsSync(join(DIST, file)));
}

/**
 * Built-in modules of Node as objects whose members are looked up when they are used: a rank's start loads few of them.
 * No file imports a default from one, so that takeDirectly() may leave out esbuild's copy of each for each importer.
 */
const lazyBuiltins = {
  name: 'lazy-builtins',
  setup(build) {
    build.onResolve({ filter: /^node:/ }, ({ path }) => ({ path, namespace: 'builtin' }));
    build.onLoad({ filter: /.*/, namespace: 'builtin' }, ({ path }) => ({
      contents: `
        let loaded;
        const load = () => (loaded ??= process.getBuiltinModule(${JSON.stringify(path)}));
        ${membersOf([...(builtinNames.get(path) ?? [])], 'load()')}`,
    }));
  },
};

/** A program of ranks that is a bundle of its own uses the library that lies beside it, in which the rank is. */
const besideLibrary = {
  name: 'beside-library',
  setup(build) {
    build.onResolve({ filter: /^\.\/init\.ts$/ }, () => ({ path: './index.js', external: true }));
  },
};

/** Return the text of a bundle with such objects, and those of build-later.mjs, used as they are. */
const takeDirectly = (text) => text.replaceAll(/__toESM\((require_\w+\(\))(?:, 1)?\)/g, '$1');

/** Names that sources import from each built-in module. */
const builtinNames = new Map();
for (const file of filesBelow(join(ROOT, 'src'))) {
  for (const [, names, module] of readFileSync(file, 'utf8').matchAll(/^import \{([^}]+)\} from '(node:[^']+)';$/gm)) {
    const known = builtinNames.get(module) ?? new Set();
    builtinNames.set(module, known);
    for (const name of names.split(',').map((part) => part.trim())) {
      if (name !== '' && !name.startsWith('type ')) known.add(name.split(' as ')[0]);
    }
  }
}

async function bundle(outdir, version) {
  const { build } = await import('esbuild');
  const options = {
    absWorkingDir: ROOT,
    // Named as they will lie in dist/, so that source maps lead to the sources from there.
    outdir: DIST,
    write: false,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20.19',
    sourcemap: 'linked',
    sourcesContent: false,
    legalComments: 'none',
    packages: 'external',
    define: { TSMPI_VERSION: JSON.stringify(version) },
    logLevel: 'warning',
  };
  const write = ({ outputFiles }, edit = (text) => text) => {
    for (const { path, text } of outputFiles) writeFileSync(join(outdir, basename(path)), edit(text));
  };
  const entryPointsOf = (entries) => Object.entries(entries).map(([out, source]) => ({ in: source, out }));
  write(await build({ ...options, entryPoints: entryPointsOf(ENTRIES), plugins: [besideLibrary] }));
  // bench/tsconfig.json leads the compiler from the package's name to its sources, where bundles would follow.
  const forBench = { ...options, tsconfigRaw: {} };
  write(await build({ ...forBench, entryPoints: entryPointsOf(BENCH_ENTRIES) }));
  // What only reports need is bundled with its libraries, which are no dependencies of the package therefore.
  const drawing = {
    ...options,
    packages: 'bundle',
    minify: true,
    legalComments: 'eof',
    entryPoints: [{ in: REPORT, out: 'bench-report' }],
  };
  write(await build({ ...drawing, external: ['tsmpi'], sourcemap: false }));
  for (const [name, source] of Object.entries(ASSETS)) {
    mkdirSync(dirname(join(outdir, name)), { recursive: true });
    writeFileSync(join(outdir, name), readFileSync(join(ROOT, source)));
  }
  /** Write a file of that text and what it imports; what it is, its name's end tells. */
  const writeSmall = async (name, contents) => {
    const end = extname(name);
    write(
      await build({
        ...options,
        format: end === '.cjs' ? 'cjs' : 'esm',
        outExtension: { '.js': end },
        sourcemap: false,
        stdin: { contents, resolveDir: ROOT, sourcefile: name },
        entryNames: basename(name, end),
      }),
    );
  };

  const library = {
    ...options,
    format: 'cjs',
    outExtension: { '.js': '.cjs' },
    footer: { js: '})' },
    define: { ...options.define, 'import.meta.url': 'bundleUrl' },
    plugins: [lazyBuiltins],
  };
  const { start, later } = await planLater(build, library, ROOT, 'src/index.ts');
  write(await build({ ...library, ...start, banner: { js: '(function (module, bundleUrl, later) {' } }), takeDirectly);
  write(await build({ ...library, ...later, banner: { js: '(function (module, bundleUrl, shared) {' } }), takeDirectly);
  for (const [name, source] of Object.entries(START_ENTRIES)) {
    const entryPoints = [{ in: source, out: `${name}-main` }];
    const banner = { js: '(function (module, bundleUrl, require) {' };
    // What V8 compiled before knows of no loader for import().
    write(await build({ ...library, entryPoints, banner, supported: { 'dynamic-import': false } }), takeDirectly);
    await writeSmall(
      `${name}.cjs`,
      `#!/usr/bin/env node
      import { runCommand } from './src/load-bundle.mjs';
      runCommand('${name}-main', require('node:url').pathToFileURL(__filename).href, require);`,
    );
  }
  const { metafile } = await build({ ...options, entryPoints: ['src/index.ts'], metafile: true });
  const names = Object.values(metafile.outputs).flatMap(({ exports }) => exports);
  await writeSmall(
    'index.js',
    `import { loadBundle } from './src/load-bundle.mjs';
    export const { ${names.join(', ')} } = loadBundle(import.meta.url);`,
  );
  await writeSmall(
    'require.cjs',
    `import { loadBundle } from './src/load-bundle.mjs';
    module.exports = loadBundle(require('node:url').pathToFileURL(__filename).href);`,
  );
  for (const command of COMMANDS) chmodSync(join(outdir, command), 0o755);
}

/** Write declarations; true if the types are sound. */
function declare(outdir) {
  const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
  const args = [
    tsc,
    '-p',
    'tsconfig.json',
    '--outDir',
    join(outdir, 'types'),
    '--tsBuildInfoFile',
    join(outdir, 'types', '.tsbuildinfo'),
  ];
  try {
    execFileSync(process.execPath, args, { cwd: ROOT, stdio: ['ignore', 'inherit', 'inherit'] });
    return true;
  } catch {
    return false;
  }
}

const key = sourceKey();
if (!isUpToDate(key)) {
  mkdirSync(DIST, { recursive: true });
  const outdir = mkdtempSync(join(DIST, '.building-'));
  try {
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
    await bundle(outdir, version);
    const isSound = declare(outdir);
    const files = filesBelow(outdir).map((file) => file.slice(outdir.length + 1));
    // V8 takes compiled code for that of any text of the same length, and modules that change places leave the length as it is.
    for (const file of readdirSync(DIST)) if (file.endsWith('.cache')) rmSync(join(DIST, file), { force: true });
    for (const file of files) {
      mkdirSync(dirname(join(DIST, file)), { recursive: true });
      renameSync(join(outdir, file), join(DIST, file));
    }
    // Bundles stand even where types do not fit, but then nothing is remembered, and the build fails.
    if (isSound) {
      writeFileSync(join(outdir, 'key'), JSON.stringify({ key, files: files.filter((file) => !file.endsWith('.tsbuildinfo')) }));
      renameSync(join(outdir, 'key'), KEY);
      if (!isQuiet)
        console.log(
          `built dist/: ${[
            'index.cjs',
            'later.cjs',
            'tsmpirun-main.cjs',
            'agent-main.cjs',
            ...Object.keys(ENTRIES).map((name) => `${name}.js`),
          ]
            .map((name) => `${name} ${Math.round(statSync(join(DIST, name)).size / 1024)} KiB`)
            .join(', ')}`,
        );
    } else process.exitCode = 1;
  } finally {
    rmSync(outdir, { recursive: true, force: true });
  }
}
