/**
 * RankEnvironment: what communicators of a rank share: the engine, its numbers, the host's shared areas, the policy.
 *
 * The runtime makes one; tests make as many as they have ranks in a process.
 */

import type { Journal } from '../collective/call-history.ts';
import type { Collectives } from '../collective/collectives.ts';
import type { CollectiveSpace, SharedArea } from '../collective/port.ts';
import type { OperationName } from '../collective/restrictions.ts';
import type { Engine } from '../p2p/engine.ts';
import type { Options, Request } from '../p2p/request.ts';
import type { Predefined } from './attributes.ts';
import type { Checkpoint } from './checkpoint/checkpoint.ts';
import type {
  Cartesian,
  CartesianOptions,
  Communicator,
  DistGraphOptions,
  Edge,
  Graph,
  GraphOptions,
  Intercommunicator,
} from './communicator.ts';
import type { ContextNumbers } from './context-number.ts';
import type { FileMode, MpiFile } from './file/mpi-file.ts';
import type { Group } from './group.ts';
import type { Decision, Part } from './part.ts';
import type { ErrorHandling } from './properties.ts';

/** The areas of this host's segment, for communicators whose members all live here. */
export interface AreaSource {
  /** Whether all these world ranks share this rank's segment. */
  holds(worldRanks: ArrayLike<number>): boolean;
  /** Take an area for a communicator; -1: none left. */
  acquire(): number;
  /** Give it back, once no member uses it any more. */
  release(index: number): void;
  /** Bind an area to a communicator's members. */
  open(index: number, worldRanks: ArrayLike<number>): SharedArea;
}

/** What the creation of a topology needs of the communicator whose ranks it takes. */
export interface TopologyParent {
  readonly rank: number;
  readonly size: number;
  readonly group: Group;
  readonly environment: RankEnvironment;
  readonly collectives: Collectives;
  construct(
    call: string,
    part: Part<Communicator> | Decision<Communicator>,
    options: Options | undefined,
  ): Request<Communicator | undefined>;
}

/** What the creation of an intercommunicator needs of the group's communicator. */
export interface InterParent {
  readonly environment: RankEnvironment;
  readonly space: CollectiveSpace;
  readonly collectives: Collectives;
  /** Handed on to what is made of it. */
  errors: ErrorHandling;
}

/** What the opening of a file needs of the communicator whose ranks open it. */
export interface FileParent extends TopologyParent {
  readonly space: CollectiveSpace;
}

/** The calls that make communicators with a topology, and files; each communicator's own methods end here. */
export interface Topologies {
  cartesian(parent: TopologyParent, dims: readonly number[], options?: CartesianOptions): Request<Cartesian>;
  graph(
    parent: TopologyParent,
    sources: readonly number[],
    destinations: readonly number[],
    options?: GraphOptions,
  ): Request<Graph>;
  distGraph(parent: TopologyParent, edges: readonly Edge[], options?: DistGraphOptions): Request<Graph>;
  intercommunicator(
    parent: InterParent,
    localLeader: number,
    peer: Communicator | undefined,
    remoteLeader: number,
    tag: number,
    options?: Options,
  ): Request<Intercommunicator>;
  checkpoint(parent: FileParent, folder: string, options?: Options): Request<Checkpoint>;
  openFile(parent: FileParent, path: string, mode: FileMode, options?: Options): Request<MpiFile>;
}

export interface RankEnvironment {
  readonly engine: Engine;
  readonly worldRank: number;
  readonly numbers: ContextNumbers;
  readonly areas: AreaSource | undefined;
  /** Where collectives are noted, for other ranks of the host to compare. */
  readonly journal: Journal | undefined;
  /** Reductions in an order that does not depend on timing or placement. */
  readonly isDeterministic: boolean;
  /** Return the algorithm that the user forces for a collective. */
  readonly forced: (operation: OperationName) => string | undefined;
  /** Attributes that every communicator has. */
  readonly predefined: Predefined;
  /** Host of each world rank, for splitShared(). */
  readonly hostOfRank: ArrayLike<number>;
  /** Make communicators with a topology (topology/create.ts), intercommunicators, files, checkpoints: create.ts of each folder. */
  readonly topologies: Topologies;
  /** Note the call between two ranks just made, for whoever asks what this rank does: an operation's code (base/operation.ts), peer, tag. */
  note(operation: number, peer: number, tag: number): void;
  /** End the job. */
  abort(code: number, reason: string | undefined): never;
}
