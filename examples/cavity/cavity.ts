/**
 * The lid-driven cavity: `tsmpirun -n 4 examples/cavity/cavity.ts [--reynolds 400] [--help]`.
 *
 * Rank 0 reads the settings and hands them out; all ranks advance their blocks until the flow is steady; rank 0 gathers it,
 * compares it with published values and writes the results.
 */

import { type Communicator, region, startProfile, world } from 'tsmpi';
import { whyNotFolder, writeFiles } from '../run/folder.ts';
import { receiveSettings, SettingError } from '../run/settings.ts';
import { gatherCost } from './cost.ts';
import { createDomain, layOutRanks } from './domain.ts';
import { gatherField } from './field.ts';
import { Flow } from './flow.ts';
import { readLines } from './lines.ts';
import { HELP, readSettings, type Settings } from './options.ts';
import { encodeVti, formatHistory, formatLines } from './output.ts';
import { drawPicture } from './picture/picture.ts';
import { Progress } from './progress.ts';
import { readTable } from './reference.ts';
import { formatReport } from './report.ts';
import { computeStreamFunction, findVortices } from './stream-function.ts';
import { createSummary, type End, type EndReason } from './summary.ts';

const EXIT_CODES: Readonly<Record<EndReason, number>> = { steady: 0, 'not steady': 3, 'blown up': 4 };
/** The final field's max|∇·u|·h/U, and the most that is spent on it. */
const DIVERGENCE_LIMIT = 1e-10;
const MOST_PROJECTIONS = 20;
/** A change of velocity in one step, over the lid's, that no flow in the cavity has. */
const BLOWN_UP = 10;

const settings = receiveSettings(world, 'cavity', HELP, readOwn);
if (settings !== undefined) run(world, settings);

function readOwn(): Settings | 'help' {
  const own = readSettings(process.argv.slice(2), world.size);
  const reason = own === 'help' ? undefined : whyNotFolder(own.out);
  if (reason !== undefined) throw new SettingError(reason);
  return own;
}

function run(everyone: Communicator, own: Settings): void {
  const comm = layOutRanks(everyone);
  const domain = createDomain(own.grid, comm);
  const flow = new Flow(comm, domain, own.reynolds, own.cfl);
  const changes: number[] = [];
  // All ranks start the clock together.
  comm.barrier().wait();
  startProfile();
  const { reason, steps, residual } = region('computing', () => advance(comm, flow, own, changes));
  const cost = gatherCost(comm, steps, domain.nx * domain.ny);
  if (reason === 'blown up') {
    if (comm.rank !== 0) return;
    process.stderr.write(
      `cavity: the flow blew up in step ${steps}, nothing is written: a smaller --cfl than ${own.cfl} was expected\n`,
    );
    process.exitCode = EXIT_CODES[reason];
    return;
  }
  const divergence = flow.removeDivergence(DIVERGENCE_LIMIT, MOST_PROJECTIONS);
  const field = gatherField(comm, flow);
  if (cost === undefined || field === undefined) return;

  const psi = computeStreamFunction(field);
  const vortices = findVortices(psi, field.cells);
  const lines = readLines(field);
  const summary = createSummary(comm, own, flow, field, lines, vortices, cost, { reason, steps, residual, divergence });
  writeFiles(own.out, {
    'centerlines.csv': formatLines(lines),
    'residuals.csv': formatHistory(flow.dt, changes),
    'fields.vti': encodeVti(field, psi),
    'cavity.png': drawPicture(own.reynolds, field, psi, vortices, lines, readTable(own.reynolds)),
    'summary.json': `${JSON.stringify(summary, undefined, 2)}\n`,
  });
  process.stdout.write(formatReport(summary, own.out));
  process.exitCode = EXIT_CODES[reason];
}

/** Step until the flow is steady; the same decision on every rank, from a maximum. */
function advance(comm: Communicator, flow: Flow, own: Settings, changes: number[]): Omit<End, 'divergence'> {
  const progress = comm.rank === 0 && !own.quiet ? new Progress(own.grid ** 2, flow.dt) : undefined;
  let residual = Number.POSITIVE_INFINITY;
  let steps = 0;
  while (steps < own.maxSteps && residual > own.tolerance) {
    residual = flow.step();
    steps += 1;
    changes.push(residual);
    progress?.show(steps, residual);
    if (residual * flow.dt > BLOWN_UP) break;
  }
  progress?.end();
  if (residual <= own.tolerance) return { reason: 'steady', steps, residual };
  return { reason: residual * flow.dt > BLOWN_UP ? 'blown up' : 'not steady', steps, residual };
}
