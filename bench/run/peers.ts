/**
 * Peers: finds Open MPI, MPICH and mpi4py on this machine, and builds the project's own programs for them.
 *
 * Debian's packages put each library's launcher and compiler beside the other's under names of their own
 * (mpirun.openmpi, mpicc.mpich); elsewhere plain names are asked whose they are. What is built lies in a temporary folder
 * that the caller removes.
 */

import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FIRST_STEPS, isApplication, type ProgramEntry } from '../catalogue.ts';
import type { Settings } from '../records.ts';
import { hasCores, type Side } from './sides.ts';

export const PEER_NAMES: readonly string[] = ['openmpi', 'mpich', 'mpi4py'];

/** What of the peers is wanted. */
export interface PeerOptions {
  readonly programs: readonly ProgramEntry[];
  /** Over TCP instead of shared memory: beside our websocket. */
  readonly isOverTcp: boolean;
  /** Messages are objects: mpi4py sends them by pickle and by util.pkl5. */
  readonly isObject: boolean;
  /** Where programs are built. */
  readonly folder: string;
}

interface Library {
  readonly name: 'openmpi' | 'mpich';
  readonly launcher: string;
  readonly compiler: string;
}

const SOURCES = fileURLToPath(new URL('./peers/', import.meta.url));
const TIMEOUT_MS = 60_000;
/** What of OSU's neither C nor Python has. */
const NOT_WRITTEN = /^i?(neighbor_|alltoallw)|(?<!latency|bw)_persistent$/;
const PYTHON_PROGRAMS = /^(latency|bw|barrier|bcast|reduce|allreduce|gather|scatter|allgather|alltoall)$/;

/** Return the peers that are there, and for the others why not. */
export function findPeers(wanted: readonly string[], options: PeerOptions): { sides: Side[]; missing: Map<string, string> } {
  const sides: Side[] = [];
  const missing = new Map<string, string>();
  const libraries = new Map<string, Library>();
  for (const name of ['openmpi', 'mpich'] as const) {
    const library = findLibrary(name);
    if (library !== undefined) libraries.set(name, library);
  }
  for (const name of wanted) {
    try {
      if (name === 'mpi4py') sides.push(...pythonSides(libraries, options));
      else sides.push(librarySide(libraries, name, options));
    } catch (error) {
      missing.set(name, (error as Error).message);
    }
  }
  return { sides, missing };
}

function librarySide(libraries: ReadonlyMap<string, Library>, name: string, options: PeerOptions): Side {
  const library = libraries.get(name);
  if (library === undefined) throw new Error(`no launcher and compiler of it are here: apt-get install ${PACKAGES[name]}`);
  const binaryOf = (entry: ProgramEntry): string => join(options.folder, `${sourceOf(entry)}-${name}`);
  for (const entry of new Map(options.programs.map((entry) => [sourceOf(entry), entry])).values()) {
    // Without fused operations: a flow is compared with one whose products and sums JavaScript rounds one by one.
    const flags = ['-O3', '-march=native', '-ffp-contract=off'];
    run(library.compiler, [...flags, '-o', binaryOf(entry), join(SOURCES, `${sourceOf(entry)}.c`), '-lm']);
  }
  return {
    name: options.isOverTcp ? `${name}-tcp` : name,
    command: (entry, settings, ranks) => {
      if (settings.isObject) return 'C has no objects';
      if (!isInC(entry)) return 'not written in C';
      return launcherCommand(library, ranks, options.isOverTcp, [binaryOf(entry), ...wordsOf(entry, settings)]);
    },
  };
}

/** The source in C in which a program is. */
const sourceOf = (entry: ProgramEntry): string => (entry.figure === 'flow' ? 'cavity' : 'osu');

const isInC = (entry: ProgramEntry): boolean =>
  entry.figure === 'flow' || !(isApplication(entry) || NOT_WRITTEN.test(entry.name));

const PACKAGES: Readonly<Record<string, string>> = { openmpi: 'openmpi-bin libopenmpi-dev', mpich: 'mpich libmpich-dev' };

