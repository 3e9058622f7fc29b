/**
 * OpenCheckpoint: a folder of checkpoints and a communicator of its own to agree on.
 *
 * Rank 0 speaks for the manifests, all ranks for their parts; each phase ends with an agreement, so no rank believes
 * what another does not. The numbers of generations are rank 0's, told to all when it is opened and counted by all after.
 */

import { MpiError } from '../../base/errors.ts';
import { CollectiveOperation } from '../../collective/port.ts';
import type { Schedule } from '../../collective/schedule.ts';
import { encodeObject } from '../../datatype/object-codec.ts';
import { DoneOperation } from '../../p2p/done-operation.ts';
import type { Options, Request } from '../../p2p/request.ts';
import { callOf, PLAIN } from '../calls/call.ts';
import { decode, exchange } from '../calls/objects.ts';
import { checkOptions } from '../checks.ts';
import { agree, type Phase, shareBytes } from '../file/agreement.ts';
import { type Outcome, Piecework, type Work } from '../file/piecework.ts';
import type { Intracommunicator } from '../intracommunicator.ts';
import { type CheckedPart, checkParts } from './array-part.ts';
import type { ArrayParts, Checkpoint, LoadedStep, SavedStep } from './checkpoint.ts';
import type { DirectoryStore } from './directory-store.ts';
import { listGenerations, manifestName, partName, putManifest, readManifest, removeOthers } from './generations.ts';
import { checkWanted, type LoadedPart, loadParts } from './load.ts';
import { decodeManifest, describeManifest, encodeManifest, joinParts, type Manifest, type StoredArray } from './manifest.ts';
import { savePart } from './save.ts';

type Collective = CollectiveOperation<unknown>;

/** Errors that say the program wants what was not saved: another generation will not help. */
const NOT_DAMAGE: ReadonlySet<string> = new Set(['ERR_MPI_ARG', 'ERR_MPI_TYPE']);

export class OpenCheckpoint implements Checkpoint {
  readonly #comm: Intracommunicator;
  readonly #store: DirectoryStore;
  #latest: SavedStep | undefined;
  #next: number;
  /** Found damaged; rank 0's. */
  readonly #damaged = new Set<number>();
  #isClosed = false;

  constructor(comm: Intracommunicator, store: DirectoryStore, latest: SavedStep | undefined, next: number) {
    this.#comm = comm;
    this.#store = store;
    this.#latest = latest;
    this.#next = next;
  }

  get path(): string {
    return this.#store.name;
  }

  get latest(): SavedStep | undefined {
    return this.#latest;
  }

