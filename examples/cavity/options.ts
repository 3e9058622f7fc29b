/**
 * Options: what the user may set, by flags and by a JSON file, and every check of it that is made before the run.
 *
 * The order: built-in values, then the file, then flags. A refused setting is one sentence: what was wrong, what was expected.
 */

import { check, readFlags, readInput, SettingError } from '../run/settings.ts';
import { whyNotGrid, whyNotRanks } from './domain.ts';
import { whyNotMemory } from './kernels.ts';

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

const NAMES = { numbers: ['reynolds', 'grid', 'tolerance', 'maxSteps', 'cfl'], texts: ['out'], plain: ['quiet'] } as const;

/** Return the checked settings of a run on `size` ranks, or 'help'. Errors: SettingError. */
export function readSettings(args: readonly string[], size: number): Settings | 'help' {
  const flags = readFlags(args, NAMES);
  if (flags.help) return 'help';
  const file = typeof flags.input === 'string' ? readInput(flags.input, NAMES, '"reynolds": 100') : {};
  const settings = { ...DEFAULTS, ...file, ...flags } as Settings;
  checkNumbers(settings);
  if (settings.out === '') throw new SettingError('--out is empty: a folder was expected');
  const reason = whyNotGrid(settings.grid) ?? whyNotRanks(settings.grid, size) ?? whyNotMemory(settings.grid, size);
  if (reason !== undefined) throw new SettingError(reason);
  return settings;
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
