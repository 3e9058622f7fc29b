/**
 * The command line of tsmpirun: cut into blocks and options, checked, and made into LaunchOptions.
 *
 * The idea: options end at the program; what stands behind it belongs to the program, byte for byte, up to a lone `:`,
 * which begins the next block. So no option parser ever sees a program's arguments. A table (option-table.ts) says which
 * options take a value; the value is the next argument whatever it looks like, or what stands behind `=`.
 */

import { resolve } from 'node:path';
import type { LaunchOptions, ProgramBlock } from '../launcher/options.ts';
import { FOREIGN, OPTIONS, type OptionEntry, TRANSPORTS, variableOf, WITHOUT_VARIABLE } from './option-table.ts';

/** A command line that cannot be carried out; the message says what was wrong and what was expected. */
export class CommandLineError extends Error {}

/** What is asked for. */
export type Command =
  | { readonly kind: 'launch'; readonly options: LaunchOptions }
  | { readonly kind: 'help' }
  | { readonly kind: 'version' };

/** More ranks than anybody means; memory sets the real limit. */
const MAX_RANKS = 2 ** 24;

const BY_SPELLING: ReadonlyMap<string, OptionEntry> = new Map(
  OPTIONS.flatMap((entry) =>
    [`--${entry.name}`, ...(entry.aliases ?? [])].map((spelling): [string, OptionEntry] => [spelling, entry]),
  ),
);

/** The options of one block by name: a switch is 'true'. */
type Given = Map<string, string[]>;

interface CutBlock {
  readonly given: Given;
  readonly program: string | undefined;
  readonly args: readonly string[];
}

/** Parse the arguments; take the options' variables out of `env`. Throws CommandLineError. */
export function parseCommandLine(argv: readonly string[], env: NodeJS.ProcessEnv, cwd: string): Command {
  const fromVariables = takeVariables(env);
  const blocks = cut(argv);
  const first = blocks[0]!;
  for (const { given } of blocks) {
    if (given.has('help')) return { kind: 'help' };
    if (given.has('version')) return { kind: 'version' };
  }
  for (const [name, values] of fromVariables) if (!first.given.has(name)) first.given.set(name, values);
  for (const [index, { given, program }] of blocks.entries()) {
    if (program === undefined) {
      const where = index === 0 && blocks.length === 1 ? '' : ` in block ${index + 1}`;
      throw new CommandLineError(
        `no program was given${where}: expected tsmpirun [options] program [arguments]; see tsmpirun --help`,
      );
    }
    for (const name of index === 0 ? [] : given.keys()) {
      if (OPTIONS.find((entry) => entry.name === name)?.isOfBlock !== true) {
        throw new CommandLineError(
          `--${name} stands in block ${index + 1}: it concerns the whole job, so it belongs before the first program`,
        );
      }
    }
  }
  const programs = blocks.map((block) => programBlock(block, env, cwd, blocks.length));
  return { kind: 'launch', options: launchOptions(first.given, programs) };
}

function cut(argv: readonly string[]): CutBlock[] {
  const blocks: CutBlock[] = [];
  let at = 0;
  do {
    const given: Given = new Map();
    while (at < argv.length && argv[at]!.startsWith('-') && argv[at] !== '-') {
      if (argv[at] === '--') {
        at++;
        break;
      }
      at = takeOption(argv, at, given);
    }
    const program = argv[at] === ':' ? undefined : argv[at];
    let end = argv.indexOf(':', at);
    if (end < 0) end = argv.length;
    blocks.push({ given, program, args: argv.slice(at + 1, end) });
    at = end + 1;
  } while (at <= argv.length && argv.includes(':') && at - 1 < argv.length);
  return blocks;
}

/** Take one option from position `at`; return the position behind it. */
function takeOption(argv: readonly string[], at: number, given: Given): number {
  const argument = argv[at]!;
  const equals = argument.startsWith('--') ? argument.indexOf('=') : -1;
  const spelling = equals < 0 ? argument : argument.slice(0, equals);
  const entry = BY_SPELLING.get(spelling);
  if (entry === undefined) throw unknownOption(spelling);
  if (given.has(entry.name) && entry.isRepeatable !== true) {
    throw new CommandLineError(`${spelling} is given twice: expected it once`);
  }
  if (entry.value === undefined) {
    if (equals >= 0) throw new CommandLineError(`${spelling} takes no value, got ${argument.slice(equals + 1)}`);
    given.set(entry.name, ['true']);
    return at + 1;
  }
  const value = equals < 0 ? argv[at + 1] : argument.slice(equals + 1);
  if (value === undefined) throw new CommandLineError(`${spelling} has no value: expected ${spelling} ${entry.value}`);
  given.set(entry.name, [...(given.get(entry.name) ?? []), value]);
  return equals < 0 ? at + 2 : at + 1;
}

function unknownOption(spelling: string): CommandLineError {
  const foreign = FOREIGN.get(spelling);
  if (foreign !== undefined) return new CommandLineError(`${spelling} is not an option here: ${foreign}`);
  const [nearest, distance] = [...BY_SPELLING.keys()]
    .map((known): [string, number] => [known, editDistance(spelling, known)])
    .reduce((best, candidate) => (candidate[1] < best[1] ? candidate : best));
  const hint = distance <= Math.max(1, Math.floor(spelling.length / 3)) ? `did you mean ${nearest}?` : 'see tsmpirun --help';
  return new CommandLineError(`unknown option ${spelling}: ${hint}`);
}

