/**
 * OpenFile: a file of a communicator's ranks, over a descriptor of each and a communicator of the file's own.
 *
 * Arguments are checked at the call; everything that the system says comes with the request.
 */

import { CollectiveCall, NONE } from '../../base/collective-call.ts';
import { MpiError } from '../../base/errors.ts';
import { operationCode } from '../../base/operation.ts';
import { CollectiveOperation } from '../../collective/port.ts';
import type { Schedule } from '../../collective/schedule.ts';
import type { Data } from '../../datatype/data.ts';
import type { BaseType } from '../../datatype/derived/datatype.ts';
import { DoneOperation } from '../../p2p/done-operation.ts';
import { MappedOperation } from '../../p2p/mapped-operation.ts';
import { PROC_NULL } from '../../p2p/matching-queue.ts';
import type { Operation, Options, Request } from '../../p2p/request.ts';
import { createStatus, type Status } from '../../p2p/status.ts';
import { callOf, PLAIN } from '../calls/call.ts';
import { checkOptions } from '../checks.ts';
import type { Intracommunicator } from '../intracommunicator.ts';
import { agree, type Phase } from './agreement.ts';
import { type Descriptor, PIECE_BYTES } from './descriptor.ts';
import type { Speaker } from './file-error.ts';
import { FileView, unitBytesOf } from './file-view.ts';
import type { FileMode, MpiFile } from './mpi-file.ts';
import { PackedMemory } from './packed-memory.ts';
import { Piecework, unwrapOutcome, type Work } from './piecework.ts';
import { readRounds } from './read-all.ts';
import type { Span } from './span.ts';
import { planTwoPhase } from './two-phase.ts';
import { type WritePort, writeRounds } from './write-all.ts';

/** Runs that are read or written at a time, where they are short. */
const PIECE_RUNS = 256;

export class OpenFile implements MpiFile {
  readonly mode: FileMode;
  readonly #comm: Intracommunicator;
  readonly #descriptor: Descriptor;
  /** Offset 0 of what was opened to append. */
  readonly #origin: number;
  #view: FileView;
  #isClosed = false;

  constructor(comm: Intracommunicator, descriptor: Descriptor, mode: FileMode, origin: number) {
    this.#comm = comm;
    this.#descriptor = descriptor;
    this.mode = mode;
    this.#origin = origin;
    this.#view = new FileView(origin, undefined, undefined);
  }

  get path(): string {
    return this.#descriptor.path;
  }

  readAt(offset: number, into: Data, options?: Options): Request<Status> {
    const { memory, span } = this.#access('readAt', offset, into, options);
    return this.#alone('readAt', memory, this.#readRuns(span, memory, this.#speaker('readAt')), options);
  }

  writeAt(offset: number, data: Data, options?: Options): Request<Status> {
    const { memory, span } = this.#access('writeAt', offset, data, options);
    return this.#alone('writeAt', memory, this.#writeRuns(span, memory, this.#speaker('writeAt')), options);
  }

  readAtAll(offset: number, into: Data, options?: Options): Request<Status> {
    const { memory, span } = this.#access('readAtAll', offset, into, options);
    const speaker = this.#speaker('readAtAll');
    const read = (target: Uint8Array, from: number): Work<number> => this.#descriptor.read(target, from, speaker);
    let byteLength = 0;
    const body = function* (port: CollectiveOperation<unknown>, comm: Intracommunicator): Phase<unknown> {
      const plan = yield* planTwoPhase(port, comm.collectives, span);
      if (plan === undefined) return undefined;
      const result = yield* readRounds(roundsOf(port, comm), plan, memory, read);
      byteLength = result.byteLength;
      return result.failure;
    };
    return this.#together('readAtAll', options, body, () => statusOf(memory, byteLength));
  }

