/**
 * scatter and scatterv.
 */

import { CollectiveCall, NONE } from '../../base/collective-call.ts';
import { MpiError } from '../../base/errors.ts';
import { operationCode } from '../../base/operation.ts';
import type { ScatterArguments, ScattervArguments } from '../../collective/arguments.ts';
import type { Request } from '../../p2p/request.ts';
import { bufferElements, checkOverlap } from '../buffer.ts';
import { IN_PLACE } from '../in-place.ts';
import {
  type CollectiveHost,
  callOf,
  checkParts,
  checkSameType,
  collectiveElements,
  inPlaceOnRoot,
  post,
  rootOf,
  shareOf,
  sizes,
} from './call.ts';

const SCATTER = operationCode('scatter');

export function postScatter(
  host: CollectiveHost,
  data: unknown,
  into?: unknown,
  root?: unknown,
  options?: unknown,
): Request<unknown> {
  const { rank, size } = sizes(host);
  const rooted = rootOf(host, 'scatter', root, options);
  const isRoot = rank === rooted.root;
  if (into === IN_PLACE && !isRoot) throw inPlaceOnRoot('scatter');
  const whole = isRoot ? collectiveElements(bufferElements(data, 'scatter')) : undefined;
  const part = into === IN_PLACE ? undefined : collectiveElements(bufferElements(into, 'scatter'));
  const count = part === undefined ? shareOf('scatter', whole!, size) : part.count;
  if (whole !== undefined) {
    if (whole.count !== count * size) {
      throw new MpiError(
        'ERR_MPI_COUNT',
        `scatter: data has ${whole.count} elements: expected ${count * size}, ${count} for each of ${size} ranks`,
      );
    }
    if (part !== undefined) {
      checkSameType('scatter', whole, part);
      checkOverlap(whole.array, part.array, 'scatter');
    }
  }
  const args: ScatterArguments = { data: whole?.array, into: part?.array, count, root: rooted.root };
  const call = CollectiveCall.of(
    SCATTER,
    (part ?? whole!).code,
    part?.byteLength ?? whole!.byteLength / size,
    rooted.root,
    NONE,
    0,
  );
  return post(
    host,
    call,
    rooted.options,
    (port) => host.collectives.scatter(port, args),
    () => (into === IN_PLACE ? data : into),
  );
}

export function postScatterv(
  host: CollectiveHost,
  given: unknown,
  into?: unknown,
  root?: unknown,
  options?: unknown,
): Request<unknown> {
  const { rank, size } = sizes(host);
  const rooted = rootOf(host, 'scatterv', root, options);
  const isRoot = rank === rooted.root;
  if (into === IN_PLACE && !isRoot) throw inPlaceOnRoot('scatterv');
  const parts = isRoot ? checkParts('scatterv', given, size) : undefined;
  const mine = into === IN_PLACE ? undefined : collectiveElements(bufferElements(into, 'scatterv'));
  if (parts !== undefined && mine !== undefined) {
    if (mine.count < parts.counts[rank]!) {
      throw new MpiError(
        'ERR_MPI_COUNT',
        `scatterv: into has room for ${mine.count} elements, counts[${rank}] says ${parts.counts[rank]}: expected as many`,
      );
    }
    checkSameType('scatterv', parts.into, mine);
    checkOverlap(parts.into.array, mine.array, 'scatterv');
  }
  const args: ScattervArguments = {
    data: parts?.into.array,
    counts: parts?.counts,
    displs: parts?.displs,
    into: mine?.array,
    root: rooted.root,
  };
  return post(
    host,
    callOf('scatterv', rooted.root),
    rooted.options,
    (port) => host.collectives.scatterv(port, args),
    () => (into === IN_PLACE ? given : into),
  );
}
