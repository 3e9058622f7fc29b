/**
 * Bundles a program that Node cannot run by itself: TypeScript, or JavaScript that does not find tsmpi.
 *
 * The idea: esbuild makes one file of the program and its own modules, once per job and host; npm packages stay outside,
 * and `tsmpi` is bound to the copy that this agent belongs to, so that `world` exists once. Each module keeps the
 * import.meta.url, dirname and filename of its source, the process keeps process.argv[1], and stacks name source lines.
 * An ES module becomes an ES module and CommonJS stays CommonJS, by Node's own rule.
 * Modules named by `new URL('./x.ts', import.meta.url)` (workers) become bundles of their own.
 *
 * Where: the nearest node_modules/.cache/tsmpi/<job>/, so that packages are found as from the source; else beside the
 * program. Removed at the end, by the watchdog if need be. Types are not checked.
 * Limits: a path that is computed when the program runs is looked for beside the bundle.
 */

import { existsSync, mkdirSync, readFileSync, realpathSync, rmdirSync, rmSync } from 'node:fs';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type * as Esbuild from 'esbuild';
import { DECLARATION, type Format, fixedPlaces, type ModulePlaces, outputOf, PLACES, stagedPlaces } from './module-place.ts';
import { type PreparedProgram, ProgramError, type ProgramHost } from './prepared-program.ts';

