/**
 * Opening of checkpoints, as the composition root gives it to all communicators of a rank.
 */

import { MpiError } from '../../base/errors.ts';
import type { Membership } from '../../p2p/context.ts';
import { MappedOperation } from '../../p2p/mapped-operation.ts';
import type { Operation, Options, Request } from '../../p2p/request.ts';
import { PLAIN } from '../calls/call.ts';
import { checkOptions } from '../checks.ts';
import type { Communicator } from '../communicator.ts';
import { agree, shareBytes } from '../file/agreement.ts';
import type { Work } from '../file/piecework.ts';
import { Intracommunicator } from '../intracommunicator.ts';
import type { Decision } from '../part.ts';
import type { FileParent } from '../rank-environment.ts';
import type { Checkpoint, SavedStep } from './checkpoint.ts';
import { DirectoryStore } from './directory-store.ts';
import { listGenerations, nextGeneration, readManifest } from './generations.ts';
import { describeManifest } from './manifest.ts';
import { OpenCheckpoint } from './open-checkpoint.ts';

/** What rank 0 found in the folder. */
interface Found {
  readonly latest: SavedStep | undefined;
  readonly next: number;
}

/** Post the opening of a folder of checkpoints by all ranks of `parent`. */
export function postCheckpoint(parent: FileParent, folder: string, options?: Options): Request<Checkpoint> {
  checkOptions(options, 'checkpoint', PLAIN);
  if (typeof folder !== 'string' || folder === '' || folder.includes('\0')) {
    throw new MpiError(
      'ERR_MPI_ARG',
      `checkpoint got ${JSON.stringify(folder) ?? String(folder)}: expected the path of a folder`,
    );
  }
  const { collectives, environment, rank, space } = parent;
  const store = new DirectoryStore(folder, { call: 'checkpoint', rank, isSpread: space.hosts !== undefined });
  let failure: MpiError | undefined;
  let found: Found | undefined;
  const look = (act: () => void): unknown => {
    try {
      act();
    } catch (error) {
      return error;
    }
    return undefined;
  };
  const decide: Decision<Communicator> = function* (port) {
    const first = (): void => {
      store.create();
      found = findLatest(store);
    };
    failure = yield* agree(port, collectives, rank === 0 ? look(first) : undefined);
    if (failure === undefined)
      failure = yield* agree(
        port,
        collectives,
        look(() => store.check()),
      );
    if (failure === undefined) {
      const mine = found === undefined ? undefined : new TextEncoder().encode(JSON.stringify(found));
      found = JSON.parse(new TextDecoder().decode(yield* shareBytes(port, collectives, mine))) as Found;
    }
    const make = (id: number, members: Membership) => new Intracommunicator(environment, id, members);
    return { color: failure === undefined ? 0 : undefined, key: rank, make };
  };
  const request = parent.construct('checkpoint', decide, options) as unknown as Operation<unknown>;
  return new MappedOperation<unknown, Checkpoint>(request, () => {
    if (failure !== undefined) throw failure;
    return new OpenCheckpoint(request.value as Intracommunicator, store, found!.latest, found!.next);
  });
}

function findLatest(store: DirectoryStore): Found {
  let latest: SavedStep | undefined;
  for (const generation of listGenerations(store)) {
    const manifest = atOnce(readManifest(store, generation));
    if (manifest === undefined) continue;
    latest = describeManifest(manifest);
    break;
  }
  store.close();
  return { latest, next: nextGeneration(store) };
}

/** Do work without a pause: it is little. */
function atOnce<T>(work: Work<T>): T {
  for (;;) {
    const { done, value } = work.next();
    if (done === true) return value;
  }
}
