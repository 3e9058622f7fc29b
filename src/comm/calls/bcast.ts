/**
 * barrier and bcast.
 */

import type { BcastArguments } from '../../collective/arguments.ts';
import type { Options, Request } from '../../p2p/request.ts';
import { sendElements } from '../buffer.ts';
import { checkOptions } from '../checks.ts';
import { type CollectiveHost, collectiveElements, PLAIN, post, rootOf } from './call.ts';

export function postBarrier(host: CollectiveHost, options?: Options): Request<void> {
  checkOptions(options, 'barrier', PLAIN);
  return post(
    host,
    'barrier',
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
  return post(host, 'bcast', rooted.options, (port) => host.collectives.bcast(port, args), result);
}
