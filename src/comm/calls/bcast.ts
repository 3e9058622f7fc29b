/**
 * barrier and bcast.
 */

import { CollectiveCall, NONE } from '../../base/collective-call.ts';
import { operationCode } from '../../base/operation.ts';
import type { BcastArguments } from '../../collective/arguments.ts';
import type { Options, Request } from '../../p2p/request.ts';
import { sendElements } from '../buffer.ts';
import { checkOptions } from '../checks.ts';
import { type CollectiveHost, callOf, collectiveElements, PLAIN, post, rootOf } from './call.ts';

const BARRIER = callOf('barrier');
const BCAST = operationCode('bcast');

export function postBarrier(host: CollectiveHost, options?: Options): Request<void> {
  checkOptions(options, 'barrier', PLAIN);
  return post(
    host,
    BARRIER,
    options,
    (port) => host.collectives.barrier(port),
    () => undefined,
  );
}

export function postBcast(host: CollectiveHost, data: unknown, root?: unknown, options?: unknown): Request<unknown> {
  const rooted = rootOf(host, 'bcast', root, options);
  const elements = collectiveElements(sendElements(data, 'bcast'));
  const args: BcastArguments = { data: elements.array, root: rooted.root };
  const result = typeof data === 'number' || typeof data === 'bigint' ? () => elements.array[0] : () => data;
  const call = CollectiveCall.of(BCAST, elements.code, elements.byteLength, rooted.root, NONE, 0);
  return post(host, call, rooted.options, (port) => host.collectives.bcast(port, args), result);
}