  save(step: number, arrays: ArrayParts, options?: Options): Request<void> {
    this.#check('save', options);
    if (!Number.isSafeInteger(step) || step < 0) {
      throw new MpiError('ERR_MPI_ARG', `save got step ${String(step)}: expected an integer, 0 or more`);
    }
    const parts = checkParts('save', arrays);
    const generation = this.#next++;
    return this.#together(
      'save',
      options,
      (port) => this.#save(port, generation, step, parts),
      () => undefined,
    );
  }

  load(arrays: ArrayParts, options?: Options): Request<LoadedStep> {
    this.#check('load', options);
    const parts = checkParts('load', arrays);
    let loaded: LoadedStep | undefined;
    const body = (port: Collective): Phase<MpiError | undefined> => this.#load(port, parts, (step) => (loaded = step));
    return this.#together('load', options, body, () => loaded!);
  }

  close(options?: Options): Request<void> {
    checkOptions(options, 'close', PLAIN);
    if (this.#isClosed) return new DoneOperation<void>(undefined, 'close of a checkpoint that was closed');
    this.#isClosed = true;
    return this.#comm.free(options);
  }

  [Symbol.dispose](): void {
    this.#isClosed = true;
    this.#comm[Symbol.dispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this[Symbol.dispose]();
  }

  // ---- inside ----------------------------------------------------------------------------------------

  *#save(port: Collective, generation: number, step: number, parts: readonly CheckedPart[]): Phase<MpiError | undefined> {
    const { collectives, rank } = this.#comm;
    const written = yield* this.#work(port, 'save', savePart(this.#store, generation, rank, parts));
    let failure = yield* agree(port, collectives, errorOf(written));
    let manifest: Manifest | undefined;
    if (failure === undefined) {
      const saved = yield* this.#gather(port, (written as { value: Readonly<Record<string, StoredArray>> }).value);
      let came: Outcome<unknown> = { value: undefined };
      if (rank === 0) {
        const made = attempt(() => joinParts(step, saved));
        came = made;
        if ('value' in made) {
          manifest = made.value;
          came = yield* this.#work(port, 'save', putManifest(this.#store, generation, encodeManifest(manifest)));
        }
      }
      failure = yield* agree(port, collectives, errorOf(came));
    }
    if (failure !== undefined) {
      // It may have become valid, and only the last sync failed: what is said to have failed is not to be believed later.
      if (rank === 0) attempt(() => this.#store.remove(manifestName(generation)));
      attempt(() => this.#store.remove(partName(generation, rank)));
      return failure;
    }
    const arrays = Object.fromEntries(parts.map(({ name, type, shape }) => [name, { type, shape }]));
    this.#latest = { step, arrays };
    if (rank === 0) attempt(() => this.#removeOld(generation));
    return undefined;
  }

  /** Keep the one just made and the last before it that was not found damaged. What cannot be removed now is next time. */
  #removeOld(generation: number): void {
    const before = listGenerations(this.#store).find((other) => other < generation && !this.#damaged.has(other));
    removeOthers(this.#store, before === undefined ? [generation] : [generation, before]);
  }

  *#load(port: Collective, parts: readonly CheckedPart[], take: (loaded: LoadedStep) => void): Phase<MpiError | undefined> {
    const { collectives, rank } = this.#comm;
    const store = this.#store;
    const skipped: string[] = [];
    const listed = rank === 0 ? attempt(() => Float64Array.from(listGenerations(store))) : { value: new Float64Array(0) };
    const failed = yield* agree(port, collectives, errorOf(listed));
    if (failed !== undefined) return failed;
    const mine = rank === 0 ? (listed as { value: Float64Array }).value : undefined;
    const bytes = yield* shareBytes(port, collectives, mine === undefined ? undefined : new Uint8Array(mine.buffer));
    for (const generation of new Float64Array(bytes.slice().buffer)) {
      const manifest = yield* this.#shareManifest(port, generation);
      let failure: MpiError | undefined;
      let loaded: Outcome<LoadedPart[]> | undefined;
      if (manifest === undefined)
        failure = new MpiError('ERR_MPI_IO', `the manifest of generation ${generation} is not as it was written`);
      else {
        const wanted = attempt(() => checkWanted(manifest, parts));
        loaded = 'error' in wanted ? wanted : yield* this.#work(port, 'load', loadParts(store, generation, manifest, parts));
        store.close();
        failure = yield* agree(port, collectives, errorOf(loaded));
      }
      if (failure === undefined) {
        for (const { part, bytes } of (loaded as { value: LoadedPart[] }).value) part.memory.fill(0, bytes);
        const latest = describeManifest(manifest!);
        this.#latest = latest;
        if (rank === 0) this.#say(skipped, latest.step);
        take({ step: latest.step, skipped });
        return undefined;
      }
      if (NOT_DAMAGE.has(failure.code)) return failure;
      this.#damaged.add(generation);
      skipped.push(`${manifest === undefined ? '' : `step ${manifest.step}: `}${failure.message}`);
    }
    const why = skipped.length === 0 ? '' : `: ${skipped.join('; ')}`;
    return new MpiError('ERR_MPI_NO_SUCH_FILE', `load: ${store.name} holds no checkpoint that is whole${why}: expected one`);
  }

  *#shareManifest(port: Collective, generation: number): Phase<Manifest | undefined> {
    let bytes: Uint8Array | undefined;
    if (this.#comm.rank === 0) {
      const read = yield* this.#work(port, 'load', readManifest(this.#store, generation));
      const manifest = 'value' in read ? read.value : undefined;
      bytes = manifest === undefined ? new Uint8Array(0) : encodeManifest(manifest);
    }
    return decodeManifest(yield* shareBytes(port, this.#comm.collectives, bytes));
  }

  /** Tell the user that his newest state was not the one taken. */
  #say(skipped: readonly string[], step: number): void {
    for (const reason of skipped)
      process.stderr.write(`tsmpi: checkpoint ${this.path}: ${reason}; step ${step} is taken instead\n`);
  }

  /** Return what each rank gives, on rank 0. */
  *#gather(port: Collective, mine: Readonly<Record<string, StoredArray>>): Phase<Readonly<Record<string, StoredArray>>[]> {
    if (port.rank > 0) {
      yield* exchange(port, [{ dest: 0, encoded: encodeObject(mine) }], []);
      return [];
    }
    const others = Array.from({ length: port.size - 1 }, (_, k) => k + 1);
    const received = yield* exchange(port, [], others);
    return [mine, ...received.map((encoded) => decode(encoded) as Readonly<Record<string, StoredArray>>)];
  }

  *#work<T>(port: Collective, call: string, work: Work<T>): Phase<Outcome<T>> {
    const { environment, space } = this.#comm;
    const piecework = new Piecework(environment.engine.progress, space.context.members, `${call} in ${this.path}`, work);
    yield port.join(piecework);
    return piecework.value;
  }

  #check(call: string, options: unknown): void {
    checkOptions(options, call, PLAIN);
    if (this.#isClosed) {
      throw new MpiError('ERR_MPI_FILE', `${call}: the checkpoint ${this.path} was closed or disposed: expected one in use`);
    }
  }

  #together<T>(
    call: string,
    options: Options | undefined,
    body: (port: Collective) => Phase<MpiError | undefined>,
    result: () => T,
  ): Request<T> {
    const { space, environment } = this.#comm;
    this.#comm.checkOpen();
    let failure: MpiError | undefined;
    function* schedule(port: Collective): Schedule {
      failure = yield* body(port);
    }
    const operation = new CollectiveOperation<T>(space, callOf(call), schedule, () => {
      if (failure !== undefined) throw failure;
      return result();
    });
    if (options !== undefined) environment.engine.progress.limit(operation, options);
    return operation;
  }
}

/** Return what a function returned, or what it threw. */
function attempt<T>(act: () => T): Outcome<T> {
  try {
    return { value: act() };
  } catch (error) {
    return { error };
  }
}

function errorOf(outcome: Outcome<unknown>): unknown {
  return 'error' in outcome ? outcome.error : undefined;
}
