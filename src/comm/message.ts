/**
 * Message: one message that a matched probe claimed. Only its own recv receives it, once.
 */

import { MpiError } from '../base/errors.ts';
import type { Data } from '../datatype/data.ts';
import { ELEMENT_BYTES } from '../datatype/element-type.ts';
import type { Engine } from '../p2p/engine.ts';
import { type ObjectContexts, ObjectReceive } from '../p2p/object-message.ts';
import type { Options, Request } from '../p2p/request.ts';
import { createStatus, type Status } from '../p2p/status.ts';
import type { UnexpectedMessage } from '../p2p/unexpected.ts';
import { bufferElements } from './buffer.ts';
import { checkOptions } from './checks.ts';

/** A message claimed by `mprobe`. Standard: 3.8.2. */
export interface Message {
  /** Counts are in elements of the sender's type. */
  readonly status: Status;
  /** Receive it. Errors: as Communicator.recv; ERR_MPI_REQUEST the second time. */
  recv(into: Data, options?: Options): Request<Status>;
  /** Receive it as an object. */
  recvObject<T = unknown>(options?: Options): Request<T>;
}

export class ClaimedMessage implements Message {
  readonly status: Status;
  readonly #engine: Engine;
  readonly #contexts: ObjectContexts;
  #message: UnexpectedMessage | undefined;

  constructor(engine: Engine, contexts: ObjectContexts, message: UnexpectedMessage) {
    this.#engine = engine;
    this.#contexts = contexts;
    this.#message = message;
    this.status = statusOf(message);
  }

  recv(into: Data, options?: Options): Request<Status> {
    const { array, code, byteLength, layout } = bufferElements(into, 'message.recv');
    checkOptions(options, 'message.recv', ['signal', 'timeoutMs']);
    const receive = this.#engine.receiveClaimed(this.#contexts.heads, this.#take(), array, code, byteLength, layout);
    if (options !== undefined) this.#engine.progress.limit(receive, options);
    return receive;
  }

  recvObject<T = unknown>(options?: Options): Request<T> {
    checkOptions(options, 'message.recvObject', ['signal', 'timeoutMs']);
    const receive = new ObjectReceive<T>(this.#engine, this.#contexts, this.status.source, this.status.tag, this.#take());
    if (options !== undefined) this.#engine.progress.limit(receive, options);
    return receive;
  }

  #take(): UnexpectedMessage {
    const message = this.#message;
    if (message === undefined)
      throw new MpiError('ERR_MPI_REQUEST', 'this message was received already: expected one recv for each mprobe');
    this.#message = undefined;
    return message;
  }
}

/** The status of a message that was only looked at. */
export function statusOf(message: UnexpectedMessage): Status {
  const { source, tag, byteLength, type } = message;
  return createStatus(source, tag, byteLength, type, ELEMENT_BYTES[type]!, false);
}
