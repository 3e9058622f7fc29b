/**
 * Loads the bundles of what a rank runs: dist/index.js is this file and a list of names, dist/require.cjs is this file for
 * require(), which spares a program in CommonJS the loader of ES modules, a tenth of a start; and those of the launcher and
 * the agent, dist/tsmpirun.cjs and dist/agent.cjs, which are this file too.
 *
 * The idea: V8 takes most of a start to compile what it runs; with the code that it compiled once (NAME.cache, which
 * cache-code.mjs makes) it takes a few milliseconds. A cache of another Node or of other flags is passed over: V8 tells.
 * Built-in modules come by process.getBuiltinModule(): `import` of node:fs alone would load the streams.
 */

/** Return the exports of index.cjs beside the module at `url`; the same ones however often, by import or require(). */
export function loadBundle(url) {
  const key = Symbol.for('tsmpi bundles');
  globalThis[key] ??= new Map();
  const bundles = globalThis[key];
  const folder = process.getBuiltinModule('node:url').fileURLToPath(new URL('.', url));
  const known = bundles.get(folder);
  if (known !== undefined) return known.exports;
  const module = { exports: {} };
  compile(folder, 'index')(module, url, createLater(folder, url));
  bundles.set(folder, module);
  return module.exports;
}

/** Run the bundle of a command, beside the module at `url`; `require` is that module's. */
export function runCommand(name, url, require) {
  const folder = process.getBuiltinModule('node:url').fileURLToPath(new URL('.', url));
  compile(folder, name)({ exports: {} }, url, require);
}

/**
 * Make what the bundle calls to load later.cjs, beside it, at the first use of what a start does not need
 * (build-later.mjs). The bundle sets `shared`.
 */
function createLater(folder, url) {
  let loaded;
  const later = {
    shared: undefined,
    load() {
      if (loaded !== undefined) return loaded;
      const module = { exports: {} };
      compile(folder, 'later')(module, url, later.shared());
      loaded = module.exports;
      return loaded;
    },
  };
  return later;
}

/** Return the function that NAME.cjs is: a function expression, as a module of CommonJS. */
function compile(folder, name) {
  const { readFileSync } = process.getBuiltinModule('node:fs');
  const { Script } = process.getBuiltinModule('node:vm');
  const filename = `${folder}${name}.cjs`;
  const cacheFile = `${folder}${name}.cache`;
  const { text, cachedData } = mapFiles(folder, filename, cacheFile) ?? {
    // The bundle is ASCII, and one byte a character is read fastest.
    text: readFileSync(filename, 'latin1'),
    cachedData: readCache(cacheFile, readFileSync),
  };
  const script = new Script(text, { filename, cachedData });
  const made = process.env.TSMPI_MAKE_CODE_CACHE;
  // Of ranks, the first does it.
  if (made !== undefined && (process.env.TSMPI_RANK ?? '0') === '0')
    process.once('exit', () => makeCache(script, `${made}/${name}.cache`));
  return script.runInThisContext();
}

/**
 * Return both over the files' own pages: with the compiled code at hand V8 hardly looks at the text. Undefined: not both are
 * there, or no addon; why, src/native/loader.ts tells.
 */
function mapFiles(folder, filename, cacheFile) {
  if (process.env.TSMPI_NATIVE !== undefined) return undefined;
  const addon = { exports: {} };
  try {
    process.dlopen(addon, `${folder.slice(0, -'dist/'.length)}native/build/Release/tsmpi.node`);
    const cache = addon.exports.mapBytes(cacheFile);
    const text = typeof cache === 'number' ? cache : addon.exports.mapText(filename);
    return typeof text === 'number' ? undefined : { text, cachedData: new Uint8Array(cache) };
  } catch {
    return undefined;
  }
}

function readCache(file, readFileSync) {
  try {
    return readFileSync(file);
  } catch {
    return undefined; // none was made
  }
}

/** For cache-code.mjs: write the cache where it says, once all that a start needs has been compiled. */
function makeCache(script, file) {
  process.getBuiltinModule('node:fs').writeFileSync(file, script.createCachedData());
}
