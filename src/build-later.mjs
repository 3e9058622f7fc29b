/**
 * Splits off of the library what a rank's start does not need: dist/later.cjs, loaded at the first use of anything in it.
 *
 * The idea: a few modules are entered in one or two places only. In the bundle of the start each such entry is an object
 * whose members come from later.cjs when they are read, and all that only they reach lies there. What both need lies in the
 * start's bundle; later.cjs gets it as objects of exports, by the source's path.
 *
 *     index.cjs   (module, bundleUrl, later) => ...           sets later.shared, which gives those objects; calls later.load()
 *     later.cjs   (module, bundleUrl, shared) => ...                 exports the entries, by the source's path
 *
 * Limits: an entry's exports must not be touched while modules are evaluated (`extends`, a constant made of them), and what
 * is shared must not be reassigned (`export let`), nor be what starts the rank (runtime/init.ts): its evaluation uses entries.
 */

import { relative, resolve } from 'node:path';

/** Modules whose first use loads later.cjs. */
const ENTRIES = [
  'src/comm/checkpoint/create.ts',
  'src/comm/file/create.ts',
  'src/comm/inter/create.ts',
  'src/comm/topology/create.ts',
  'src/compute/crew.ts',
  'src/datatype/object-codec.ts',
  'src/runtime/fallback.ts',
  'src/runtime/open-rdma.ts',
  'src/runtime/pmi/join.ts',
  'src/runtime/profiling.ts',
  'src/segment/backing.ts',
  'src/transport/relay/relay-transport.ts',
  'src/transport/websocket/websocket-transport.ts',
];

/** Name of the module that hands out what is shared. */
const SHARE = 'tsmpi:share';

/** Plugin of the start's bundle: entries are read when they are used. `exportsOf`: names by source. */
export const deferEntries = (root, exportsOf) => ({
  name: 'defer-entries',
  setup(build) {
    // In a namespace of their own: a source of this package is taken for a module of ES, and these are of CommonJS.
    build.onResolve({ filter: /^\./ }, ({ path, resolveDir }) => {
      const source = relative(root, resolve(resolveDir, path));
      return exportsOf.has(source) ? { path: source, namespace: 'deferred' } : undefined;
    });
    build.onLoad({ filter: /.*/, namespace: 'deferred' }, ({ path }) => ({
      contents: `const load = () => later.load()[${JSON.stringify(path)}];\n${membersOf(exportsOf.get(path), 'load()')}`,
    }));
  },
});

/** Members of a CommonJS module that are looked up when they are read. */
export const membersOf = (names, object) =>
  names
    .map((name) => `Object.defineProperty(exports, '${name}', { enumerable: true, get: () => ${object}.${name} });`)
    .join('\n');

/**
 * Find out what goes where. `options`: of esbuild's build, `index`: the library's source. Return what is to be added to them
 * for the start's bundle and for later.cjs.
 */
export async function planLater(build, options, root, index) {
  const inputs = async (extra) => (await build({ ...options, ...extra, format: 'esm', metafile: true })).metafile.inputs;
  const allExports = (sources) => exportsBySource(build, options, sources);
  const entryExports = await allExports(ENTRIES);
  const start = await inputs({ entryPoints: [index], plugins: [...options.plugins, deferEntries(root, entryExports)] });
  const whole = Object.entries(await inputs({ entryPoints: ENTRIES }));
  const used = whole.flatMap(([source, { imports }]) => (source in start ? [] : imports.map(({ path }) => path)));
  const shared = [...new Set(used)].filter((source) => source.startsWith('src/') && source in start);
  const sharedExports = await allExports(shared);
  const useShared = {
    name: 'use-shared',
    setup(build) {
      build.onResolve({ filter: /^\./ }, ({ path, resolveDir }) => {
        const source = relative(root, resolve(resolveDir, path));
        return sharedExports.has(source) ? { path: source, namespace: 'shared' } : undefined;
      });
      build.onLoad({ filter: /.*/, namespace: 'shared' }, ({ path }) => ({
        contents: `module.exports = shared[${JSON.stringify(path)}];`,
      }));
    },
  };
  return {
    start: {
      entryPoints: [{ in: index, out: 'index' }],
      inject: [SHARE],
      plugins: [deferEntries(root, entryExports), share(root, sharedExports), ...options.plugins],
    },
    later: {
      stdin: { contents: laterText(), resolveDir: root, sourcefile: 'later.js' },
      entryNames: 'later',
      plugins: [useShared, ...options.plugins],
    },
  };
}

/** Plugin of the start's bundle: a module, evaluated before all others, that hands out what is shared. */
const share = (root, exportsOf) => ({
  name: 'share',
  setup(build) {
    build.onResolve({ filter: new RegExp(`^${SHARE}$`) }, () => ({ path: SHARE, namespace: 'share' }));
    build.onLoad({ filter: /.*/, namespace: 'share' }, () => ({ contents: shareText(exportsOf), resolveDir: root }));
  },
});

/** Return the names that each source exports, values only. */
async function exportsBySource(build, options, sources) {
  const { metafile } = await build({ ...options, format: 'esm', entryPoints: sources, metafile: true });
  return new Map(
    Object.values(metafile.outputs).flatMap(({ entryPoint, exports }) => (entryPoint ? [[entryPoint, exports]] : [])),
  );
}

function shareText(exportsOf) {
  const sources = [...exportsOf].filter(([, names]) => names.length > 0);
  const imports = sources.map(([source, names], k) => {
    const list = names.map((name) => `${name} as ${name}_${k}`).join(', ');
    return `import { ${list} } from './${source}';`;
  });
  const members = sources.map(([source, names], k) => {
    const list = names.map((name) => `${name}: ${name}_${k}`).join(', ');
    return `${JSON.stringify(source)}: { ${list} },`;
  });
  return `${imports.join('\n')}\nlater.shared = () => ({ ${members.join('\n')} });`;
}

const laterText = () =>
  `${ENTRIES.map((source, k) => `import * as entry${k} from './${source}';`).join('\n')}
  module.exports = { ${ENTRIES.map((source, k) => `${JSON.stringify(source)}: entry${k},`).join('\n')} };`;
