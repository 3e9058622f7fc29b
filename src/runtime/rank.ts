/**
 * Rank: the composition root. It puts transports (transports.ts), engine, parking and communicators together.
 */

import { constants } from 'node:fs';
import { availableParallelism } from 'node:os';
import { threadId } from 'node:worker_threads';
import { MpiError } from '../base/errors.ts';
import type { JobDescription } from '../bootstrap/job.ts';
import { MAX_AREA_RANKS } from '../collective/area-turn.ts';
import { type BulkSource, MAX_BULK_RANKS, SharedBulk } from '../collective/bulk.ts';
import { SharedArea } from '../collective/port.ts';
import { readForced } from '../collective/selection.ts';
import { APPNUM, type Predefined, TAG_UB, UNIVERSE_SIZE, WTIME_IS_GLOBAL } from '../comm/attributes.ts';
import { postCheckpoint } from '../comm/checkpoint/create.ts';
import { TAG_LIMIT } from '../comm/checks.ts';
import { ContextNumbers } from '../comm/context-number.ts';
import { postOpenFile } from '../comm/file/create.ts';
import { postIntercommunicator } from '../comm/inter/create.ts';
import { Intracommunicator } from '../comm/intracommunicator.ts';
import type { AreaSource, RankEnvironment } from '../comm/rank-environment.ts';
import { postCartesian, postDistGraph, postGraph } from '../comm/topology/create.ts';
import { ElementViews } from '../datatype/element-views.ts';
import type { Addon } from '../native/addon.ts';
import { type LoadedAddon, loadAddon } from '../native/loader.ts';
import { CallSites } from '../p2p/call-site.ts';
import { contextId } from '../p2p/context.ts';
import { Engine } from '../p2p/engine.ts';
import type { Profile } from '../p2p/profile.ts';
import { Progress } from '../p2p/progress.ts';
import { UnseenFailures } from '../p2p/unseen-failures.ts';
import type { RankRecord } from '../p2p/wait-report.ts';
import { CallJournal } from '../segment/call-journal.ts';
import { AREA_SLOT_BYTES, CONTROL, layOut, RANK_STATE, shapesFor } from '../segment/layout.ts';
import type { Parking } from '../segment/parking.ts';
import { ProcessParking } from '../segment/process-parking.ts';
import { Segment } from '../segment/segment.ts';
import { ThreadParking } from '../segment/thread-parking.ts';
import { ProcessBulkSource } from './bulk-source.ts';
import type { Place } from './place.ts';
import { joinByPmi } from './pmi/join.ts';
import type { PmiJob } from './pmi/pmi-job.ts';
import { isAllowed, type Routes } from './routes.ts';
import { openTransports, type Transports } from './transports.ts';

/** Everything that a rank has, for init, finalize and info. */
export interface Rank {
  readonly description: JobDescription;
  readonly worldRank: number;
  readonly localRank: number;
  readonly segment: Segment;
  readonly addon: Addon | undefined;
  readonly parking: Parking;
  readonly progress: Progress;
  readonly engine: Engine;
  readonly routes: Routes;
  readonly websocket: Transports['websocket'];
  readonly rdma: Transports['rdma'];
  readonly world: Intracommunicator;
  readonly self: Intracommunicator;
  /** The job's ranks by themselves, where no agent started them. */
  readonly pmi: PmiJob | undefined;
  readonly environment: RankEnvironment;
  /** Since it is profiled (profiling.ts): what it measures, and all ranks, to tell rank 0. */
  profiling: { readonly profile: Profile; readonly world: Intracommunicator } | undefined;
}

/** Numbers of context ids that exist from the start: world's (of world rank 0) and each rank's self. */
const WORLD_NUMBER = 0;
const SELF_NUMBER = 1;
/** Of the ranks' profiles (profiling.ts), of world rank 0. */
export const PROFILE_NUMBER = 2;

/**
 * Start the rank. `abort` ends the job; `onLost` gets sentences about failures whose requests were collected unseen,
 * `onRouteChange` who is reached in another way than was chosen at first.
 */
