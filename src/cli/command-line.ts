/**
 * The command line of tsmpirun: cut into blocks and options, checked, and made into LaunchOptions.
 *
 * The idea: options end at the program; what stands behind it belongs to the program, byte for byte, up to a lone `:`,
 * which begins the next block. So no option parser ever sees a program's arguments. A table (option-table.ts) says which
 * options take a value; the value is the next argument whatever it looks like, or what stands behind `=`.
 */

import { resolve } from 'node:path';
import { DEFAULT_AGENT_PORT, type LaunchOptions, type ProgramBlock } from '../launcher/options.ts';
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
const MAX_THREADS = 4096;
const MAX_TIMEOUT_SECONDS = 1e8;
/** 23 days: a timer of Node holds 2³¹ milliseconds; a longer one would fire at once. */
const MAX_GRACE_SECONDS = 2e6;
const DEFAULT_HEARTBEAT_SECONDS = 10;
const DEFAULT_START_SECONDS = 30;
const MAX_PORT = 65_535;

const BY_SPELLING: ReadonlyMap<string, OptionEntry> = new Map(
  OPTIONS.flatMap((entry) =>
    [`--${entry.name}`, ...(entry.aliases ?? [])].map((spelling): [string, OptionEntry] => [spelling, entry]),
  ),
);

/** An option's values, and how it was called: an error names what the user wrote. */
interface Setting {
  readonly spelling: string;
  readonly values: string[];
}

/** The options of one block by name: a switch is 'true'. */
type Given = Map<string, Setting>;

interface CutBlock {
  readonly given: Given;
  readonly program: string | undefined;
  readonly args: readonly string[];
}

/** Parse the arguments; take the options' variables out of `env`. Throws CommandLineError. */
export function parseCommandLine(argv: readonly string[], env: NodeJS.ProcessEnv, cwd: string): Command {
  const blocks = cut(argv);
  for (const { given } of blocks) {
    if (given.has('help')) return { kind: 'help' };
    if (given.has('version')) return { kind: 'version' };
  }
  for (const [index, { given, program }] of blocks.entries()) {
    if (program === undefined) {
      const where = blocks.length === 1 ? '' : ` in block ${index + 1}`;
      throw new CommandLineError(
        `no program was given${where}: expected tsmpirun [options] program [arguments]; see tsmpirun --help`,
      );
    }
    for (const [name, { spelling }] of index === 0 ? [] : given) {
      if (!isOfBlock(name)) {
        throw new CommandLineError(
          `${spelling} stands in block ${index + 1}: it concerns the whole job, so it belongs before the first program`,
        );
      }
    }
  }
  const fromVariables = takeVariables(env);
  const settings = blocks.map(({ given }, index) => {
    const defaults = [...fromVariables].filter(([name]) => index === 0 || isOfBlock(name));
    return new Map([...defaults, ...given]);
  });
  const programs = blocks.map((block, k) => programBlock({ ...block, given: settings[k]! }, env, cwd, blocks.length));
  return { kind: 'launch', options: launchOptions(settings[0]!, programs, cwd) };
}

function isOfBlock(name: string): boolean {
  return entryOf(name).isOfBlock === true;
}

function entryOf(name: string): OptionEntry {
  return OPTIONS.find((entry) => entry.name === name)!;
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
    const colon = argv.indexOf(':', at);
    const end = colon < 0 ? argv.length : colon;
    blocks.push({ given, program, args: argv.slice(at + 1, end) });
    at = end + 1;
    // A colon at the very end begins one more block, which has no program.
  } while (at <= argv.length);
  return blocks;
}

/** Take one option from position `at`; return the position behind it. */
function takeOption(argv: readonly string[], at: number, given: Given): number {
  const argument = argv[at]!;
  const equals = argument.startsWith('--') ? argument.indexOf('=') : -1;
  const spelling = equals < 0 ? argument : argument.slice(0, equals);
  const entry = BY_SPELLING.get(spelling);
  if (entry === undefined) throw unknownOption(spelling);
  const before = given.get(entry.name);
  if (before !== undefined && entry.isRepeatable !== true) {
    const also = before.spelling === spelling ? '' : ` (the first time as ${before.spelling})`;
    throw new CommandLineError(`${spelling} is given twice${also}: expected it once`);
  }
  if (entry.value === undefined) {
    if (equals >= 0) throw new CommandLineError(`${spelling} takes no value, got ${argument.slice(equals + 1)}`);
    given.set(entry.name, { spelling, values: ['true'] });
    return at + 1;
  }
  const value = equals < 0 ? argv[at + 1] : argument.slice(equals + 1);
  if (value === undefined) throw new CommandLineError(`${spelling} has no value: expected ${spelling} ${entry.value}`);
  given.set(entry.name, { spelling, values: [...(before?.values ?? []), value] });
  return equals < 0 ? at + 2 : at + 1;
}