/** Sources of the program's own: not those of packages. */
const SOURCE = /\.[cm]?[jt]sx?$/;
const WORKER_URL = /new\s+URL\(\s*(['"`])(\.{1,2}\/[^'"`]+\.[cm]?[jt]sx?)\1\s*,\s*import\.meta\.url\s*\)/g;
const TARGET = 'node20.19';
/** Where bundles for other hosts would lie here, for the way to their sources in source maps. */
const STAGE_FOLDER = resolve('/tsmpi-stage');
const ASKS_FOR_PLACE = /\bimport\.meta\b|\b__(?:dir|file)name\b/;

/** Return the bundle of a program. `library`: dist/index.js of this package. */
export async function bundleProgram(file: string, host: ProgramHost, library: string): Promise<PreparedProgram> {
  const esbuild = await loadEsbuild(file);
  const folder = makeFolder(file, host);
  const dispose = (): void => removeFolder(folder);
  try {
    const bundler = new Bundler(esbuild, folder, library, fixedPlaces, undefined);
    return { file: await bundler.bundleAll(file), nodeArgs: ['--enable-source-maps'], dispose };
  } catch (error) {
    dispose();
    throw error;
  } finally {
    // Its process would stay beside the ranks for the whole job.
    await esbuild.stop();
  }
}

/** A bundle that is sent to other hosts. */
export interface StagedBundle {
  /** Name of the program's own file. */
  readonly main: string;
  /** All files by name. */
  readonly files: ReadonlyMap<string, Uint8Array>;
}

/**
 * Return a bundle of the program for other hosts, with all packages but tsmpi in it, which is there already; nothing is
 * written here. `staged`: the way to a source in the folder whose top the bundle will lie in.
 */
export async function bundleForStage(file: string, library: string, staged: (path: string) => string): Promise<StagedBundle> {
  const esbuild = await loadEsbuild(file);
  try {
    const files = new Map<string, Uint8Array>();
    const bundler = new Bundler(esbuild, STAGE_FOLDER, library, stagedPlaces(staged), files);
    return { main: basename(await bundler.bundleAll(file)), files };
  } finally {
    await esbuild.stop();
  }
}

async function loadEsbuild(file: string): Promise<typeof Esbuild> {
  try {
    return await import('esbuild');
  } catch (error) {
    const reason = (error as Error).message.split('\n')[0];
    throw new ProgramError(
      1,
      `${file} has to be bundled, but esbuild does not load (${reason}): install it, or compile the program to JavaScript`,
    );
  }
}

/** Make a folder in the nearest node_modules/.cache above the program or, where that cannot be, beside the program. */
function makeFolder(file: string, host: ProgramHost): string {
  const reasons: string[] = [];
  for (const folder of outputFolders(file, host.jobId)) {
    host.addPath(folder);
    try {
      mkdirSync(folder, { recursive: true });
      return folder;
    } catch (error) {
      reasons.push((error as Error).message);
    }
  }
  throw new ProgramError(1, `${file} has to be bundled, but there is no place for it: ${reasons.join('; ')}`);
}

/** Remove the folder and, where that leaves them empty, the caches above it (the watchdog does the same). */
function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
  try {
    for (let above = dirname(folder); /^(tsmpi|\.cache)$/.test(basename(above)); above = dirname(above)) rmdirSync(above);
  } catch {
    // Somebody else's things are in it.
  }
}

function* outputFolders(file: string, jobId: string): Generator<string> {
  for (let folder = dirname(file); ; folder = dirname(folder)) {
    const modules = join(folder, 'node_modules');
    if (existsSync(modules)) {
      // Where Node finds the bundle: its source map names sources by their way from there.
      yield join(realpathSync(modules), '.cache', 'tsmpi', jobId);
      break;
    }
    if (dirname(folder) === folder) break;
  }
  yield join(dirname(file), `.tsmpi-${jobId}`);
}

class Bundler {
  readonly #esbuild: typeof Esbuild;
  readonly #folder: string;
  readonly #library: string;
  readonly #places: ModulePlaces;
  /** Takes bundles in place of files, for other hosts, which have no packages; undefined: for this one. */
  readonly #staged: Map<string, Uint8Array> | undefined;
  /** Where the bundle of each entry goes, in the order in which entries were seen; iterating sees those added meanwhile. */
  readonly #outputs = new Map<string, string>();

  constructor(
    esbuild: typeof Esbuild,
    folder: string,
    library: string,
    places: ModulePlaces,
    staged: Map<string, Uint8Array> | undefined,
  ) {
    this.#esbuild = esbuild;
    this.#folder = folder;
    this.#library = library;
    this.#places = places;
    this.#staged = staged;
  }

  /** Bundle the program and the entries that it names; return the program's bundle. */
  async bundleAll(main: string): Promise<string> {
    const output = await this.#addEntry(main);
    for (const [source, outfile] of this.#outputs) await this.#bundle(source, outfile, source === main);
    return output;
  }

  async #addEntry(source: string): Promise<string> {
    const output = outputOf(this.#folder, source, await this.#formatOf(source));
    this.#outputs.set(source, output);
    return output;
  }

  /** Node's rule: the suffix, the package's type, the syntax. */
  async #formatOf(source: string): Promise<Format> {
    if (/\.c[jt]s$/.test(source)) return 'cjs';
    if (/\.m[jt]s$/.test(source) || packageType(source) === 'module') return 'esm';
    // What does not parse is reported when it is bundled.
    const result = await this.#esbuild
      .build({ entryPoints: [source], format: 'esm', write: false, metafile: true, logLevel: 'silent' })
      .catch(() => undefined);
    return Object.values(result?.metafile.inputs ?? {})[0]?.format ?? 'esm';
  }

  async #bundle(source: string, outfile: string, isMain: boolean): Promise<void> {
    const format: Format = outfile.endsWith('.cjs') ? 'cjs' : 'esm';
    try {
      const { outputFiles = [] } = await this.#esbuild.build({
        entryPoints: [source],
        outfile,
        write: this.#staged === undefined,
        bundle: true,
        platform: 'node',
        format,
        target: TARGET,
        packages: this.#staged === undefined ? 'external' : 'bundle',
        sourcemap: 'inline',
        ...(this.#staged === undefined ? {} : { sourceRoot: `${pathToFileURL(this.#folder).href}/` }),
        sourcesContent: false,
        logLevel: 'silent',
        define: PLACES,
        plugins: [this.#plugin()],
        banner: { js: this.#places.banner(source, format, isMain) },
      });
      for (const { contents } of outputFiles) this.#staged?.set(basename(outfile), contents);
    } catch (error) {
      throw new ProgramError(1, await this.#explain(source, error));
    }
  }

  #plugin(): Esbuild.Plugin {
    const url = pathToFileURL(this.#library).href;
    return {
      name: 'tsmpi-program',
      setup: (build) => {
        const isCommon = build.initialOptions.format === 'cjs';
        build.onResolve({ filter: /^tsmpi$/ }, ({ kind }) => {
          // require() takes no URL; in CommonJS an import becomes a require().
          const isRequired = kind.startsWith('require') || (isCommon && kind === 'import-statement');
          return { path: isRequired ? this.#library : url, external: true };
        });
        build.onLoad({ filter: SOURCE }, ({ path }) => this.#load(path));
      },
    };
  }

  /** Read a module, with its own place in front and the URLs of further entries put in. */
  async #load(path: string): Promise<Esbuild.OnLoadResult> {
    const source = readFileSync(path, 'utf8');
    let text = '';
    let done = 0;
    for (const match of source.matchAll(WORKER_URL)) {
      const target = fileURLToPath(new URL(match[2]!, pathToFileURL(path)));
      if (!existsSync(target)) continue;
      const output = this.#outputs.get(target) ?? (await this.#addEntry(target));
      text += source.slice(done, match.index) + this.#places.urlOf(output);
      done = match.index + match[0].length;
    }
    text += source.slice(done);
    const loader = extname(path).slice(1).replace(/^[cm]/, '') as Esbuild.Loader;
    return { contents: ASKS_FOR_PLACE.test(text) ? this.#places.declare(path) + text.replace(/^#!/, '//') : text, loader };
  }

  async #explain(source: string, error: unknown): Promise<string> {
    const failures = (error as Partial<Esbuild.BuildFailure>).errors;
    if (failures === undefined) return `${source} cannot be bundled: ${(error as Error).message}`;
    const lines = await this.#esbuild.formatMessages(failures.map(withPlace), {
      kind: 'error',
      color: false,
      terminalWidth: 100,
    });
    return `${source} cannot be bundled:\n${lines.join('\n').trimEnd()}`;
  }
}

/** The `type` of the package that a file belongs to. */
function packageType(file: string): string | undefined {
  for (let folder = dirname(file); ; folder = dirname(folder)) {
    const path = join(folder, 'package.json');
    if (existsSync(path)) {
      try {
        return JSON.parse(readFileSync(path, 'utf8')).type;
      } catch {
        return undefined; // esbuild reports it
      }
    }
    if (dirname(folder) === folder) return undefined;
  }
}

/** A mistake is shown with the whole name of its file, on a first line without what was put in front of it. */
function withPlace(message: Esbuild.Message): Esbuild.Message {
  if (message.location === null) return message;
  const location = { ...message.location, file: resolve(message.location.file) };
  if (location.line !== 1) return { ...message, location };
  const [added] = DECLARATION.exec(location.lineText) ?? [''];
  const lineText = location.lineText.slice(added.length);
  return { ...message, location: { ...location, lineText, column: Math.max(0, location.column - Buffer.byteLength(added)) } };
}