  writeAtAll(offset: number, data: Data, options?: Options): Request<Status> {
    const { memory, span } = this.#access('writeAtAll', offset, data, options);
    const speaker = this.#speaker('writeAtAll');
    const write = (bytes: Uint8Array, at: number): Work<void> => this.#descriptor.write(bytes, at, speaker);
    const body = function* (port: CollectiveOperation<unknown>, comm: Intracommunicator): Phase<unknown> {
      const plan = yield* planTwoPhase(port, comm.collectives, span);
      return plan === undefined ? undefined : yield* writeRounds(roundsOf(port, comm), plan, memory, write);
    };
    return this.#together('writeAtAll', options, body, () => statusOf(memory, memory.byteLength));
  }

  setView(displacement: number, element?: BaseType, fileType?: BaseType): void {
    this.#checkOpen('setView');
    this.#view = new FileView(this.#origin + displacement, element, fileType);
  }

  size(): number {
    this.#checkOpen('size');
    return this.#descriptor.byteLength;
  }

  setSize(byteLength: number, options?: Options): Request<void> {
    this.#checkAccess('setSize', options);
    if (!Number.isSafeInteger(byteLength) || byteLength < 0) {
      throw new MpiError('ERR_MPI_ARG', `setSize got ${String(byteLength)}: expected bytes, an integer, 0 or more`);
    }
    const { rank } = this.#comm;
    // The size is part of the call: ranks that give different ones are told so.
    const call = CollectiveCall.of(operationCode('setSize'), 0, byteLength, NONE, NONE, 0);
    const act = (): void => {
      if (rank === 0) this.#descriptor.truncate(byteLength, this.#speaker('setSize'));
    };
    return this.#together(call, options, once(act), () => undefined);
  }

  sync(options?: Options): Request<void> {
    this.#checkOpen('sync');
    checkOptions(options, 'sync', PLAIN);
    const act = (): void => this.#descriptor.sync(this.#speaker('sync'));
    return this.#together('sync', options, once(act), () => undefined);
  }

