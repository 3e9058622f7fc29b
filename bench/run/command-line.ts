/**
 * The command line of `tsmpi bench`: OSU's letters, and what is ours by long names. yargs parses; what it cannot know
 * (numbers, sizes, names of programs) is checked here, with one sentence for each mistake.
 */

import yargs from 'yargs';
import { whyNotGrid, whyNotRanks } from '../../examples/cavity/domain.ts';
import { findProgram, PROGRAMS, type ProgramEntry } from '../catalogue.ts';
import type { Settings } from '../records.ts';
import { type ColumnOptions, PERCENTILES } from './columns.ts';
import type { Basis } from './table.ts';

/** A mistake in the command line. */
export class BenchUsageError extends Error {}

/** What is to be done. */
export interface BenchCommand {
  readonly programs: readonly ProgramEntry[];
  readonly columns: ColumnOptions;
  readonly isJson: boolean;
  /** Numbers of ranks; empty: by program. */
  readonly ranks: readonly number[];
  readonly compare: readonly string[] | undefined;
  readonly isAgainstPeers: boolean;
  /** Peers to take; empty: all that are there. */
  readonly peers: readonly string[];
  readonly pair: readonly [first: string, second: string] | undefined;
  /** Launches of each side. */
  readonly launches: number;
  readonly output: string;
  readonly basis: Basis;
  /** Seconds that one launch may take. */
  readonly timeoutSeconds: number;
  /** Options for tsmpirun. */
  readonly launcherOptions: readonly string[];
  /** The settings of a program. */
  settings(entry: ProgramEntry): Settings;
}

const DEFAULT_COMPARED = ['latency', 'bw', 'barrier', 'allreduce', 'bcast', 'alltoall'];
const DEFAULT_AGAINST_PEERS = ['latency', 'bw', 'barrier', 'allreduce', 'bcast', 'reduce', 'allgather', 'alltoall'];
/** Sizes of comparisons: few, since every one is launched many times. */
const COMPARED_SIZES = [8, 64, 1024, 8192, 65536, 1 << 20, 1 << 22];

const USAGE = `tsmpi bench [program ...] [options] [-- options of tsmpirun]

Programs carry the names of the OSU micro-benchmarks; --list prints them. Figures of a disturbed run are marked with !.
cavity runs whole steps of a flow; with --peers beside the same in C, and the fields must be equal.
With --compare, --peers or --pair several sides are launched in turn, and a report is written.`;

