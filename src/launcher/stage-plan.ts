/**
 * What --stage sends: the files, their places in the folder on other hosts, and each program as it is found there.
 */

import { readdirSync, statSync } from 'node:fs';
import { basename, extname, join, relative, resolve, sep } from 'node:path';
import { ProgramError } from '../agent/prepared-program.ts';
import { checkReadable, libraryPath } from '../agent/program.ts';
import { bundleForStage } from '../agent/program-bundle.ts';
import type { AgentProgram } from '../agent/protocol.ts';
import type { LaunchOptions, ProgramBlock } from './options.ts';
import { UsageError } from './usage-error.ts';

/** One file that is sent. */
export interface StagedFile {
  /** Its way from the folder. */
  readonly path: string;
  readonly mode: number;
  /** Its bytes, or the path of the file that has them. */
  readonly content: Uint8Array | string;
}

export interface StagePlan {
  readonly files: readonly StagedFile[];
  /** What is different for the programs on other hosts. */
  readonly programs: readonly Pick<AgentProgram, 'program' | 'wdir' | 'isBundled'>[];
}

/** Bundle the programs and list the files. Throws UsageError or ProgramError. */
export async function planStage(
  { blocks, stage = [] }: Pick<LaunchOptions, 'blocks' | 'stage'>,
  cwd: string,
): Promise<StagePlan> {
  const plan = new Planner(cwd);
  for (const path of stage) plan.addData(path);
  const programs = [];
  for (const block of blocks) programs.push(await plan.addProgram(block));
  return { files: [...plan.files.values()], programs };
}

class Planner {
  readonly files = new Map<string, StagedFile>();
  readonly #root: string;
  readonly #sources = new Map<string, string>();

  constructor(root: string) {
    this.#root = root;
  }

  /** Add a file, or all files below a folder. */
  addData(path: string): void {
    const stats = statSync(path, { throwIfNoEntry: false });
    if (stats === undefined) throw new UsageError(`--stage-file ${path}: there is no such file or folder`);
    const top = this.#placeOf(path);
    if (!stats.isDirectory() && !stats.isFile()) throw new UsageError(`--stage-file ${path}: expected a file or folder`);
    if (stats.isFile()) {
      this.#addFile(path, top, stats.mode);
      return;
    }
    for (const entry of readdirSync(path, { recursive: true, encoding: 'utf8' })) {
      const below = statSync(join(path, entry), { throwIfNoEntry: false });
      if (below?.isFile()) this.#addFile(join(path, entry), join(top, entry), below.mode);
    }
  }

  async addProgram(block: ProgramBlock): Promise<StagePlan['programs'][number]> {
    const wdir = this.#isBelow(block.wdir) ? relative(this.#root, block.wdir) : block.wdir;
    if (block.exec && !block.program.includes('/')) return { program: block.program, wdir };
    const file = resolve(block.wdir, block.program);
    checkReadable(file, block.program);
    if (block.exec) {
      this.#addFile(file, this.#placeOf(file), statSync(file).mode);
      return { program: `./${this.#placeOf(file)}`, wdir };
    }
    if (!/^\.[cm]?[jt]s$/.test(extname(file))) {
      throw new ProgramError(126, `${file} cannot be sent: expected a .js or .ts program, or an executable with --exec`);
    }
    const { main, files } = await bundleForStage(file, libraryPath(), (source) => this.#placeOf(source));
    for (const [name, content] of files) this.files.set(name, { path: name, mode: 0o600, content });
    return { program: main, wdir, isBundled: true };
  }

  #addFile(source: string, place: string, mode: number): void {
    const other = this.#sources.get(place);
    if (other !== undefined && other !== source) {
      throw new UsageError(`--stage would send both ${other} and ${source} as ${place}: expected names that differ`);
    }
    this.#sources.set(place, source);
    this.files.set(place, { path: place, mode: mode & 0o777, content: source });
  }

  /** Below the current directory a file keeps its way, else it lies at the top. */
  #placeOf(path: string): string {
    return this.#isBelow(path) ? relative(this.#root, path) : basename(path);
  }

  #isBelow(path: string): boolean {
    return path === this.#root || path.startsWith(this.#root.endsWith(sep) ? this.#root : this.#root + sep);
  }
}
