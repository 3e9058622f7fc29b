/**
 * The programs of the suite under OSU's names: what each needs, which sizes it runs by default, what its figure is.
 *
 * Read by the command, which starts them and prints their columns, and by the ranks, which run them.
 */

/** What a program's figure is. */
export type Figure = 'latency' | 'bandwidth' | 'overlap' | 'start' | 'wall' | 'step' | 'tail' | 'noise' | 'flow';

/** What the numbers of the first column are, with its heading. */
export type Subject = 'Size' | 'Queued' | 'Edge' | 'Load(%)' | 'Ranks' | 'Cells';

export interface ProgramEntry {
  readonly name: string;
  readonly title: string;
  readonly figure: Figure;
  /** Ranks by default. Pairs and collectives take more. */
  readonly ranks: number;
  /** All ranks take part, however many there are. */
  readonly isForMany: boolean;
  /** The fewest that it runs on. */
  readonly leastRanks: number;
  readonly subject: Subject;
  /** Smallest and largest message by default, in bytes; undefined: it has no sizes. */
  readonly sizes: readonly [min: number, max: number] | undefined;
  /** What it runs by default instead of doubling; absent: it doubles. */
  readonly listed?: readonly number[];
  /** It is a reduction: sizes are of int32 elements, from 4 bytes on. */
  readonly isReduction: boolean;
  /** It has a rooted form, so that the root may go round. */
  readonly isRooted: boolean;
}

const LONGEST = 1 << 22;
const LONGEST_COLLECTIVE = 1 << 20;

function pair(name: string, title: string, figure: Figure): ProgramEntry {
  return {
    ...{ name, title, figure, ranks: 2, leastRanks: 2, isForMany: false },
    ...{ subject: 'Size', sizes: [1, LONGEST], isReduction: false, isRooted: false },
  };
}

/** A program whose first column counts something else than bytes. */
function counted(name: string, title: string, figure: Figure, subject: Subject, listed: readonly number[]): ProgramEntry {
  return { ...pair(name, title, figure), subject, sizes: [listed[0]!, listed.at(-1)!], listed };
}

const POINT_TO_POINT: readonly ProgramEntry[] = [
  pair('latency', 'Latency', 'latency'),
  pair('bw', 'Bandwidth', 'bandwidth'),
  pair('bibw', 'Bi-Directional Bandwidth', 'bandwidth'),
  { ...pair('mbw_mr', 'Multiple Bandwidth / Message Rate', 'bandwidth'), isForMany: true },
  { ...pair('multi_lat', 'Multi Latency', 'latency'), isForMany: true },
  pair('latency_persistent', 'Latency with persistent operations', 'latency'),
  pair('bw_persistent', 'Bandwidth with persistent operations', 'bandwidth'),
  pair('bibw_persistent', 'Bi-Directional Bandwidth with persistent operations', 'bandwidth'),
];

const QUEUED = [0, 1, 10, 100, 1000, 10_000];
const LOADS = [10, 25, 50, 75, 90, 95];
const EDGES = [16, 32, 64, 96];
const NOISE_RANKS = [1, 64, 256, 1024];
const CELLS = [128, 1024];
/** Steps of a flow before those that are timed: after them sides compare their fields. */
export const FIRST_STEPS = 10;
/** Those of no suite by name: what applications feel of a message layer and of a machine. */
const APPLICATIONS: readonly ProgramEntry[] = [
  counted('match_posted', 'Latency behind posted receives', 'latency', 'Queued', QUEUED),
  counted('match_unexpected', 'Latency behind unexpected messages', 'latency', 'Queued', QUEUED),
  counted('latency_load', 'Latency under load, open loop', 'tail', 'Load(%)', LOADS),
  { ...pair('b_eff', 'Effective Bandwidth', 'bandwidth'), isForMany: true, sizes: [1, 1 << 20] },
  { ...counted('halo_allreduce', 'Halo exchange and Allreduce', 'step', 'Edge', EDGES), isForMany: true, leastRanks: 1 },
  { ...counted('noise', 'Noise of a fixed work quantum', 'noise', 'Ranks', NOISE_RANKS), isForMany: true, leastRanks: 1 },
  {
    ...counted('noise_alloc', 'Noise of a fixed work quantum that allocates', 'noise', 'Ranks', NOISE_RANKS),
    isForMany: true,
    leastRanks: 1,
  },
  { ...counted('cavity', 'Lid-driven Cavity', 'flow', 'Cells', CELLS), isForMany: true, leastRanks: 1 },
];

/** Collectives, by the standard's name without MPI_. */
const COLLECTIVES: readonly string[] = [
  ...['allgather', 'allgatherv', 'allreduce', 'alltoall', 'alltoallv', 'alltoallw', 'barrier', 'bcast', 'gather', 'gatherv'],
  ...['reduce', 'reduce_scatter', 'reduce_scatter_block', 'scatter', 'scatterv', 'scan', 'exscan'],
  ...['neighbor_allgather', 'neighbor_allgatherv', 'neighbor_alltoall', 'neighbor_alltoallv', 'neighbor_alltoallw'],
];
const REDUCTIONS = new Set(['allreduce', 'reduce', 'reduce_scatter', 'reduce_scatter_block', 'scan', 'exscan']);
const ROOTED = new Set(['bcast', 'gather', 'gatherv', 'reduce', 'scatter', 'scatterv']);

function collective(name: string, program: string, form: string, figure: Figure): ProgramEntry {
  const isReduction = REDUCTIONS.has(name);
  return {
    name: program,
    title: `${name.split('_').map(capitalize).join('_')}${form} Latency`,
    figure,
    ranks: 2,
    leastRanks: 2,
    subject: 'Size',
    isForMany: true,
    sizes: name === 'barrier' ? undefined : [isReduction ? 4 : 1, LONGEST_COLLECTIVE],
    isReduction,
    isRooted: ROOTED.has(name),
  };
}

const capitalize = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1);

/** All programs, in the order of the help. */
export const PROGRAMS: readonly ProgramEntry[] = [
  ...POINT_TO_POINT,
  ...APPLICATIONS,
  ...COLLECTIVES.map((name) => collective(name, name, '', 'latency')),
  ...COLLECTIVES.map((name) => collective(name, `i${name}`, ' nonblocking', 'overlap')),
  ...COLLECTIVES.map((name) => collective(name, `${name}_persistent`, ' persistent', 'latency')),
  { ...pair('init', 'Init', 'start'), isForMany: true, sizes: undefined },
  { ...pair('hello', 'Hello', 'wall'), isForMany: true, sizes: undefined },
];

/** Return a program by its name, with or without OSU's `osu_`. */
export function findProgram(name: string): ProgramEntry | undefined {
  return PROGRAMS.find((entry) => entry.name === name.replace(/^osu_/, ''));
}

/** True if the program is none of OSU's. */
export const isApplication = (entry: ProgramEntry): boolean => APPLICATIONS.includes(entry);

/** True if the program is a collective of the standard. */
export const isCollective = ({ name }: ProgramEntry): boolean => collectiveOf(name) !== undefined;

/** Return the collective that a program times, and how it calls it; undefined for the others. */
export function collectiveOf(program: string): { name: string; form: 'blocking' | 'nonblocking' | 'persistent' } | undefined {
  if (COLLECTIVES.includes(program)) return { name: program, form: 'blocking' };
  if (program.startsWith('i') && COLLECTIVES.includes(program.slice(1))) return { name: program.slice(1), form: 'nonblocking' };
  const stem = program.replace(/_persistent$/, '');
  return COLLECTIVES.includes(stem) ? { name: stem, form: 'persistent' } : undefined;
}
