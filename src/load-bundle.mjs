/**
 * Loads the bundle of what a rank runs: dist/index.js is this file and a list of names.
 *
 * The idea: V8 takes 5 of a start's 10 ms to compile the library; with the code that it compiled once (index.cache, which
 * cache-code.mjs makes) it takes one. A cache of another Node or of other flags is passed over: V8 tells.
 * Built-in modules come by process.getBuiltinModule(): `import` of node:fs alone would load the streams.
 */

/** Return the exports of index.cjs beside the module at `url`. */
export function loadBundle(url) {
  const { readFileSync } = process.getBuiltinModule('node:fs');
  const { Script } = process.getBuiltinModule('node:vm');
  const filename = process.getBuiltinModule('node:url').fileURLToPath(new URL('./index.cjs', url));
  // The bundle is ASCII, and one byte a character is read fastest. It is a function expression, as a module of CommonJS is.
  const script = new Script(readFileSync(filename, 'latin1'), {
    filename,
    cachedData: readCache(`${filename.slice(0, -'.cjs'.length)}.cache`, readFileSync),
  });
  const module = { exports: {} };
  script.runInThisContext()(module, url);
  if (process.env.TSMPI_MAKE_CODE_CACHE !== undefined && process.env.TSMPI_RANK === '0')
    process.once('exit', () => makeCache(script));
  return module.exports;
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
