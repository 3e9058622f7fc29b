/**
 * Opening of files, as the composition root gives it to all communicators of a rank.
 *
 * Rank 0 opens first, alone in making or emptying the file, and tells whether that went well; then the others open what is
 * there now. A file on which ranks of one host do not agree (a path relative to different folders) is refused.
 */

import { constants } from 'node:fs';
import { MpiError } from '../../base/errors.ts';
import type { Membership } from '../../p2p/context.ts';
import { MappedOperation } from '../../p2p/mapped-operation.ts';
import type { Operation, Options, Request } from '../../p2p/request.ts';
import { PLAIN } from '../calls/call.ts';
import { checkOptions } from '../checks.ts';
import type { Communicator } from '../communicator.ts';
import { Intracommunicator } from '../intracommunicator.ts';
import type { Decision } from '../part.ts';
import type { FileParent } from '../rank-environment.ts';
import { agree } from './agreement.ts';
import { Descriptor } from './descriptor.ts';
import type { Speaker } from './file-error.ts';
import type { FileMode, MpiFile } from './mpi-file.ts';
import { OpenFile } from './open-file.ts';

const { O_RDONLY, O_RDWR, O_WRONLY, O_CREAT, O_TRUNC } = constants;

/** Flags of a mode: those of every rank, those of the first to open besides, and what for, in words. */
const MODES: Readonly<Record<FileMode, readonly [flags: number, first: number, purpose: string]>> = {
  r: [O_RDONLY, 0, 'for reading'],
  'r+': [O_RDWR, 0, 'for reading and writing'],
  w: [O_WRONLY, O_CREAT | O_TRUNC, 'for writing'],
  'w+': [O_RDWR, O_CREAT | O_TRUNC, 'for reading and writing'],
  a: [O_WRONLY, O_CREAT, 'for appending'],
};

/** Post the opening of a file by all ranks of `parent`. Standard: 14.2.1. */
export function postOpenFile(parent: FileParent, path: string, mode: FileMode, options?: Options): Request<MpiFile> {
  checkOptions(options, 'openFile', PLAIN);
  if (typeof path !== 'string' || path === '' || path.includes('\0')) {
    throw new MpiError('ERR_MPI_ARG', `openFile got ${JSON.stringify(path) ?? String(path)}: expected the path of a file`);
  }
  if (typeof mode !== 'string' || !Object.hasOwn(MODES, mode)) {
    throw new MpiError('ERR_MPI_AMODE', `openFile got mode ${String(mode)}: expected one of ${Object.keys(MODES).join(', ')}`);
  }
  const { collectives, environment, rank, space } = parent;
  const [flags, first, purpose] = MODES[mode];
  const speaker: Speaker = { call: 'openFile', rank, isSpread: space.hosts !== undefined };
  let descriptor: Descriptor | undefined;
  let failure: MpiError | undefined;
  let origin = 0;
  const open = (all: number): unknown => {
    try {
      descriptor = new Descriptor(path, all, speaker, purpose);
    } catch (error) {
      return error;
    }
    return undefined;
  };
  const decide: Decision<Communicator> = function* (port) {
    failure = yield* agree(port, collectives, rank === 0 ? open(flags | first) : undefined);
    if (failure === undefined) failure = yield* agree(port, collectives, rank === 0 ? undefined : open(flags));
    if (failure === undefined) {
      const mine = descriptor!.identity();
      const all = new Float64Array(3 * port.size);
      const data = Float64Array.of(...mine, mode === 'a' ? descriptor!.byteLength : 0);
      yield* collectives.internal.allgather(port, { data, into: all, count: 3 });
      origin = all[2]!;
      failure = notSame(parent, all, path);
    }
    if (failure !== undefined) descriptor?.close(speaker);
    const make = (id: number, members: Membership) => new Intracommunicator(environment, id, members);
    return { color: failure === undefined ? 0 : undefined, key: rank, make };
  };
  const request = parent.construct('openFile', decide, options) as unknown as Operation<unknown>;
  return new MappedOperation<unknown, MpiFile>(request, () => {
    if (failure !== undefined) throw failure;
    return new OpenFile(request.value as Intracommunicator, descriptor!, mode, origin);
  });
}

/** Hosts number the devices of a shared file system as they like; ranks of one host must have one file. */
function notSame({ group, environment }: FileParent, all: Float64Array, path: string): MpiError | undefined {
  const hosts = group.ranks.map((world) => environment.hostOfRank[world]!);
  const other = hosts.findIndex((host, rank) => {
    const first = hosts.indexOf(host);
    return all[3 * rank] !== all[3 * first] || all[3 * rank + 1] !== all[3 * first + 1];
  });
  if (other < 0) return undefined;
  const first = hosts.indexOf(hosts[other]!);
  return new MpiError(
    'ERR_MPI_NOT_SAME',
    `openFile: ${path} is one file on rank ${first} and another on rank ${other} of the same host: expected the same path, and a path from / on where ranks have different folders`,
  );
}
