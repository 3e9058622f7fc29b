/**
 * The weather model: `tsmpirun -n 2 examples/weather/weather.ts [--case galewsky] [--help]`.
 *
 * Rank 0 reads the settings and hands them out; all ranks advance their elements, take part in diagnostics and write their
 * rows of the maps; rank 0 draws the pictures and writes the summary.
 */

import { join } from 'node:path';
import { type Communicator, region, startProfile, team, world } from 'tsmpi';
import { whyNotFolder, writeFiles } from '../run/folder.ts';
import { createOrigin, findVersion } from '../run/origin.ts';
import { EXIT_REFUSED, receiveSettings, SettingError } from '../run/settings.ts';
import { type Case, createCase } from './cases.ts';
import { gatherCost } from './cost.ts';
import { integrate } from './diagnostics.ts';
import { History } from './history.ts';
import { Keeper } from './keeper.ts';
import { type About, MapFile } from './map-file.ts';
import { type Failure, Model } from './model.ts';
import { countSteps, HELP, PART_SECONDS, PARTS_OF_DAY, readSettings, type Settings } from './options.ts';
import { drawMaps } from './picture.ts';
import { Progress } from './progress.ts';
import { gatherMaps, Regrid } from './regrid.ts';
import { formatReport } from './report.ts';
import { EARTH_RADIUS } from './sphere.ts';
import { describeConservation, digestState, type EndReason, type Summary } from './summary.ts';

const EXIT_NO_FLUID = 4;
const EXIT_EVICTED = 5;

const settings = receiveSettings(world, 'weather', HELP, readOwn);
if (settings !== undefined) await run(world, settings);

function readOwn(): Settings | 'help' {
  const own = readSettings(process.argv.slice(2), world.size);
  if (own === 'help') return own;
  const { out, checkpoint } = own;
  const reason = whyNotFolder(out) ?? (checkpoint === undefined ? undefined : whyNotFolder(checkpoint, '--checkpoint'));
  if (reason !== undefined) throw new SettingError(reason);
  return own;
}

async function run(everyone: Communicator, own: Settings): Promise<void> {
  await using crew = await team();
  const flow = createCase(own.case);
  const model = new Model(everyone, crew, flow, own.cells, own.degree);
  const { comm, block } = model;
  // Of the initial state, so that a run that goes on takes the same.
  const stepsPerPart = countSteps(own, own.cfl * model.shortestPassage());
  const history = new History();
  using keeper = own.checkpoint === undefined ? undefined : new Keeper(model, own, stepsPerPart, own.checkpoint);
  const kept = keeper?.resume(history, describeFile(own, flow));
  if (typeof kept === 'string') return end(comm, EXIT_REFUSED, kept);
  const about = kept?.about ?? describeFile(own, flow);
  const start = { day: model.steps / stepsPerPart / PARTS_OF_DAY, steps: model.steps };
  const regrid = new Regrid(model, own.columns);
  const file = new MapFile(comm, own.out, own.columns, about, kept);
  // All ranks start the clock together.
  comm.barrier().wait();
  startProfile();
  const draw = (day: number): void => {
    const maps = regrid.compute();
    file.append(day, maps);
    if (own.noPictures) return;
    const whole = gatherMaps(comm, maps);
    const mesh = `6 × ${own.cells}² elements of degree ${own.degree}`;
    if (whole !== undefined) writeFiles(own.out, { [namePicture(day)]: drawMaps(own.case, flow.title, day, mesh, whole) });
  };
  const save = (): void => keeper?.save(history, about, file);
  const outcome = region('computing', () => advance(own, model, stepsPerPart, history, keeper, { draw, save }));
  file.close(outcome.reason === 'complete');
  if (outcome.reason === 'no fluid left') return end(comm, EXIT_NO_FLUID, outcome.message);

  const day = model.steps / stepsPerPart / PARTS_OF_DAY;
  const points = block.mesh.elements * block.order ** 2;
  const work = {
    steps: model.steps - start.steps,
    days: day - start.day,
    nodes: points,
    elements: block.elements.length,
    neighbors: model.sides.ranks.length,
    threads: crew.size,
  };
  const cost = gatherCost(comm, work);
  const digest = digestState(model);
  const code = outcome.reason === 'evicted' ? EXIT_EVICTED : 0;
  if (cost === undefined || digest === undefined) return;
  const last = history.records[history.records.length - 1].integrals;
  const width = (block.width * EARTH_RADIUS) / 1000;
  const summary: Summary = {
    end: { reason: outcome.reason, code, day, steps: model.steps },
    start,
    title: flow.title,
    settings: own,
    mesh: { dt: PART_SECONDS / stepsPerPart, elements: block.mesh.elements, points, width },
    ranks: comm.size,
    threadsPerRank: crew.size,
    conservation: describeConservation(history),
    mean: { height: last.meanSurface, depth: last.meanDepth },
    change: last.change,
    steady: flow.steady,
    cost,
    digest,
    origin: createOrigin(own.input),
  };
  writeFiles(own.out, {
    'history.csv': history.format(),
    'summary.json': `${JSON.stringify(summary, undefined, 2)}\n`,
  });
  process.stdout.write(formatReport(summary, own.out));
  process.exitCode = code;
}