function pythonSides(libraries: ReadonlyMap<string, Library>, { isOverTcp, isObject }: PeerOptions): Side[] {
  const python = ['python3', '/usr/bin/python3'].find((file) => succeeds(file, ['-c', 'from mpi4py import MPI']));
  if (python === undefined) throw new Error('no python3 here imports it: apt-get install python3-mpi4py python3-numpy');
  const vendor = run(python, ['-c', 'from mpi4py import MPI; print(MPI.get_vendor()[0])']).trim();
  const library = libraries.get(vendor === 'MPICH' ? 'mpich' : 'openmpi');
  if (library === undefined) throw new Error(`it was built for ${vendor}, whose launcher is not here`);
  const side = (name: string, words: readonly string[]): Side => ({
    name: isOverTcp ? `${name}-tcp` : name,
    command: (entry, settings, ranks) => {
      if (!PYTHON_PROGRAMS.test(entry.name)) return 'not written in Python';
      const object = isObject ? ['object=1'] : [];
      const script = [python, join(SOURCES, 'osu.py'), ...wordsOf(entry, settings), ...object, ...words];
      return launcherCommand(library, ranks, isOverTcp, script);
    },
  });
  return isObject ? [side('mpi4py', []), side('mpi4py-pkl5', ['pkl5=1'])] : [side('mpi4py', [])];
}

/** The settings as the programs in C and osu.py read them. */
function wordsOf(entry: ProgramEntry, settings: Settings): string[] {
  return [
    `program=${entry.name}`,
    `sizes=${settings.sizes.join(',')}`,
    `iterations=${settings.iterations ?? 0}`,
    `warmup=${settings.warmup ?? -1}`,
    `repetitions=${settings.repetitions}`,
    `window=${settings.window}`,
    ...(entry.figure === 'overlap' ? [`tests=${settings.tests}`] : []),
    `touch=${settings.isTouched ? 1 : 0}`,
    ...(settings.isRotating ? ['rotate=1'] : []),
    `root=${settings.isRootRotating ? 1 : 0}`,
    `settle=${settings.settleMs}`,
    ...(entry.figure === 'flow' ? [`steps=${FIRST_STEPS}`] : []),
    ...(settings.fields === undefined ? [] : [`fields=${settings.fields}`]),
  ];
}

function launcherCommand(
  { name, launcher }: Library,
  ranks: number,
  isOverTcp: boolean,
  program: readonly string[],
): ReturnType<Side['command']> {
  const [pinned, count] = [hasCores(ranks), String(ranks)];
  if (name === 'mpich') {
    const env: Record<string, string> = isOverTcp ? { MPIR_CVAR_NOLOCAL: '1', UCX_TLS: 'tcp,self', UCX_NET_DEVICES: 'lo' } : {};
    return { file: launcher, args: ['-n', count, ...(pinned ? ['-bind-to', 'core'] : []), ...program], env };
  }
  const layers = isOverTcp ? ['self,tcp', '--mca', 'btl_tcp_if_include', 'lo'] : ['self,vader'];
  const sharing = pinned ? ['--bind-to', 'core'] : ['--bind-to', 'none', '--oversubscribe', '--mca', 'mpi_yield_when_idle', '1'];
  const args = ['-n', count, ...sharing, '--mca', 'pml', 'ob1', '--mca', 'btl', ...layers, ...program];
  const isRoot = process.getuid?.() === 0;
  const env: Record<string, string> = isRoot ? { OMPI_ALLOW_RUN_AS_ROOT: '1', OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: '1' } : {};
  return { file: launcher, args, env };
}

function findLibrary(name: Library['name']): Library | undefined {
  const launcher = [`mpirun.${name}`, 'mpirun', 'mpiexec'].find((file) => isLauncherOf(name, file));
  const compiler = [`mpicc.${name}`, 'mpicc'].find((file) => isCompilerOf(name, file));
  return launcher === undefined || compiler === undefined ? undefined : { name, launcher, compiler };
}

function isLauncherOf(name: Library['name'], file: string): boolean {
  const text = tryRun(file, ['--version']);
  return name === 'openmpi' ? /Open MPI|OpenRTE/.test(text) : /HYDRA/i.test(text);
}

/** Both compilers print the command that they would run, where the library is named. */
function isCompilerOf(name: Library['name'], file: string): boolean {
  return tryRun(file, ['-show']).includes(name === 'openmpi' ? 'openmpi' : 'mpich');
}

function run(file: string, args: readonly string[]): string {
  try {
    return execFileSync(file, args, { encoding: 'utf8', timeout: TIMEOUT_MS, stdio: ['ignore', 'pipe', 'pipe'] });
  } catch (error) {
    const { stderr, message } = error as { stderr?: string; message: string };
    throw new Error(`${file} failed: ${(stderr?.trim() || message).split('\n')[0]}`);
  }
}

function tryRun(file: string, args: readonly string[]): string {
  try {
    return run(file, args);
  } catch {
    return '';
  }
}

function succeeds(file: string, args: readonly string[]): boolean {
  try {
    run(file, args);
    return true;
  } catch {
    return false;
  }
}