function unknownOption(spelling: string): CommandLineError {
  const foreign = FOREIGN.get(spelling);
  if (foreign !== undefined) return new CommandLineError(`${spelling} is not an option here: ${foreign}`);
  const [, short, number] = /^(-np?)=?(\d.*)$/.exec(spelling) ?? [];
  if (short !== undefined) return new CommandLineError(`unknown option ${spelling}: expected ${short} ${number}`);
  if (process.allowedNodeEnvironmentFlags.has(spelling)) {
    return new CommandLineError(`unknown option ${spelling}: it is Node's, for which there is --node-args '${spelling}'`);
  }
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
    const spelling = variableOf(entry);
    const value = env[spelling];
    delete env[spelling];
    if (value === undefined || value === '') continue;
    if (entry.value === undefined) {
      if (!['0', '1', 'true', 'false'].includes(value)) throw new CommandLineError(`${spelling} got ${value}: expected 0 or 1`);
      if (value === '0' || value === 'false') continue;
    }
    given.set(entry.name, { spelling, values: entry.isRepeatable === true ? splitWords(value) : [value] });
  }
  return given;
}

function programBlock({ given, program, args }: CutBlock, env: NodeJS.ProcessEnv, cwd: string, blocks: number): ProgramBlock {
  const ranks = whole(given.get('np'), 1, MAX_RANKS);
  if (ranks === undefined && blocks > 1)
    throw new CommandLineError(`the block of ${program} has no -n: with several programs each needs its number of ranks`);
  return {
    ranks,
    program: program!,
    args,
    exec: given.has('exec'),
    wdir: resolve(cwd, text(given.get('wdir')) ?? '.'),
    env: rankVariables(given.get('x'), env),
    nodeArgs: splitWords(text(given.get('node-args')) ?? ''),
  };
}

function rankVariables(setting: Setting | undefined, env: NodeJS.ProcessEnv): Record<string, string> {
  const variables: Record<string, string> = {};
  for (const assignment of setting?.values ?? []) {
    const { spelling } = setting!;
    const [, name, , value] = /^([A-Za-z_][A-Za-z0-9_]*)(=([\s\S]*))?$/.exec(assignment) ?? [];
    if (name === undefined) throw new CommandLineError(`${spelling} got ${shown(assignment)}: expected NAME or NAME=VALUE`);
    const passed = value ?? env[name];
    if (passed === undefined)
      throw new CommandLineError(`${spelling} ${name}: there is no such variable to pass on; expected ${spelling} ${name}=VALUE`);
    variables[name] = passed;
  }
  return variables;
}

function launchOptions(given: Given, blocks: readonly ProgramBlock[], cwd: string): LaunchOptions {
  const outputDir = text(given.get('output-dir'));
  const hostfile = text(given.get('hostfile'));
  const rsh = text(given.get('rsh'));
  const secretFile = text(given.get('secret-file'));
  const profileFile = text(given.get('profile-file'));
  return {
    blocks,
    hosts: text(given.get('host')),
    hostfile: hostfile === undefined ? undefined : resolve(cwd, hostfile),
    mapBy: (choice(given, 'map-by') ?? 'slot') as LaunchOptions['mapBy'],
    starter: choice(given, 'starter') as LaunchOptions['starter'],
    rsh: rsh === undefined ? undefined : splitWords(rsh),
    heartbeatSeconds: heartbeat(given.get('heartbeat')),
    startSeconds: seconds(given.get('start-timeout'), 'more than 0', MAX_GRACE_SECONDS) ?? DEFAULT_START_SECONDS,
    iface: text(given.get('iface')),
    ports: ports(given.get('ports')),
    stage: staged(given, cwd),
    agentPort: whole(given.get('agent-port'), 1, MAX_PORT) ?? DEFAULT_AGENT_PORT,
    secretFile: secretFile === undefined ? undefined : resolve(cwd, secretFile),
    ppn: whole(given.get('ppn'), 1, MAX_RANKS),
    bindTo: (choice(given, 'bind-to') ?? 'none') as LaunchOptions['bindTo'],
    rankKind: choice(given, 'ranks') as LaunchOptions['rankKind'],
    transports: transports(given.get('transport')),
    tls: given.has('tls'),
    explain: given.has('explain'),
    profile:
      given.has('profile') || profileFile !== undefined
        ? { isPrinted: given.has('profile'), file: profileFile === undefined ? undefined : resolve(cwd, profileFile) }
        : undefined,
    tagOutput: given.has('tag-output'),
    outputDir: outputDir === undefined ? undefined : resolve(cwd, outputDir),
    stdin: standardInput(given.get('stdin')),
    timeoutSeconds: seconds(given.get('timeout'), 'more than 0', MAX_TIMEOUT_SECONDS),
    deterministic: given.has('deterministic'),
    wait: (choice(given, 'wait') ?? 'auto') as LaunchOptions['wait'],
    threadsPerRank: whole(given.get('threads-per-rank'), 1, MAX_THREADS),
    hugePages: choice(given, 'huge-pages') !== 'off',
    graceSeconds: seconds(given.get('grace'), '0 or more', MAX_GRACE_SECONDS) ?? 5,
    quiet: given.has('quiet'),
  };
}