/** End the run without results; rank 0 gives the code, as another's would end the job before rank 0 has said why. */
function end(comm: Communicator, code: number, why: string): void {
  if (comm.rank !== 0) return;
  process.stderr.write(`weather: ${why}\n`);
  process.exitCode = code;
}

type Outcome = { readonly reason: EndReason } | { readonly reason: 'no fluid left'; readonly message: string };

/** Step to the last day, with diagnostics, maps and checkpoints; return how that ended. Collective. */
function advance(
  { days, every, quiet }: Settings,
  model: Model,
  stepsPerPart: number,
  history: History,
  keeper: Keeper | undefined,
  write: { readonly draw: (day: number) => void; readonly save: () => void },
): Outcome {
  const isRoot = model.comm.rank === 0;
  const dayOf = (steps: number): number => steps / stepsPerPart / PARTS_OF_DAY;
  const progress = isRoot && !quiet ? new Progress(dayOf(model.steps)) : undefined;
  const observe = (day: number): void => {
    const integrals = region('diagnostics', () => integrate(model));
    if (Number.isInteger(day / every) || day === days) region('output', () => write.draw(day));
    if (!isRoot) return;
    history.add(day, integrals!);
    progress?.show(day, days, integrals!, history.records[0].integrals);
  };
  const save = (): void => region('output', write.save);
  const steps = days * PARTS_OF_DAY * stepsPerPart;
  let outcome: Outcome = { reason: 'complete' };
  if (model.steps % stepsPerPart === 0) observe(dayOf(model.steps));
  while (model.steps < steps) {
    model.step(PART_SECONDS / stepsPerPart);
    const isPart = model.steps % stepsPerPart === 0;
    const isEvicted = keeper?.agreeOnEviction() ?? false;
    if (!isPart && !isEvicted) continue;
    const message = agreeOnFailure(model, stepsPerPart);
    if (message !== undefined) {
      outcome = { reason: 'no fluid left', message };
      break;
    }
    const day = dayOf(model.steps);
    if (isEvicted || keeper?.isDue(day)) save();
    if (isEvicted && day < days) {
      outcome = { reason: 'evicted' };
      break;
    }
    observe(day);
  }
  progress?.end();
  return outcome;
}

/** Return in words where and when the fluid ended first, the same on every rank. Collective. */
function agreeOnFailure(model: Model, stepsPerPart: number): string | undefined {
  const all = model.comm.allgatherObject(describeFailure(model)).wait();
  const failures = all.filter((failure) => failure !== undefined);
  if (failures.length === 0) return undefined;
  const [first] = failures.sort((left, right) => left.step - right.step || left.element - right.element);
  const day = (first.step / stepsPerPart / PARTS_OF_DAY).toFixed(3);
  const { longitude, latitude } = first.place;
  const where = `${Math.abs(latitude).toFixed(1)}°${latitude < 0 ? 'S' : 'N'} ${Math.abs(longitude).toFixed(1)}°${longitude < 0 ? 'W' : 'E'}`;
  return `the depth became ${first.depth} m at ${where} on day ${day}, weather.nc and a summary are not written: above 0 was expected, try a smaller --cfl or --step`;
}

function describeFailure(model: Model): (Failure & { place: { longitude: number; latitude: number } }) | undefined {
  const { failure } = model;
  return failure === undefined ? undefined : { ...failure, place: model.locate(failure) };
}

function namePicture(day: number): string {
  return `maps-day-${day.toFixed(2).padStart(6, '0')}.png`;
}

function describeFile({ case: name, cells, degree }: Settings, { title }: Case): About {
  return {
    title,
    source: `tsmpi ${findVersion()}, examples/weather: discontinuous Galerkin of degree ${degree} on 6 × ${cells}² elements`,
    references: `examples/weather/README.md; case ${name}`,
    history: `${new Date().toISOString()} written by ${join('examples', 'weather', 'weather.ts')}`,
  };
}