  close(options?: Options): Request<void> {
    checkOptions(options, 'closeFile', PLAIN);
    if (this.#isClosed) return new DoneOperation<void>(undefined, 'close of a file that was closed');
    const closeIt = once(() => this.#descriptor.close(this.#speaker('close')));
    // When all have agreed: nothing of the communicator is in use any more.
    const after = (): Operation<void> => this.#comm.free() as Operation<void>;
    const request = this.#together('closeFile', options, closeIt, () => undefined, after);
    this.#isClosed = true;
    return request;
  }

  [Symbol.dispose](): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    try {
      this.#descriptor.close(this.#speaker('dispose'));
    } finally {
      this.#comm[Symbol.dispose]();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this[Symbol.dispose]();
  }

  // ---- inside ----------------------------------------------------------------------------------------

  #speaker(call: string): Speaker {
    return { call, rank: this.#comm.rank, isSpread: this.#comm.space.hosts !== undefined };
  }

  #access(call: string, offset: number, data: unknown, options: unknown): { memory: PackedMemory; span: Span } {
    this.#checkAccess(call, options);
    const memory = new PackedMemory(data, call);
    return { memory, span: this.#view.spanOf(call, offset, memory.elements) };
  }

  #checkAccess(call: string, options: unknown): void {
    this.#checkOpen(call);
    checkOptions(options, call, PLAIN);
    const isExcluded = call.startsWith('read') ? this.mode === 'w' || this.mode === 'a' : this.mode === 'r';
    if (!isExcluded) return;
    const fitting = call.startsWith('read') ? "'r', 'r+' or 'w+'" : "'r+', 'w', 'w+' or 'a'";
    throw new MpiError('ERR_MPI_AMODE', `${call}: ${this.path} was opened with '${this.mode}': expected ${fitting}`);
  }

  #checkOpen(call: string): void {
    if (this.#isClosed) throw new MpiError('ERR_MPI_FILE', `${call}: ${this.path} was closed or disposed: expected an open file`);
  }

  /** Work of this rank as a request. */
  #alone(call: string, memory: PackedMemory, work: Work<number>, options: Options | undefined): Request<Status> {
    const { engine, note } = this.#comm.environment;
    note(operationCode(call), this.#comm.rank, 0);
    const piecework = new Piecework(engine.progress, this.#comm.space.context.members, `${call} of ${this.path}`, work);
    const operation = new MappedOperation<unknown, Status>(piecework, () => statusOf(memory, unwrapOutcome(piecework.value)));
    if (options !== undefined) engine.progress.limit(operation, options);
    return operation;
  }

  /** A collective of the file: `body` returns what failed on this rank, which all are told. */
  #together<T>(
    named: string | CollectiveCall,
    options: Options | undefined,
    body: (port: CollectiveOperation<unknown>, comm: Intracommunicator) => Phase<unknown>,
    result: () => T,
    after?: () => Operation<void>,
  ): Request<T> {
    const comm = this.#comm;
    const { collectives, space, environment } = comm;
    let failure: MpiError | undefined;
    function* schedule(port: CollectiveOperation<unknown>): Schedule {
      const mine = yield* body(port, comm);
      failure = yield* agree(port, collectives, mine);
      if (after !== undefined) yield port.join(after());
    }
    const call = typeof named === 'string' ? callOf(named) : named;
    const operation = new CollectiveOperation<T>(space, call, schedule, () => {
      if (failure !== undefined) throw failure;
      return result();
    });
    if (options !== undefined) environment.engine.progress.limit(operation, options);
    return operation;
  }

  *#readRuns({ offsets, lengths }: Span, memory: PackedMemory, speaker: Speaker): Work<number> {
    let place = 0;
    for (const [k, offset] of offsets.entries()) {
      const length = lengths[k]!;
      for (let done = 0; done < length; ) {
        const direct = memory.direct(place, length);
        const part = direct ?? new Uint8Array(Math.min(PIECE_BYTES, length - done));
        const count = yield* this.#descriptor.read(part, offset + done, speaker);
        if (direct === undefined) memory.fill(place, part.subarray(0, count));
        place += count;
        if (count < part.byteLength) return place;
        done += count;
      }
      if ((k + 1) % PIECE_RUNS === 0) yield;
    }
    return place;
  }

  *#writeRuns({ offsets, lengths }: Span, memory: PackedMemory, speaker: Speaker): Work<number> {
    let place = 0;
    for (const [k, offset] of offsets.entries()) {
      const length = lengths[k]!;
      for (let done = 0; done < length; ) {
        const part = memory.slice(place, Math.min(PIECE_BYTES, length - done));
        yield* this.#descriptor.write(part, offset + done, speaker);
        place += part.byteLength;
        done += part.byteLength;
        if (done < length) yield;
      }
      if ((k + 1) % PIECE_RUNS === 0) yield;
    }
    return place;
  }
}

/** A phase that does one thing of this rank's own and returns its error. */
function once(act: () => void): () => Phase<unknown> {
  // biome-ignore lint/correctness/useYield: a phase like the others, which has nothing to wait for
  return function* () {
    try {
      act();
    } catch (error) {
      return error;
    }
    return undefined;
  };
}

/** What the rounds of a collective access need. */
function roundsOf(port: CollectiveOperation<unknown>, comm: Intracommunicator): WritePort {
  const { progress } = comm.environment.engine;
  return {
    send: (data, dest) => port.send(data, dest),
    recv: (into, source) => port.recv(into, source),
    work: (text, work) => {
      const piecework = new Piecework(progress, comm.space.context.members, text, work);
      return { step: port.join(piecework), outcome: () => piecework.value };
    },
  };
}

/** The status of an access: it comes from no rank. */
function statusOf({ elements }: PackedMemory, byteLength: number): Status {
  return createStatus(PROC_NULL, 0, byteLength, elements.code, unitBytesOf(elements), false);
}