export function startRank(
  place: Exclude<Place, { kind: 'held' }>,
  abort: (code: number, reason: string | undefined) => never,
  onLost: (sentence: string) => void,
  onRouteChange: (routes: Routes, peer: number) => void,
): Rank {
  const loaded = loadAddon();
  const { addon } = loaded;
  const { segment, localRank, worldRank, agentPid, pmi } = attach(place, loaded);
  const description = JSON.parse(segment.description()) as JobDescription;
  claim(segment, localRank, worldRank, place.kind === 'process' ? 0 : threadId);
  const { localRanks, cores, wait, size, transports } = description;

  const record: RankRecord = {
    setText: (text) => segment.setText(localRank, text),
    setStuckOn: (rank) => {
      segment.i32[segment.control(localRank, CONTROL.stuckOn)] = rank;
    },
    describeTrouble: (rank) => {
      const by = [rdma, websocket, relay].find((transport) => transport !== undefined && transport === routes.transports[rank]);
      return by?.describeTrouble(rank) ?? '';
    },
    isOwn: (rank) => rank === worldRank,
    isIdle: () => resourcesBeside(place.kind === 'process' ? STREAMS : []).length === 0,
    hasDeparted: (rank) => hasDeparted(segment, localOf, rank),
  };
  const localOf = new Int32Array(size).fill(-1);
  for (const [local, rank] of localRanks.entries()) localOf[rank] = local;

  const callSites = process.env.TSMPI_CALL_SITES === '1' ? new CallSites() : undefined;
  const unseen = new UnseenFailures(callSites, onLost);
  const progress = new Progress(wait, localRanks.length > cores, unseen, size === 1 ? undefined : record, callSites);
  const engine = new Engine(progress, worldRank);
  const parking =
    place.kind === 'process'
      ? new ProcessParking(addon!, segment, localRank, agentPid, progress)
      : new ThreadParking(segment, localRank, progress, addon === undefined ? undefined : () => addon.yield());
  const { routes, polled, websocket, rdma, relay } = openTransports({
    ...{ description, worldRank, localRank, localOf, segment, kind: place.kind, addon, parking, engine, onRouteChange, pmi },
    hasDeparted: (rank) => hasDeparted(segment, localOf, rank),
  });
  engine.start(routes.transports);
  progress.start(polled, engine, parking);

  pmi?.complete();

  const forced = readForced(process.env);
  const bulk = place.kind === 'process' ? new ProcessBulkSource(addon!, forced.get('allreduce') === 'shared-pieces') : undefined;
  const environment: RankEnvironment = {
    engine,
    worldRank,
    numbers: new ContextNumbers(PROFILE_NUMBER + 1),
    areas: size === 1 || !isAllowed(transports, 'shm') ? undefined : areasOf(segment, localOf, localRank, parking, bulk),
    journal: new CallJournal(segment, localRank, localOf, process.env.TSMPI_CALL_SITES === '1'),
    isDeterministic: description.deterministic,
    forced: (operation) => forced.get(operation),
    predefined: predefinedOf(description, worldRank),
    hostOfRank: description.hostOfRank,
    // Looked up at each call: what makes them is loaded at the first (build-later.mjs).
    topologies: {
      cartesian: (...args) => postCartesian(...args),
      graph: (...args) => postGraph(...args),
      distGraph: (...args) => postDistGraph(...args),
      intercommunicator: (...args) => postIntercommunicator(...args),
      openFile: (...args) => postOpenFile(...args),
      checkpoint: (...args) => postCheckpoint(...args),
    },
    note: noteInto(segment, localRank),
    abort,
  };
  const everyone = Int32Array.from({ length: size }, (_, rank) => rank);
  const world = new Intracommunicator(environment, contextId(0, WORLD_NUMBER), {
    name: 'world',
    rank: worldRank,
    worldOf: everyone,
  });
  if (environment.areas?.holds(everyone)) world.useArea(0);
  const alone = { name: 'self', rank: 0, worldOf: Int32Array.of(worldRank) };
  const selfCommunicator = new Intracommunicator(environment, contextId(worldRank, SELF_NUMBER), alone);
  return {
    ...{ description, worldRank, localRank, segment, addon, parking, progress, engine, routes, websocket, rdma, world },
    self: selfCommunicator,
    ...{ pmi, environment, profiling: undefined },
  };
}