/** The value, which may not be empty. */
function text(setting: Setting | undefined): string | undefined {
  const value = setting?.values[0];
  if (value === '') throw mistake(setting!, 'a value');
  return value;
}

function mistake({ spelling, values }: Setting, expected: string): CommandLineError {
  return new CommandLineError(`${spelling} got ${shown(values[0]!)}: expected ${expected}`);
}

function shown(value: string): string {
  return value === '' ? 'an empty value' : value;
}

function whole(setting: Setting | undefined, min: number, max: number): number | undefined {
  if (setting === undefined) return undefined;
  const value = /^\d+$/.test(setting.values[0]!) ? Number(setting.values[0]) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw mistake(setting, `a whole number from ${min} to ${max}`);
}

function seconds(setting: Setting | undefined, range: 'more than 0' | '0 or more', max: number): number | undefined {
  if (setting === undefined) return undefined;
  const value = /^\d+(\.\d+)?$/.test(setting.values[0]!) ? Number(setting.values[0]) : Number.NaN;
  if (value <= max && (value > 0 || (value === 0 && range === '0 or more'))) return value;
  throw mistake(setting, `seconds, ${range} and at most ${max}`);
}

/** Seconds of silence: less than one would make a busy host a lost one. */
function heartbeat(setting: Setting | undefined): number {
  const value = seconds(setting, 'more than 0', MAX_GRACE_SECONDS) ?? DEFAULT_HEARTBEAT_SECONDS;
  if (value >= 1) return value;
  throw mistake(setting!, `seconds, 1 or more and at most ${MAX_GRACE_SECONDS}`);
}

/** Read the option --ports. Throws CommandLineError. */
export function ports(setting: Setting | undefined): [number, number] | undefined {
  if (setting === undefined) return undefined;
  const [, first, last] = /^(\d+)-(\d+)$/.exec(setting.values[0]!)?.map(Number) ?? [];
  if (first !== undefined && last !== undefined && first >= 1 && first <= last && last <= MAX_PORT) return [first, last];
  throw mistake(setting, `the first and last of a range from 1 to ${MAX_PORT}, as 5000-5099`);
}

/** What is sent besides the program; undefined: not even that. */
function staged(given: Given, cwd: string): string[] | undefined {
  const setting = given.get('stage-file');
  if (setting === undefined) return given.has('stage') ? [] : undefined;
  if (setting.values.includes('')) throw mistake({ ...setting, values: [''] }, 'a file or folder');
  return setting.values.map((path) => resolve(cwd, path));
}

function choice(given: Given, name: string): string | undefined {
  const setting = given.get(name);
  const choices = entryOf(name).choices!;
  if (setting === undefined || choices.includes(setting.values[0]!)) return setting?.values[0];
  throw mistake(setting, `${choices.slice(0, -1).join(', ')} or ${choices.at(-1)}`);
}

function transports(setting: Setting | undefined): string[] {
  if (setting === undefined) return [];
  const names = setting.values[0]!.split(',').map((name) => name.trim());
  if (names.every((name) => TRANSPORTS.includes(name))) return names;
  throw mistake(setting, `a list of ${TRANSPORTS.join(', ')}`);
}

function standardInput(setting: Setting | undefined): LaunchOptions['stdin'] {
  const value = setting?.values[0] ?? '0';
  if (value === 'all' || value === 'none') return value;
  if (/^\d+$/.test(value)) return Number(value);
  throw mistake(setting!, 'a rank, all or none');
}

/** Split at blanks outside quotes. */
export function splitWords(text: string): string[] {
  return [...text.matchAll(/(?:[^\s"']+|"([^"]*)"|'([^']*)')+/g)].map(([word]) => word.replace(/"([^"]*)"|'([^']*)'/g, '$1$2'));
}
