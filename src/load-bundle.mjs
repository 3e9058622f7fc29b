/**
 * Loads the bundle of what a rank runs: dist/index.js is this file and a list of names, dist/require.cjs is this file for
 * require(), which spares a program in CommonJS the loader of ES modules, a tenth of a start.
 *
 * The idea: V8 takes 5 of a start's 10 ms to compile the library; with the code that it compiled once (index.cache, which
 * cache-code.mjs makes) it takes one. A cache of another Node or of other flags is passed over: V8 tells.
 * Built-in modules come by process.getBuiltinModule(): `import` of node:fs alone would load the streams.
 */

/** Return the exports of index.cjs beside the module at `url`; the same ones however often, by import or require(). */
export function loadBundle(url) {
  const key = Symbol.for('tsmpi bundles');
  globalThis[key] ??= new Map();
  const bundles = globalThis[key];
  const { readFileSync } = process.getBuiltinModule('node:fs');
  const { Script } = process.getBuiltinModule('node:vm');
  const filename = process.getBuiltinModule('node:url').fileURLToPath(new URL('./index.cjs', url));
  const known = bundles.get(filename);
  if (known !== undefined) return known.exports;
  const cacheFile = `${filename.slice(0, -'.cjs'.length)}.cache`;
  const { text, cachedData } = mapFiles(filename, cacheFile) ?? {
    // The bundle is ASCII, and one byte a character is read fastest.
    text: readFileSync(filename, 'latin1'),
    cachedData: readCache(cacheFile, readFileSync),
  };
  // It is a function expression, as a module of CommonJS is.
  const script = new Script(text, { filename, cachedData });
  const module = { exports: {} };
  script.runInThisContext()(module, url, createLater(filename, url));
  bundles.set(filename, module);
  if (process.env.TSMPI_MAKE_CODE_CACHE !== undefined && process.env.TSMPI_RANK === '0')
    process.once('exit', () => makeCache(script));
  return module.exports;
}

/**
 * Make what the bundle calls to load later.cjs, beside it, at the first use of what a start does not need
 * (build-later.mjs). The bundle sets `shared`.
 */
function createLater(filename, url) {
  let loaded;
  const later = {
    shared: undefined,
    load() {
      if (loaded !== undefined) return loaded;
      const { readFileSync } = process.getBuiltinModule('node:fs');
      const { Script } = process.getBuiltinModule('node:vm');
      const file = `${filename.slice(0, -'index.cjs'.length)}later.cjs`;
      const module = { exports: {} };
      new Script(readFileSync(file, 'latin1'), { filename: file }).runInThisContext()(module, url, later.shared());
      loaded = module.exports;
      return loaded;
    },
  };
  return later;
}

/**
 * Return both over the files' own pages: with the compiled code at hand V8 hardly looks at the text. Undefined: not both are
 * there, or no addon; why, src/native/loader.ts tells.
 */
function mapFiles(filename, cacheFile) {
  if (process.env.TSMPI_NATIVE !== undefined) return undefined;
  const addon = { exports: {} };
  try {
    process.dlopen(addon, `${filename.slice(0, -'dist/index.cjs'.length)}native/build/Release/tsmpi.node`);
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
function makeCache(script) {
  process.getBuiltinModule('node:fs').writeFileSync(process.env.TSMPI_MAKE_CODE_CACHE, script.createCachedData());
}