interface Attached {
  readonly segment: Segment;
  readonly localRank: number;
  readonly worldRank: number;
  /** Who holds the segment and the doorbells. */
  readonly agentPid: number;
  readonly pmi?: PmiJob;
}

function attach(place: Exclude<Place, { kind: 'held' }>, { addon, attempts }: LoadedAddon): Attached {
  if (place.kind === 'thread') {
    const { buffer, localRank, worldRank } = place.bootstrap;
    const segment = Segment.attach(buffer);
    bindTo(segment, localRank, addon);
    return { segment, localRank, worldRank, agentPid: process.pid };
  }
  if (place.kind === 'alone') return { segment: segmentOfOne(), localRank: 0, worldRank: 0, agentPid: process.pid };
  if ('pmi' in place) {
    if (addon === undefined) {
      const why = attempts.map(({ path, reason }) => `${path}: ${reason}`).join('; ');
      throw new MpiError('ERR_MPI_OTHER', `ranks that srun or mpiexec start need the native addon (${why}): use tsmpirun`);
    }
    const pmi = joinByPmi(place.pmi, addon);
    // Ranks have their launcher in common: its descendants may read this one's memory.
    addon.setPtracer(process.ppid);
    const own = { TSMPI_RANK: pmi.worldRank, TSMPI_SIZE: place.pmi.size, TSMPI_LOCAL_RANK: pmi.localRank };
    for (const [name, value] of Object.entries(own)) process.env[name] = String(value);
    return { segment: pmi.segment, localRank: pmi.localRank, worldRank: pmi.worldRank, agentPid: pmi.holderPid, pmi };
  }
  const { agentPid, memoryFd, byteLength, lifelineFd, localRank, worldRank } = place.bootstrap;
  if (addon === undefined) {
    throw new MpiError(
      'ERR_MPI_OTHER',
      'the native addon does not load in this rank, though it did in its agent: see `tsmpi info`',
    );
  }
  const fd = addon.open(`/proc/${agentPid}/fd/${memoryFd}`, constants.O_RDWR);
  if (fd < 0)
    throw new MpiError(
      'ERR_MPI_OTHER',
      `the job's shared memory cannot be opened (errno ${-fd}): its agent, process ${agentPid}, is gone or of another user`,
    );
  const buffer = addon.map(fd, byteLength);
  addon.close(fd);
  const segment = Segment.attach(buffer);
  if (lifelineFd >= 0) {
    const lifeline = addon.open(`/proc/${agentPid}/fd/${lifelineFd}`, constants.O_RDONLY);
    if (lifeline >= 0) addon.startLifeline(lifeline);
  }
  addon.setPtracer(agentPid);
  bindTo(segment, localRank, addon);
  return { segment, localRank, worldRank, agentPid };
}

/** Bind this thread to the core that the agent chose, if it did. */
function bindTo(segment: Segment, localRank: number, addon: Addon | undefined): void {
  const core = segment.i32[segment.control(localRank, CONTROL.core)]!;
  if (core >= 0) addon?.setAffinity([core]);
}

/** Whether a rank has ended, on this host or, as its agent was told, on another. */
function hasDeparted(segment: Segment, localOf: Int32Array, rank: number): boolean {
  const local = localOf[rank]!;
  if (local >= 0) return segment.state(local) === RANK_STATE.departed;
  return segment.peerState(rank) === RANK_STATE.departed;
}

/** Take the rank's place; refuse when somebody holds it already. */
function claim(segment: Segment, localRank: number, worldRank: number, thread: number): void {
  const holder = segment.claim(localRank, process.pid, thread);
  if (holder === undefined) return;
  const message = `rank ${worldRank} is held by process ${holder.pid}, thread ${holder.threadId}: expected one holder`;
  throw new MpiError('ERR_MPI_NO_RANK', message);
}