const OPTIONS = {
  m: {
    alias: 'message-size',
    type: 'string',
    group: 'OSU:',
    description: 'sizes in bytes (or what the first column counts), MIN:MAX or MAX, by doubling; or a list: 8,1000',
  },
  i: { alias: 'iterations', type: 'string', group: 'OSU:', description: 'operations of a repetition' },
  x: {
    alias: 'warmup',
    type: 'string',
    group: 'OSU:',
    description: 'operations that do not count, before them; default: until steady',
  },
  f: { alias: 'full', type: 'boolean', default: false, group: 'OSU:', description: 'print lowest, highest, iterations, first' },
  W: { alias: 'window-size', type: 'string', default: '64', group: 'OSU:', description: 'messages in flight of bandwidths' },
  t: {
    alias: 'num-test-calls',
    type: 'string',
    default: '0',
    group: 'OSU:',
    description: 'calls of test() while overlapped computation runs',
  },
  z: {
    alias: 'tail-lat',
    type: 'string',
    group: 'OSU:',
    description: `percentiles to print, of ${PERCENTILES.join(', ')}; alone: 50,99`,
  },
  n: { alias: 'ranks', type: 'string', group: 'Ours:', description: 'ranks; several with --compare and --peers: 2,4,8' },
  r: { alias: 'repetitions', type: 'string', default: '5', group: 'Ours:', description: 'repetitions that count' },
  await: { type: 'boolean', default: false, group: 'Ours:', description: 'complete operations by await instead of wait()' },
  objects: {
    type: 'boolean',
    default: false,
    group: 'Ours:',
    description: 'messages are objects with a Float64Array of that size',
  },
  touch: { type: 'boolean', default: false, group: 'Ours:', description: 'sum what was received, within the time' },
  rotate: {
    type: 'boolean',
    default: false,
    group: 'Ours:',
    description: 'other buffers at each operation, over four last caches',
  },
  odd: {
    type: 'boolean',
    default: false,
    group: 'Ours:',
    description: 'sizes between the powers of two, and one byte beside them',
  },
  root: { choices: ['rotate', 'fixed'], default: 'rotate', group: 'Ours:', description: 'root of rooted collectives' },
  settle: { type: 'string', default: '1', group: 'Ours:', description: 'seconds that a size may take to become steady' },
  json: { type: 'boolean', default: false, group: 'Ours:', description: 'print lines of JSON' },
  timeout: { type: 'string', default: '600', group: 'Ours:', description: 'seconds that one launch may take' },
  list: { type: 'boolean', default: false, group: 'Ours:', description: 'print the programs' },
  compare: {
    type: 'string',
    group: 'Sides:',
    description: 'interconnects in turn: shm,thread,websocket,relay,rdma; and what Node has: process-send,message-port,ws',
  },
  peers: { type: 'string', group: 'Sides:', description: 'Open MPI, MPICH, mpi4py: all that are there, or openmpi,mpich,mpi4py' },
  pair: { type: 'string', group: 'Sides:', description: 'two built checkouts in turn: FIRST,SECOND' },
  launches: { type: 'string', group: 'Sides:', description: 'launches of each side (default 10; --compare: 4)' },
  by: {
    choices: ['mean', 'p50'],
    default: 'mean',
    group: 'Sides:',
    description: 'what is compared: means, as OSU prints, or medians of operations',
  },
  output: { type: 'string', default: 'tsmpi-bench', group: 'Sides:', description: 'folder of the report' },
} as const;