/** Levenshtein's distance. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, k) => k);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)));
    }
    row = next;
  }
  return row[b.length]!;
}

/** Read the options' variables by name and remove them, so that ranks do not see them. */
function takeVariables(env: NodeJS.ProcessEnv): Given {
  const given: Given = new Map();
  for (const entry of OPTIONS) {
    if (WITHOUT_VARIABLE.has(entry.name)) continue;
    const variable = variableOf(entry);
    const value = env[variable];
    delete env[variable];
    if (value === undefined || value === '') continue;
    if (entry.value === undefined) {
      if (!['0', '1', 'true', 'false'].includes(value)) throw new CommandLineError(`${variable} is ${value}: expected 0 or 1`);
      if (value === '0' || value === 'false') continue;
    }
    given.set(entry.name, [value]);
  }
  return given;
}

function programBlock({ given, program, args }: CutBlock, env: NodeJS.ProcessEnv, cwd: string, blocks: number): ProgramBlock {
  const ranks = given.has('np') ? whole('-n', given.get('np')![0]!, 1, MAX_RANKS) : undefined;
  if (ranks === undefined && blocks > 1)
    throw new CommandLineError(`the block of ${program} has no -n: with several programs each needs its number of ranks`);
  const variables: Record<string, string> = {};
  for (const text of given.get('x') ?? []) {
    const [, name, , value] = /^([A-Za-z_][A-Za-z0-9_]*)(=([\s\S]*))?$/.exec(text) ?? [];
    if (name === undefined) throw new CommandLineError(`-x got ${text}: expected NAME or NAME=VALUE`);
    const passed = value ?? env[name];
    if (passed === undefined)
      throw new CommandLineError(`-x ${name}: there is no such variable to pass on; expected -x ${name}=VALUE`);
    variables[name] = passed;
  }
  return {
    ranks,
    program: program!,
    args,
    exec: given.has('exec'),
    wdir: resolve(cwd, given.get('wdir')?.[0] ?? '.'),
    env: variables,
    nodeArgs: splitWords(given.get('node-args')?.[0] ?? ''),
  };
}

function launchOptions(given: Given, blocks: readonly ProgramBlock[]): LaunchOptions {
  const one = (name: string): string | undefined => given.get(name)?.[0];
  const number = (name: string, min: number, max: number): number | undefined => {
    const text = one(name);
    return text === undefined ? undefined : whole(`--${name}`, text, min, max);
  };
  return {
    blocks,
    ppn: number('ppn', 1, MAX_RANKS),
    bindTo: choice('bind-to', one('bind-to') ?? 'none') as 'none' | 'core',
    rankKind: one('ranks') === undefined ? undefined : (choice('ranks', one('ranks')!) as 'process' | 'thread'),
    transports: transports(one('transport')),
    explain: given.has('explain'),
    tagOutput: given.has('tag-output'),
    outputDir: one('output-dir') === undefined ? undefined : resolve(one('output-dir')!),
    stdin: standardInput(one('stdin')),
    timeoutSeconds: seconds('timeout', one('timeout')),
    deterministic: given.has('deterministic'),
    wait: choice('wait', one('wait') ?? 'auto') as LaunchOptions['wait'],
    threadsPerRank: number('threads-per-rank', 1, 4096),
    hugePages: choice('huge-pages', one('huge-pages') ?? 'on') === 'on',
    graceSeconds: seconds('grace', one('grace')) ?? 5,
    quiet: given.has('quiet'),
  };
}

function whole(name: string, text: string, min: number, max: number): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw new CommandLineError(`${name} got ${text}: expected a whole number from ${min} to ${max}`);
}

function seconds(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (value > 0 && value <= 1e8) return value;
  if (value === 0 && name === 'grace') return 0;
  throw new CommandLineError(`--${name} got ${text}: expected seconds, more than 0`);
}

function choice(name: string, text: string): string {
  const { choices } = OPTIONS.find((entry) => entry.name === name)!;
  if (choices!.includes(text)) return text;
  throw new CommandLineError(`--${name} got ${text}: expected ${choices!.slice(0, -1).join(', ')} or ${choices!.at(-1)}`);
}

function transports(text: string | undefined): string[] {
  if (text === undefined) return [];
  const names = text.split(',').map((name) => name.trim());
  const unknown = names.find((name) => !TRANSPORTS.includes(name));
  if (unknown !== undefined)
    throw new CommandLineError(`--transport got ${unknown}: expected a list of ${TRANSPORTS.join(', ')}`);
  return names;
}

function standardInput(text: string | undefined): LaunchOptions['stdin'] {
  if (text === undefined) return 0;
  if (text === 'all' || text === 'none') return text;
  if (/^\d+$/.test(text)) return Number(text);
  throw new CommandLineError(`--stdin got ${text}: expected a rank, all or none`);
}

/** Split at blanks outside quotes. */
function splitWords(text: string): string[] {
  return [...text.matchAll(/(?:[^\s"']+|"([^"]*)"|'([^']*)')+/g)].map(([word]) => word.replace(/"([^"]*)"|'([^']*)'/g, '$1$2'));
}
