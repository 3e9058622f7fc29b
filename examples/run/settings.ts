/**
 * Settings: what an example's user may set, by flags and by a JSON file.
 *
 * A refused setting is one sentence: what was wrong, what was expected. Ranges are the example's own business.
 */

import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { Communicator } from 'tsmpi';

/** A setting that was refused; the message is for the user. */
export class SettingError extends Error {}

/** Names of settings in camelCase, by what they hold; flags are the same in kebab-case. */
export interface SettingNames {
  readonly numbers: readonly string[];
  readonly texts: readonly string[];
  /** Flags without a value; a file cannot set them. */
  readonly plain: readonly string[];
}

export type Draft = Record<string, unknown>;

/** Exit code of a run whose settings were refused. */
export const EXIT_REFUSED = 2;

/**
 * Return the settings that rank 0 read; undefined if there is nothing to run: help was wanted, or a setting refused, which is said
 * on one line under the program's name. Collective.
 */
export function receiveSettings<T extends object>(
  comm: Communicator,
  program: string,
  help: string,
  read: () => T | 'help',
): T | undefined {
  return comm.bcastObject(comm.rank === 0 ? readOrRefuse(program, help, read) : undefined).wait();
}

function readOrRefuse<T extends object>(program: string, help: string, read: () => T | 'help'): T | undefined {
  try {
    const own = read();
    if (own !== 'help') return own;
    process.stdout.write(help);
  } catch (error) {
    if (!(error instanceof SettingError)) throw error;
    process.stderr.write(`${program}: ${error.message}\n`);
    process.exitCode = EXIT_REFUSED;
  }
  return undefined;
}

/** Return what the flags set; --input and --help are always among them. Errors: SettingError. */
export function readFlags(args: readonly string[], { numbers, texts, plain }: SettingNames): Draft {
  const options = Object.fromEntries([
    ...[...numbers, ...texts, 'input'].map((name) => [toFlag(name), { type: 'string' as const }]),
    ...[...plain, 'help'].map((name) => [toFlag(name), { type: 'boolean' as const }]),
  ]);
  let values: Record<string, unknown>;
  let order: string[];
  try {
    const parsed = parseArgs({
      args: joinNegativeNumbers(args),
      options,
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
  for (const [flag, value] of Object.entries(values)) {
    const name = flag.replace(/-[a-z]/g, (part) => part[1].toUpperCase());
    draft[name] = numbers.includes(name) ? parseNumber(`--${flag}`, value as string) : value;
  }
  return draft;
}

/** Return what a JSON file sets; `example` is a part of one, for the message. Errors: SettingError. */
export function readInput(path: string, { numbers, texts }: SettingNames, example: string): Draft {
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
    throw new SettingError(`${path} holds no JSON object: {${example}, …} was expected`);
  }
  const keys = [...numbers, ...texts];
  for (const [key, value] of Object.entries(draft)) {
    if (!keys.includes(key)) throw new SettingError(`${path}: unknown key "${key}": expected ${keys.join(', ')}`);
    const wanted = texts.includes(key) ? 'string' : 'number';
    if (typeof value !== wanted)
      throw new SettingError(`${path}: "${key}" is ${JSON.stringify(value)}: a ${wanted} was expected`);
  }
  return draft as Draft;
}

/** Refuse a value that is not good. Errors: SettingError. */
export function check(isGood: boolean, what: string, value: number | string, expected: string): void {
  if (!isGood) throw new SettingError(`${what} is ${value}: expected ${expected}`);
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

function toFlag(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