/** Parse the words behind `tsmpi bench`. Returns a text instead where one was asked for. */
export async function parseBenchCommand(words: readonly string[]): Promise<BenchCommand | string> {
  const cut = words.indexOf('--');
  const own = cut < 0 ? words : words.slice(0, cut);
  const launcherOptions = cut < 0 ? [] : words.slice(cut + 1);
  const parser = yargs([...own])
    .scriptName('tsmpi bench')
    .usage(USAGE)
    .options(OPTIONS)
    .parserConfiguration({
      'duplicate-arguments-array': false,
      'parse-numbers': false,
      'parse-positional-numbers': false,
      'boolean-negation': false,
    })
    .strictOptions()
    .version(false)
    .help(false)
    .option('help', { alias: 'h', type: 'boolean', description: 'print this' })
    .wrap(Math.min(120, process.stdout.columns ?? 110))
    .exitProcess(false)
    .fail((message, error) => {
      throw error ?? new BenchUsageError(sentence(message));
    });
  const parsed = await parser.parseAsync();
  if (parsed.help === true) return parser.getHelp();
  if (parsed.list) return PROGRAMS.map(({ name, title }) => `${name.padEnd(34)}${title}`).join('\n');

  const compare = parsed.compare === undefined ? undefined : list('--compare', parsed.compare, 'names of interconnects');
  const pair = parsed.pair === undefined ? undefined : list('--pair', parsed.pair, 'two folders');
  if (pair !== undefined && pair.length !== 2)
    throw new BenchUsageError(`--pair got ${parsed.pair}: expected two folders, FIRST,SECOND`);
  const isAgainstPeers = parsed.peers !== undefined;
  const modes = [compare, pair, isAgainstPeers || undefined].filter((mode) => mode !== undefined);
  if (modes.length > 1) throw new BenchUsageError('expected one of --compare, --peers and --pair');
  const names = parsed._.map(String);
  const isComparing = modes.length > 0;
  if (names.length === 0 && !isComparing)
    throw new BenchUsageError('expected a program, as latency, bw or allreduce; see tsmpi bench --list');
  const defaults = isAgainstPeers ? DEFAULT_AGAINST_PEERS : DEFAULT_COMPARED;
  const programs = (names.length > 0 ? names : defaults).map((name) => {
    const entry = findProgram(name);
    if (entry === undefined) throw new BenchUsageError(`unknown program ${name}: see tsmpi bench --list`);
    return entry;
  });
  const ranks = parsed.n === undefined ? [] : list('-n', parsed.n, 'numbers of ranks').map((text) => whole('-n', text, 1));
  if (ranks.length > 1 && !isComparing)
    throw new BenchUsageError(`-n got ${parsed.n}: expected one number without --compare, --peers or --pair`);
  const asked = parsed.m === undefined ? undefined : sizesOf(parsed.m);
  for (const entry of programs) {
    const { name, isForMany, leastRanks, subject } = entry;
    const largest = asked?.kind === 'list' ? Math.max(...asked.sizes) : (asked?.max ?? 0);
    if (subject === 'Load(%)' && largest > 100)
      throw new BenchUsageError(`${name} takes loads in per cent: -m got ${largest}, expected 100 at most`);
    if (sizesFor(entry, asked, isComparing, parsed.odd).length === 0)
      throw new BenchUsageError(`-m got ${parsed.m}: ${name} starts at ${leastOf(entry)}`);
    if (entry.figure === 'flow') checkFlow(entry, sizesFor(entry, asked, isComparing, parsed.odd), ranks, parsed.await);
    if (ranks.some((count) => count < leastRanks)) throw new BenchUsageError(`${name} needs two ranks: -n got ${parsed.n}`);
    if (/^(mbw_mr|multi_lat)$/.test(name) && ranks.some((count) => count % 2 === 1)) {
      throw new BenchUsageError(`${name} takes pairs of ranks: -n got ${parsed.n}, expected an even number`);
    }
    if (!isForMany && parsed.objects && !/^(latency|bw|bibw)$/.test(name))
      throw new BenchUsageError(`--objects is for latency, bw and bibw, not ${name}`);
    if (isForMany && parsed.objects && !/^(mbw_mr|multi_lat)$/.test(name))
      throw new BenchUsageError(`--objects is for latency, bw and bibw, not ${name}`);
  }
  const iterations = parsed.i === undefined ? undefined : whole('-i', parsed.i, 1);
  const warmup = parsed.x === undefined ? undefined : whole('-x', parsed.x, 0);
  const repetitions = whole('-r', parsed.r, 1);
  const window = whole('-W', parsed.W, 1);
  const tests = whole('-t', parsed.t, 0);
  const settleMs = 1000 * whole('--settle', parsed.settle, 0);
  return {
    programs,
    columns: { isFull: parsed.f, percentiles: percentilesOf(parsed.z) },
    isJson: parsed.json,
    ranks,
    compare,
    isAgainstPeers,
    peers: parsed.peers === undefined || parsed.peers === '' ? [] : list('--peers', parsed.peers, 'names of peers'),
    pair: pair as [string, string] | undefined,
    launches: parsed.launches === undefined ? (compare === undefined ? 10 : 4) : whole('--launches', parsed.launches, 1),
    output: parsed.output,
    basis: parsed.by as Basis,
    timeoutSeconds: whole('--timeout', parsed.timeout, 1),
    launcherOptions,
    settings: (entry) => ({
      program: entry.name,
      sizes: sizesFor(entry, asked, isComparing, parsed.odd),
      iterations,
      warmup,
      repetitions,
      window,
      tests,
      isAwaited: parsed.await,
      isObject: parsed.objects,
      isTouched: parsed.touch,
      isRotating: parsed.rotate,
      isRootRotating: parsed.root === 'rotate',
      settleMs,
    }),
  };
}

