/**
 * Bundles a program that Node cannot run by itself: TypeScript, or JavaScript that does not find tsmpi.
 *
 * The idea: esbuild makes one file of the program and its own modules, once per job and host; npm packages stay outside,
 * and `tsmpi` is bound to the copy that this agent belongs to, so that `world` exists once. Each module keeps the
 * import.meta.url, dirname and filename of its source, the process keeps process.argv[1], and stacks name source lines.
 * Modules named by `new URL('./x.ts', import.meta.url)` (workers) become bundles of their own.
 *
 * Where: the nearest node_modules/.cache/tsmpi/<job>/, so that packages are found as from the source; else beside the
 * program. Removed at the end, by the watchdog if need be. Types are not checked.
 */

import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type * as Esbuild from 'esbuild';
import { type PreparedProgram, ProgramError, type ProgramHost } from './prepared-program.ts';

/** Sources of the program's own: not those of packages. */
const SOURCE = /\.[cm]?[jt]sx?$/;
const WORKER_URL = /new\s+URL\(\s*(['"`])(\.{1,2}\/[^'"`]+\.[cm]?[jt]sx?)\1\s*,\s*import\.meta\.url\s*\)/g;
const TARGET = 'node20.19';

/** Return the bundle of a program. `library`: dist/index.js of this package. */
export async function bundleProgram(file: string, host: ProgramHost, library: string): Promise<PreparedProgram> {
  const esbuild = await loadEsbuild(file);
  const folder = outputFolder(file, host.jobId);
  host.addPath(folder);
  mkdirSync(folder, { recursive: true });
  const dispose = (): void => rmSync(folder, { recursive: true, force: true });
  try {
    const bundler = new Bundler(esbuild, folder, library);
    const main = bundler.outputOf(file);
    await bundler.bundleAll(file);
    return { file: main, nodeArgs: ['--enable-source-maps'], dispose };
  } catch (error) {
    dispose();
    throw error;
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

/** The nearest node_modules/.cache above the program, or a hidden folder beside it. */
function outputFolder(file: string, jobId: string): string {
  for (let folder = dirname(file); ; folder = dirname(folder)) {
    const modules = join(folder, 'node_modules');
    if (existsSync(modules)) return join(modules, '.cache', 'tsmpi', jobId);
    if (dirname(folder) === folder) return join(dirname(file), `.tsmpi-${jobId}`);
  }
}

class Bundler {
  readonly #esbuild: typeof Esbuild;
  readonly #folder: string;
  readonly #library: string;
  /** Entries seen so far; those from index #done on are still to be bundled. */
  readonly #entries: string[] = [];

  constructor(esbuild: typeof Esbuild, folder: string, library: string) {
    this.#esbuild = esbuild;
    this.#folder = folder;
    this.#library = library;
  }

  /** Where the bundle of an entry goes. */
  outputOf(source: string): string {
    const isCommon = /\.c[jt]s$/.test(source);
    const hash = createHash('sha256').update(source).digest('hex').slice(0, 8);
    return join(this.#folder, `${basename(source, extname(source))}-${hash}.${isCommon ? 'cjs' : 'mjs'}`);
  }

  /** Bundle an entry, and those that it names. */
  async bundleAll(main: string): Promise<void> {
    this.#entries.push(main);
    for (let at = 0; at < this.#entries.length; at++) await this.#bundle(this.#entries[at]!, at === 0);
  }

  async #bundle(source: string, isMain: boolean): Promise<void> {
    const outfile = this.outputOf(source);
    const format = outfile.endsWith('.cjs') ? 'cjs' : 'esm';
    try {
      await this.#esbuild.build({
        entryPoints: [source],
        outfile,
        bundle: true,
        platform: 'node',
        format,
        target: TARGET,
        packages: 'external',
        sourcemap: 'inline',
        sourcesContent: false,
        logLevel: 'silent',
        plugins: [this.#plugin(format)],
        ...(isMain ? { banner: { js: `process.argv[1] = ${JSON.stringify(source)};` } } : {}),
      });
    } catch (error) {
      throw new ProgramError(1, await this.#explain(source, error));
    }
  }

  #plugin(format: 'esm' | 'cjs'): Esbuild.Plugin {
    const library = format === 'esm' ? pathToFileURL(this.#library).href : this.#library;
    return {
      name: 'tsmpi-program',
      setup: (build) => {
        build.onResolve({ filter: /^tsmpi$/ }, () => ({ path: library, external: true }));
        build.onLoad({ filter: SOURCE }, ({ path }) => this.#load(path));
      },
    };
  }

  /** Give a module the import.meta of its source. */
  async #load(path: string): Promise<Esbuild.OnLoadResult> {
    const url = pathToFileURL(path);
    const text = readFileSync(path, 'utf8').replace(WORKER_URL, (whole, _quote, relative: string) => {
      const target = fileURLToPath(new URL(relative, url));
      if (!existsSync(target)) return whole;
      if (!this.#entries.includes(target)) this.#entries.push(target);
      return `new URL(${JSON.stringify(pathToFileURL(this.outputOf(target)).href)})`;
    });
    const extension = extname(path).slice(1).replace(/^[cm]/, '');
    const loader = extension as Esbuild.Loader;
    if (!text.includes('import.meta')) return { contents: text, loader, resolveDir: dirname(path) };
    const options: Esbuild.TransformOptions = {
      loader,
      target: TARGET,
      sourcemap: 'inline',
      sourcefile: path,
      sourcesContent: false,
      define: {
        'import.meta.url': JSON.stringify(url.href),
        'import.meta.dirname': JSON.stringify(dirname(path)),
        'import.meta.filename': JSON.stringify(path),
      },
    };
    try {
      const { code } = await this.#esbuild.transform(text, options);
      return { contents: code, loader: 'js', resolveDir: dirname(path) };
    } catch (error) {
      return { errors: (error as Esbuild.TransformFailure).errors };
    }
  }

  async #explain(source: string, error: unknown): Promise<string> {
    const failures = (error as Partial<Esbuild.BuildFailure>).errors;
    if (failures === undefined) return `${source} cannot be bundled: ${(error as Error).message}`;
    const lines = await this.#esbuild.formatMessages(failures, { kind: 'error', color: false, terminalWidth: 100 });
    return `${resolve(source)} cannot be bundled:\n${lines.join('\n').trimEnd()}`;
  }
}
