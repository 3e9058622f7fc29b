/**
 * Options: what the user may set, by flags and by a JSON file, and every check of it that is made before the run.
 *
 * The order: built-in values, then the case's own days, then the file, then flags.
 */

import { check, type Draft, readFlags, readInput, SettingError } from '../run/settings.ts';
import { CASE_NAMES, type CaseName, createCase } from './cases.ts';

/** Days are counted in these parts: diagnostics are taken as often, and steps divide them. */
export const PARTS_OF_DAY = 4;
export const PART_SECONDS = 86_400 / PARTS_OF_DAY;

export interface Settings {
  readonly case: CaseName;
  readonly days: number;
  /** Elements a side of each of the cube's panels. */
  readonly cells: number;
  /** Degree of the polynomials in an element. */
  readonly degree: number;
  /** Δt over the time that the fastest wave needs between the nearest nodes. */
  readonly cfl: number;
  /** Δt in seconds instead; 0: by cfl. */
  readonly step: number;
  /** Days between two maps. */
  readonly every: number;
  /** Longitudes of the maps. */
  readonly columns: number;
  /** Folder for the results. */
  readonly out: string;
  /** Folder to save the state to and to go on from; undefined: none. */
  readonly checkpoint: string | undefined;
  /** Days between two checkpoints; 0: only at the end, and when the job has to go. */
  readonly checkpointEvery: number;
  /** No pictures: the maps are in weather.nc alone. */
  readonly noPictures: boolean;
  readonly quiet: boolean;
  /** The file that was read, as given. */
  readonly input: string | undefined;
}

const DEFAULTS = {
  ...{ case: '5', cells: 8, degree: 3, cfl: 0.48, step: 0, columns: 360 },
  ...{ out: 'out/weather', noPictures: false, quiet: false, input: undefined },
  ...{ checkpoint: undefined, checkpointEvery: 0 },
} as const;
const NAMES = {
  numbers: ['days', 'cells', 'degree', 'cfl', 'step', 'every', 'columns', 'checkpointEvery'],
  texts: ['case', 'out', 'checkpoint'],
  plain: ['noPictures', 'quiet'],
} as const;
/** The largest mesh: its numbers and places fit into 32 bits many times. */
const MOST_CELLS = 1024;

export const HELP = `Weather: shallow water on the rotating sphere, by the standard test cases, on any number of ranks.

  tsmpirun -n 2 examples/weather/weather.ts [options]

  --case NAME          Williamson's 2, 5 or 6, or galewsky (${DEFAULTS.case})
  --days NUMBER        length of the run, a multiple of a quarter (5, 15, 14, 6: the case's own)
  --cells COUNT        elements a side of each of the cube's six panels (${DEFAULTS.cells})
  --degree COUNT       degree of the polynomials in an element, 2 to 7 (${DEFAULTS.degree})
  --cfl NUMBER         step in time over the fastest wave's from node to node, above 0, at most 2 (${DEFAULTS.cfl})
  --step SECONDS       step in time, a whole part of six hours, instead of by --cfl
  --every DAYS         days between two maps, a multiple of a quarter (a third of the run, about)
  --columns COUNT      longitudes of the maps: even; half as many latitudes (${DEFAULTS.columns})
  --out FOLDER         where to write the results (${DEFAULTS.out})
  --checkpoint FOLDER  save the state there at the end and when the job has to go (SIGTERM); a run whose folder holds a
                       checkpoint goes on from it, on any number of ranks
  --checkpoint-every DAYS   save it between, too: a multiple of a quarter (never)
  --input FILE         JSON file with any of the above, as "checkpointEvery"; flags win
  --no-pictures        maps in weather.nc alone
  --quiet              no progress, only the summary
  --help               this text

Exit codes: 0 complete, 2 a setting was refused, 4 the fluid's depth fell to 0 or was no number, 5 evicted and saved.
`;

/** Return the checked settings of a run on `size` ranks, or 'help'. Errors: SettingError. */
export function readSettings(args: readonly string[], size: number): Settings | 'help' {
  const flags = readFlags(args, NAMES);
  if (flags.help) return 'help';
  const file = typeof flags.input === 'string' ? readInput(flags.input, NAMES, '"case": "5"') : {};
  const draft: Draft = { ...DEFAULTS, ...file, ...flags };
  check(CASE_NAMES.includes(draft.case as CaseName), 'the case', String(draft.case), CASE_NAMES.join(', '));
  const days = draft.days ?? createCase(draft.case as CaseName).days;
  const settings = { ...draft, days, every: draft.every ?? chooseInterval(days as number) } as Settings;
  checkNumbers(settings);
  if (settings.out === '') throw new SettingError('--out is empty: a folder was expected');
  if (settings.checkpoint === '') throw new SettingError('--checkpoint is empty: a folder was expected');
  if (settings.checkpoint === undefined && settings.checkpointEvery !== 0) {
    throw new SettingError('--checkpoint-every was given without --checkpoint: a folder was expected');
  }
  const elements = 6 * settings.cells ** 2;
  if (size > elements) throw new SettingError(`${size} ranks share ${elements} elements: expected at least one for each`);
  return settings;
}

/** Return the steps in PART_SECONDS for a step of at most `longest` seconds, or of the settings' own. */
export function countSteps({ step }: Settings, longest: number): number {
  return step > 0 ? Math.round(PART_SECONDS / step) : Math.ceil(PART_SECONDS / longest);
}

function chooseInterval(days: number): number {
  return Math.max(1, Math.round((days * PARTS_OF_DAY) / 3)) / PARTS_OF_DAY;
}

function checkNumbers({ days, cells, degree, cfl, step, every, columns, checkpointEvery }: Settings): void {
  const isWhole = (value: number, from: number, to: number): boolean => Number.isInteger(value) && value >= from && value <= to;
  const isQuarter = (value: number): boolean => value > 0 && Number.isInteger(value * PARTS_OF_DAY);
  check(isQuarter(days) && days <= 10_000, 'the number of days', days, 'a multiple of 0.25 above 0, at most 10000');
  check(isWhole(cells, 2, MOST_CELLS), 'the number of cells', cells, `a whole number from 2 to ${MOST_CELLS}`);
  check(isWhole(degree, 2, 7), 'the degree', degree, 'a whole number from 2 to 7');
  check(cfl > 0 && cfl <= 2, 'the CFL number', cfl, 'above 0 and at most 2');
  check(step >= 0 && (step === 0 || Number.isInteger(PART_SECONDS / step)), 'the step', step, 'seconds that divide 21600, or 0');
  check(isQuarter(every), 'the time between two maps', every, 'a multiple of 0.25 days above 0');
  check(
    checkpointEvery === 0 || isQuarter(checkpointEvery),
    'the time between two checkpoints',
    checkpointEvery,
    'a multiple of 0.25 days above 0, or 0',
  );
  check(
    isWhole(columns, 8, 7200) && columns % 2 === 0,
    'the number of columns',
    columns,
    'an even number of longitudes from 8 to 7200',
  );
}