function checkFlow({ name, ranks }: ProgramEntry, sizes: readonly number[], asked: readonly number[], isAwaited: boolean): void {
  if (isAwaited) throw new BenchUsageError(`--await is not for ${name}, whose ranks wait()`);
  for (const cells of sizes) {
    const reasons = (asked.length > 0 ? asked : [ranks]).map((count) => whyNotGrid(cells) ?? whyNotRanks(cells, count));
    const reason = reasons.find((text) => text !== undefined);
    if (reason !== undefined) throw new BenchUsageError(`${name}: ${reason}`);
  }
}

function sizesFor(entry: ProgramEntry, asked: Sizes | undefined, isComparing: boolean, isOdd: boolean): number[] {
  if (entry.sizes === undefined) return [0];
  const [min, max] = entry.sizes;
  let sizes: number[];
  if (asked?.kind === 'list') sizes = asked.sizes;
  else if (asked?.kind === 'range' && asked.min === undefined && entry.listed !== undefined) sizes = [asked.max];
  else if (asked?.kind === 'range') sizes = doubling(asked.min ?? min, asked.max);
  else if (entry.listed !== undefined) sizes = [...entry.listed];
  else sizes = isComparing ? COMPARED_SIZES.filter((size) => size <= max) : doubling(min, max);
  if (isOdd && entry.subject === 'Size')
    sizes = [...new Set(sizes.flatMap((size) => [size - 1, size, size + 1, Math.floor(size * 1.5)]))];
  return sizes.filter((size) => size >= leastOf(entry) && (!entry.isReduction || size % 4 === 0)).sort((a, b) => a - b);
}

/** The smallest number of its first column. */
const leastOf = ({ isReduction, subject }: ProgramEntry): number =>
  isReduction ? 4 : subject === 'Size' || subject === 'Queued' ? 0 : 1;

type Sizes = { kind: 'range'; min: number | undefined; max: number } | { kind: 'list'; sizes: number[] };

/** Return what -m says. */
export function sizesOf(text: string): Sizes {
  if (text.includes(',')) return { kind: 'list', sizes: text.split(',').map((part) => whole('-m', part, 0)) };
  const parts = text.split(':');
  if (parts.length > 2) throw new BenchUsageError(`-m got ${text}: expected MIN:MAX`);
  if (parts.length === 1) return { kind: 'range', min: undefined, max: whole('-m', text, 0) };
  const [min, max] = [parts[0] === '' ? undefined : whole('-m', parts[0]!, 0), whole('-m', parts[1]!, 0)];
  if (min !== undefined && min > max) throw new BenchUsageError(`-m got ${text}: expected MIN:MAX, the smaller first`);
  return { kind: 'range', min, max };
}

function doubling(min: number, max: number): number[] {
  const sizes: number[] = [];
  for (let size = min; size <= max; size = size === 0 ? 1 : size * 2) sizes.push(size);
  return sizes.length === 0 ? [max] : sizes;
}

function percentilesOf(text: string | undefined): number[] {
  if (text === undefined) return [];
  return (text === '' ? '50,99' : text).split(',').map((part) => {
    const value = Number(part);
    if (!PERCENTILES.includes(value)) throw new BenchUsageError(`-z got ${text}: expected some of ${PERCENTILES.join(', ')}`);
    return value;
  });
}

function list(name: string, text: string, what: string): string[] {
  const parts = text.split(',');
  if (parts.some((part) => part === ''))
    throw new BenchUsageError(`${name} got ${text === '' ? 'nothing' : text}: expected ${what}, with commas between`);
  return parts;
}

function whole(name: string, text: string, least: number): number {
  const value = /^\d{1,12}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= least))
    throw new BenchUsageError(`${name} got ${text === '' ? 'nothing' : text}: expected a whole number from ${least} on`);
  return value;
}

/** Say what yargs found wrong. */
function sentence(message: string): string {
  const unknown = /^Unknown arguments?: (.*)$/.exec(message)?.[1];
  return unknown === undefined ? message : `unknown argument ${unknown}: see tsmpi bench --help`;
}
