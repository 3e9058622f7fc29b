/**
 * How the program of a block becomes what is started: found, checked, and turned into a file that Node runs.
 */

import { accessSync, closeSync, constants, openSync, readFileSync, readSync, realpathSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, dirname, join, resolve } from 'node:path';
import { packageRoot } from '../base/package-root.ts';
import { VERSION } from '../base/version.ts';
import { type PreparedProgram, ProgramError, type ProgramHost } from './prepared-program.ts';
import type { AgentProgram } from './protocol.ts';

const BUNDLED = /\.[cm]?ts$/;
const JAVASCRIPT = /\.[cm]?js$/;

/** Find the program of a block and make it ready to run on this host. */
export async function prepareProgram(block: AgentProgram, host: ProgramHost): Promise<PreparedProgram> {
  if (block.isBundled === true) return { ...asItIs(block.program), nodeArgs: ['--enable-source-maps'] };
  if (block.exec) return asItIs(findExecutable(block));
  const file = resolve(block.wdir, block.program);
  checkReadable(file, block.program);
  if (!BUNDLED.test(file) && !JAVASCRIPT.test(file)) checkScript(file);
  const isResolved = canResolveUs(file);
  if (BUNDLED.test(file) || (JAVASCRIPT.test(file) && !isResolved)) {
    const { bundleProgram } = await import('./program-bundle.ts');
    return bundleProgram(file, host, libraryPath());
  }
  return asItIs(file);
}

function asItIs(file: string): PreparedProgram {
  return { file, nodeArgs: [], dispose: () => {} };
}

/** The file of this very package that programs import. */
export function libraryPath(): string {
  return join(packageRoot() ?? '', 'dist', 'index.js');
}

export function checkReadable(file: string, typed: string): void {
  const stats = statSync(file, { throwIfNoEntry: false });
  if (stats === undefined)
    throw new ProgramError(127, `program not found: ${file}${/[./]/.test(typed) ? '' : ' (for an executable, use --exec)'}`);
  if (stats.isDirectory()) throw new ProgramError(126, `program is a directory: ${file}; expected a .js or .ts file`);
  try {
    accessSync(file, constants.R_OK);
  } catch {
    throw new ProgramError(126, `program not readable: ${file}`);
  }
}

/** Node runs files without a known suffix as scripts; machine code and scripts of other languages are told apart here. */
function checkScript(file: string): void {
  const start = readStart(file);
  const [, interpreter] = /^#!\s*(.*)/.exec(start) ?? [];
  const what = start.startsWith('\x7fELF')
    ? 'machine code'
    : /\bnode/.test(interpreter ?? 'node')
      ? undefined
      : `a script for ${interpreter}`;
  if (what === undefined) return;
  throw new ProgramError(126, `${file} is ${what}: expected a .js or .ts program; for an executable of any kind, use --exec`);
}

function readStart(file: string): string {
  const start = Buffer.alloc(128);
  const fd = openSync(file, 'r');
  try {
    return start.toString('latin1', 0, readSync(fd, start, 0, start.length, 0));
  } finally {
    closeSync(fd);
  }
}

/** Whether the program finds a tsmpi by itself. Refuse one of another version: two do not understand each other. */
function canResolveUs(file: string): boolean {
  let found: string;
  try {
    // As Node does: packages are looked for from where the file really lies.
    found = createRequire(realpathSync(file)).resolve('tsmpi');
  } catch {
    return false;
  }
  const version = versionAt(found);
  if (version !== undefined && version !== VERSION) {
    throw new ProgramError(
      1,
      `${file} resolves tsmpi ${version} (${found}), but this tsmpirun is of version ${VERSION}: expected one version`,
    );
  }
  return true;
}

/** Return the version of the package that a file of tsmpi belongs to. */
function versionAt(file: string): string | undefined {
  for (let folder = dirname(file); dirname(folder) !== folder; folder = dirname(folder)) {
    try {
      const { name, version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
      if (name === 'tsmpi') return version;
    } catch {
      // no package.json here
    }
  }
  return undefined;
}

function findExecutable(block: AgentProgram): string {
  const { program, wdir } = block;
  const path = block.env.PATH ?? process.env.PATH ?? '';
  const candidates = program.includes('/')
    ? [resolve(wdir, program)]
    : path.split(delimiter).map((folder) => resolve(wdir, folder, program));
  const found = candidates.filter(isFile);
  if (found.length === 0) throw new ProgramError(127, `program not found: ${program}`);
  const executable = found.find(isExecutable);
  if (executable === undefined) throw new ProgramError(126, `program not executable: ${found[0]}`);
  return executable;
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
