/**
 * Keeper: what a run leaves in the folder of --checkpoint, and how a later run goes on from it, on any number of ranks.
 *
 * The state is a checkpoint. What only grows lies beside it: maps.nc (map-file.ts) and history.json; a checkpoint says how much of
 * the maps belongs to it, its step how much of the history. Both are on the disk before it is valid, and what comes later
 * is only ever put behind that, so any checkpoint that is whole finds its own part in them.
 * A checkpoint is of the moment before its day's diagnostics and maps: they are made again by the run that goes on.
 * Limits: the folder must be one path for all ranks.
 */

import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Checkpoint, job, MAX, MpiError } from 'tsmpi';
import { CASE_NAMES } from './cases.ts';
import type { History, Moment } from './history.ts';
import { type About, findFault, type KeptMaps, type MapFile } from './map-file.ts';
import type { Model } from './model.ts';
import { PART_SECONDS, PARTS_OF_DAY, type Settings } from './options.ts';
import { Rows } from './rows.ts';

/** In one step of so many the ranks ask each other whether the job has to go. */
const LOOK_STEPS = 8;

/** What must be equal for a run to go on, in words. */
const FACTS: readonly ((value: number) => string)[] = [
  (value) => `case ${CASE_NAMES[value]}`,
  (value) => `${value} cells`,
  (value) => `degree ${value}`,
  (value) => `a step of ${Number(value.toFixed(3))} s`,
  (value) => `${value} columns`,
];

/** What history.json holds. */
interface Kept {
  readonly about: About;
  readonly moments: readonly Moment[];
}

export class Keeper implements Disposable {
  readonly #model: Model;
  readonly #settings: Settings;
  readonly #stepsPerPart: number;
  readonly #facts: readonly number[];
  readonly #folder: string;
  readonly #checkpoint: Checkpoint;
  readonly #rows: Rows;

  /** Open the folder. Collective. */
  constructor(model: Model, settings: Settings, stepsPerPart: number, folder: string) {
    this.#model = model;
    this.#settings = settings;
    this.#stepsPerPart = stepsPerPart;
    const { cells, degree, columns } = settings;
    this.#facts = [CASE_NAMES.indexOf(settings.case), cells, degree, PART_SECONDS / stepsPerPart, columns];
    this.#folder = folder;
    this.#checkpoint = model.comm.checkpoint(folder).wait();
    this.#rows = new Rows(model);
  }

  /**
   * Go on from the newest checkpoint that is whole, if there is one: make its state the model's and its history the history.
   * Return where the maps lie and what they are about, `about` where they are new; or why the settings do not fit. Collective.
   */
  resume(history: History, about: About): (KeptMaps & { readonly about: About }) | string {
    const path = join(this.#folder, 'maps.nc');
    if (this.#checkpoint.latest === undefined) return { path, records: 0, about };
    let records: number;
    try {
      const loaded = this.#load();
      if (typeof loaded === 'string') return loaded;
      records = loaded;
    } catch (error) {
      // The folder holds something else, or nothing that is whole: the same on every rank.
      if (!(error instanceof MpiError)) throw error;
      return `cannot go on from --checkpoint ${this.#folder}: ${error.message}`;
    }
    const { comm } = this.#model;
    const read = comm.rank === 0 ? this.#readKept(path, records, history) : undefined;
    const shared = comm.bcastObject(read).wait() as About | string;
    return typeof shared === 'string' ? shared : { path, records, about: shared };
  }

  /** Return whether the settings want a checkpoint on this day. */
  isDue(day: number): boolean {
    const { checkpointEvery, days } = this.#settings;
    return day === days || (checkpointEvery > 0 && Number.isInteger(day / checkpointEvery));
  }

  /** Return whether the job has to go, the same on every rank. Collective: ranks learn of it at different steps. */
  agreeOnEviction(): boolean {
    const { comm, steps } = this.#model;
    if (steps % LOOK_STEPS > 0 && steps % this.#stepsPerPart > 0) return false;
    return comm.allreduce(Number(job.evicted), MAX).wait() > 0;
  }

  /** Save the state; the history and the maps before it are on the disk then, too. Collective. */
  save(history: History, about: About, file: MapFile): void {
    const { comm, steps } = this.#model;
    if (comm.rank === 0) {
      const kept: Kept = { about, moments: history.records };
      const path = join(this.#folder, 'history.json');
      writeFileSync(`${path}.tmp`, JSON.stringify(kept), { flush: true });
      renameSync(`${path}.tmp`, path);
    }
    file.sync();
    const facts = { data: Float64Array.from([...this.#facts, file.records]) };
    this.#checkpoint.save(steps, { facts, state: this.#rows.gather() }).wait();
  }

  [Symbol.dispose](): void {
    this.#checkpoint[Symbol.dispose]();
  }

  /** Return how many maps belong to what was loaded, or why it does not fit. */
  #load(): number | string {
    const facts = { data: new Float64Array(FACTS.length + 1) };
    const state = this.#rows.createPart();
    // Of another mesh it could not be loaded, only named.
    const isAlike = String(this.#checkpoint.latest?.arrays.state?.shape) === String(state.shape);
    const { step } = this.#checkpoint.load(isAlike ? { facts, state } : { facts }).wait();
    const differing = FACTS.flatMap((describe, k) => (facts.data[k] === this.#facts[k] ? [] : [{ describe, k }]));
    if (differing.length > 0) {
      const [saved, wanted] = [facts.data, this.#facts].map((values) =>
        differing.map(({ describe, k }) => describe(values[k])).join(', '),
      );
      const expected = 'expected equal ones, or another folder';
      return `the checkpoint in ${this.#folder} is of ${saved}, the settings are ${wanted}: ${expected}`;
    }
    // Fails, as it has the shape of nothing that is known here.
    if (!isAlike) this.#checkpoint.load({ state }).wait();
    const { days } = this.#settings;
    const day = step / this.#stepsPerPart / PARTS_OF_DAY;
    if (day > days) {
      const expected = 'expected as many at least, or another folder';
      return `the checkpoint in ${this.#folder} is of day ${day}, the settings are ${days} days: ${expected}`;
    }
    this.#rows.scatter(state);
    this.#model.steps = step;
    return facts.data[FACTS.length];
  }

  /** Fill the history with what was before this step, and return what the maps are about; or why that cannot be had. */
  #readKept(path: string, records: number, history: History): About | string {
    const file = join(this.#folder, 'history.json');
    let kept: Kept;
    try {
      kept = JSON.parse(readFileSync(file, 'utf8')) as Kept;
    } catch (error) {
      return `cannot go on from --checkpoint ${this.#folder}: ${file}: ${(error as Error).message}`;
    }
    const parts = Math.ceil(this.#model.steps / this.#stepsPerPart);
    const moments = kept.moments.slice(0, parts);
    if (moments.length < parts) return `${file} holds ${moments.length} moments: expected ${parts} at least`;
    history.records.push(...moments);
    return findFault(path, this.#settings.columns, kept.about, records) ?? kept.about;
  }
}
