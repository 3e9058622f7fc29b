/**
 * Options: what the user may set, by flags and by a JSON file, and every check of it that is made before the run.
 *
 * The order: built-in values, then the file, then flags. A refused setting is one sentence: what was wrong, what was expected.
 */

import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { whyNotGrid, whyNotRanks } from './domain.ts';

export interface Settings {
  readonly reynolds: number;
  /** Cells a side. */
  readonly grid: number;
  /** Bound of max|∂u/∂t|·L/U² at which the flow counts as steady. */
  readonly tolerance: number;
  readonly maxSteps: number;
  /** Δt·U/h. */
  readonly cfl: number;
  /** Folder for the results. */
  readonly out: string;
  readonly quiet: boolean;
  /** The file that was read, as given. */
  readonly input: string | undefined;
}

export const DEFAULTS: Settings = {
  reynolds: 100,
  grid: 128,
  tolerance: 1e-5,
  maxSteps: 6000,
  cfl: 4,
  out: 'out/cavity',
  quiet: false,
  input: undefined,
};

export const HELP = `Lid-driven cavity: steady incompressible flow in a square whose lid moves, on any number of ranks.

  tsmpirun -n 4 examples/cavity/cavity.ts [options]

  --reynolds NUMBER    Reynolds number U·L/ν, above 0, at most 10000 (${DEFAULTS.reynolds})
  --grid CELLS         cells a side: even, and often enough (${DEFAULTS.grid})
  --tolerance NUMBER   steady when max|∂u/∂t|·L/U² is at most this (${DEFAULTS.tolerance})
  --max-steps COUNT    end after so many steps; exit code 3 when the flow is not steady then (${DEFAULTS.maxSteps})
  --cfl NUMBER         step in time: Δt·U/h, above 0, at most 10 (${DEFAULTS.cfl})
  --out FOLDER         where to write the results (${DEFAULTS.out})
  --input FILE         JSON file with "reynolds", "grid", "tolerance", "maxSteps", "cfl", "out"; flags win
  --quiet              no progress, only the summary
  --help               this text

Exit codes: 0 steady, 2 a setting was refused, 3 not steady after --max-steps, 4 the flow blew up.
`;

/** A setting that was refused; the message is for the user. */
export class SettingError extends Error {}

const NUMBERS = ['reynolds', 'grid', 'tolerance', 'maxSteps', 'cfl'] as const;
const FILE_KEYS: readonly string[] = [...NUMBERS, 'out'];
type Draft = Record<string, unknown>;

/** Return the checked settings of a run on `size` ranks, or 'help'. Errors: SettingError. */
export function readSettings(args: readonly string[], size: number): Settings | 'help' {
  const flags = readFlags(args);
  if (flags.help) return 'help';
  const file = typeof flags.input === 'string' ? readInput(flags.input) : {};
  const settings = { ...DEFAULTS, ...file, ...flags } as Settings;
  checkNumbers(settings);
  if (settings.out === '') throw new SettingError('--out is empty: a folder was expected');
  const reason = whyNotGrid(settings.grid) ?? whyNotRanks(settings.grid, size);
  if (reason !== undefined) throw new SettingError(reason);
  return settings;
}

function readFlags(args: readonly string[]): Draft {
  const text = { type: 'string' } as const;
  const plain = { type: 'boolean' } as const;
  const options = { reynolds: text, grid: text, tolerance: text, 'max-steps': text, cfl: text, out: text, input: text };
  let values: Record<string, string | boolean | undefined>;
  let order: string[];
  try {
    const parsed = parseArgs({
      args: joinNegativeNumbers(args),
      options: { ...options, quiet: plain, help: plain },
      strict: true,
      allowPositionals: false,
      tokens: true,
    });
    values = parsed.values;
    order = parsed.tokens.flatMap((token) => (token.kind === 'option' ? [token.name] : []));
  } catch (error) {
    throw new SettingError(`${lowerFirst((error as Error).message.split(/\. |\n/)[0])}: see --help`);
  }
  const twice = order.find((name, at) => order.indexOf(name) !== at);
  if (twice !== undefined) throw new SettingError(`--${twice} was given twice`);
  const draft: Draft = {};
  for (const [name, value] of Object.entries(values)) {
    const key = name === 'max-steps' ? 'maxSteps' : name;
    draft[key] = (NUMBERS as readonly string[]).includes(key) ? parseNumber(`--${name}`, value as string) : value;
  }
  return draft;
}

/** `--reynolds -5` is a wrong number, not a missing one. */
function joinNegativeNumbers(args: readonly string[]): string[] {
  const joined: string[] = [];
  for (const arg of args) {
    const last = joined.at(-1);
    if (/^-[\d.]/.test(arg) && last?.startsWith('--') && !last.includes('=')) joined[joined.length - 1] = `${last}=${arg}`;
    else joined.push(arg);
  }
  return joined;
}

function parseNumber(name: string, text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) throw new SettingError(`${name} is "${text}": a number was expected`);
  return value;
}

function readInput(path: string): Draft {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new SettingError(`cannot read --input ${path}: ${(error as Error).message}`);
  }
  let draft: unknown;
  try {
    draft = JSON.parse(text);
  } catch (error) {
    throw new SettingError(`${path} is not JSON: ${(error as Error).message}`);
  }
  if (typeof draft !== 'object' || draft === null || Array.isArray(draft)) {
    throw new SettingError(`${path} holds no JSON object: {"reynolds": 100, …} was expected`);
  }
  for (const [key, value] of Object.entries(draft)) {
    if (!FILE_KEYS.includes(key)) throw new SettingError(`${path}: unknown key "${key}": expected ${FILE_KEYS.join(', ')}`);
    const wanted = key === 'out' ? 'string' : 'number';
    if (typeof value !== wanted)
      throw new SettingError(`${path}: "${key}" is ${JSON.stringify(value)}: a ${wanted} was expected`);
  }
  return draft as Draft;
}

function checkNumbers({ reynolds, grid, tolerance, maxSteps, cfl }: Settings): void {
  check(
    reynolds > 0 && reynolds <= 10_000,
    'the Reynolds number',
    reynolds,
    'above 0 and at most 10000 (beyond, the flow is not steady)',
  );
  check(Number.isInteger(grid) && grid >= 8 && grid <= 8192, 'the grid', grid, 'a whole number of cells from 8 to 8192');
  check(tolerance > 0 && tolerance < 1, 'the tolerance', tolerance, 'above 0 and below 1');
  check(Number.isInteger(maxSteps) && maxSteps >= 1, 'the largest number of steps', maxSteps, 'a whole number from 1');
  check(cfl > 0 && cfl <= 10, 'the CFL number', cfl, 'above 0 and at most 10');
}

function check(isGood: boolean, what: string, value: number, expected: string): void {
  if (!isGood) throw new SettingError(`${what} is ${value}: expected ${expected}`);
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