/** What a rank's stdout and stderr are among Node's active resources, though they keep no event loop alive. */
const STREAMS: readonly string[] = ['PipeWrap', 'PipeWrap'];

/** Return what keeps this thread's event loop alive beside those. */
function resourcesBeside(known: readonly string[]): string[] {
  const resources = process.getActiveResourcesInfo();
  for (const name of known) {
    const at = resources.indexOf(name);
    if (at >= 0) resources.splice(at, 1);
  }
  return resources;
}

/** Return the values of the attributes that every communicator has. */
function predefinedOf({ hosts, programOfRank }: JobDescription, worldRank: number): Predefined {
  const values: [object, unknown][] = [
    [TAG_UB, TAG_LIMIT],
    [WTIME_IS_GLOBAL, hosts.length === 1],
    [UNIVERSE_SIZE, hosts.reduce((sum, { slots }) => sum + slots, 0)],
    [APPNUM, programOfRank[worldRank]],
  ];
  return new Map(values);
}

/** Memory of a world of one. */
function segmentOfOne(): Segment {
  const terminal = (stream: NodeJS.WriteStream) => ({ isTTY: stream.isTTY === true, columns: 80, rows: 24, colorDepth: 1 });
  const cores = availableParallelism();
  const description: JobDescription = {
    id: `alone-${process.pid}`,
    version: '',
    size: 1,
    key: '',
    hosts: [{ name: 'localhost', slots: 1 }],
    addresses: [],
    hostOfRank: [0],
    programOfRank: [0],
    hostIndex: 0,
    localRanks: [0],
    rankKind: 'thread',
    agentPid: process.pid,
    cores,
    threadsPerRank: cores,
    boundCores: [],
    wait: 'auto',
    deterministic: false,
    transports: [],
    tls: false,
    heartbeatMs: 0,
    explain: false,
    stdout: terminal({ isTTY: false } as NodeJS.WriteStream),
    stderr: terminal({ isTTY: false } as NodeJS.WriteStream),
  };
  const text = new TextEncoder().encode(JSON.stringify(description));
  const shape = { ...shapesFor(1, text.byteLength).at(-1)!, areaCount: 0 };
  return Segment.create(new SharedArrayBuffer(layOut(shape).byteLength), shape, text);
}

/** Write each call into the rank's control block: plain stores, for the agent to read when somebody asks. */
function noteInto(segment: Segment, localRank: number): RankEnvironment['note'] {
  const { i32 } = segment;
  const calls = segment.control(localRank, CONTROL.calls);
  const words = {
    operation: segment.control(localRank, CONTROL.operation),
    peer: segment.control(localRank, CONTROL.peer),
    tag: segment.control(localRank, CONTROL.tag),
  };
  return (operation, peer, tag) => {
    i32[calls] = (i32[calls]! + 1) | 0;
    i32[words.operation] = operation;
    i32[words.peer] = peer;
    i32[words.tag] = tag;
  };
}

function areasOf(
  segment: Segment,
  localOf: Int32Array,
  localRank: number,
  parking: Parking,
  source: BulkSource | undefined,
): AreaSource {
  const views = new ElementViews(segment.buffer);
  const { areaCount, areaByteLength } = segment.layout;
  return {
    holds: (worldRanks) =>
      areaCount > 0 && worldRanks.length <= MAX_AREA_RANKS && Array.from(worldRanks).every((rank) => localOf[rank]! >= 0),
    acquire: () => segment.acquireArea(),
    release: (index) => segment.releaseArea(index),
    open: (index, worldRanks) => {
      const others = Array.from(worldRanks, (rank) => localOf[rank]!).filter((local) => local !== localRank);
      const wake = (): void => {
        for (const local of others) parking.ring(local);
      };
      const { length } = worldRanks;
      const bulk = source === undefined || length > MAX_BULK_RANKS ? undefined : new SharedBulk(length, source);
      return new SharedArea(views, segment.area(index), areaByteLength, AREA_SLOT_BYTES, bulk, wake);
    },
  };
}
