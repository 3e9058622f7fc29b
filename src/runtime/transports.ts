/**
 * Transports: what a rank has to move frames with, put together; with rank.ts it alone names concrete ones.
 */

import { existsSync } from 'node:fs';
import type { JobDescription } from '../bootstrap/job.ts';
import type { Addon } from '../native/addon.ts';
import { EIO } from '../native/errno.ts';
import type { Engine } from '../p2p/engine.ts';
import { CONTROL } from '../segment/layout.ts';
import type { Parking } from '../segment/parking.ts';
import type { Segment } from '../segment/segment.ts';
import { SIGNAL as SIGNAL_FRAME } from '../transport/frame.ts';
import type { RdmaTransport } from '../transport/rdma/rdma-transport.ts';
import { SIGNAL } from '../transport/rdma/signals.ts';
import { RelayTransport } from '../transport/relay/relay-transport.ts';
import { SelfTransport } from '../transport/self/self-transport.ts';
import { ShmTransport } from '../transport/shm/shm-transport.ts';
import { TAKEN, type Transport } from '../transport/transport.ts';
import { WebsocketTransport } from '../transport/websocket/websocket-transport.ts';
import { Fallback } from './fallback.ts';
import { JobAddressBook } from './job-address-book.ts';
import { openRdma } from './open-rdma.ts';
import type { PmiJob } from './pmi/pmi-job.ts';
import { type Candidate, isAllowed, Routes } from './routes.ts';
import { LOOPBACK, SegmentAddressBook } from './segment-address-book.ts';

/** Where the kernel lists RDMA devices. */
const DEVICES = '/sys/class/infiniband';

/** What they need of the rank. */
export interface TransportPlan {
  readonly description: JobDescription;
  readonly worldRank: number;
  readonly localRank: number;
  /** Local rank of each world rank, -1 elsewhere. */
  readonly localOf: Int32Array;
  readonly segment: Segment;
  readonly kind: 'process' | 'thread' | 'alone';
  readonly addon: Addon | undefined;
  readonly parking: Parking;
  readonly engine: Engine;
  /** Where no agent started the ranks. */
  readonly pmi: PmiJob | undefined;
  readonly hasDeparted: (worldRank: number) => boolean;
  /** A rank is reached in another way than was chosen at first. */
  readonly onRouteChange: (routes: Routes, peer: number) => void;
}

export interface Transports {
  readonly routes: Routes;
  /** Those in use, the busiest first: they are to be polled. */
  readonly polled: readonly Transport[];
  readonly shm: ShmTransport;
  /** undefined: no peer is reached by it. */
  readonly websocket: WebsocketTransport | undefined;
  readonly rdma: RdmaTransport | undefined;
  readonly relay: RelayTransport | undefined;
}

/** Open the transports that a peer may need, and choose the route to each. */
export function openTransports(plan: TransportPlan): Transports {
  const { description, worldRank, localRank, localOf, segment, addon, parking, engine } = plan;
  const { size, transports, hosts } = description;
  const self = new SelfTransport(worldRank, engine);
  const shm = new ShmTransport(segment, localRank, localOf, parking, addon);
  const relay = openRelay(plan, shm);
  // What comes before an RDMA connection goes by way of the agents, whether or not messages may.
  const byAgents = typeof relay === 'string' && isAllowed(transports, 'rdma') && hosts.length > 1 && plan.pmi === undefined;
  const messenger = byAgents ? makeRelay(plan, shm) : typeof relay === 'string' ? undefined : relay;
  let fallback: Fallback | undefined;
  const websocket = openWebsocket(plan, (peer, reason, isForGood) => fallback?.onUnreachable(peer, reason, isForGood));
  const named = <T extends Transport>(name: string, transport: T | string): Candidate =>
    typeof transport === 'string' ? { name, absent: transport } : { name, transport };
  const rdma = openRdmaIfUsed(plan, shm, messenger, (peer, reason) => {
    if (routes.avoid(peer, 'rdma', reason)) plan.onRouteChange(routes, peer);
  });
  const sockets = [named('rdma', rdma), named('websocket', websocket), named('relay', relay)];
  const candidates = [named('self', self), named('shm', shm), ...sockets];
  const routes = new Routes(candidates, transports, worldRank, size);
  const isUsed = (transport: Transport): boolean => routes.transports.includes(transport);
  const polled: Transport[] = [];
  if (messenger !== undefined || typeof rdma !== 'string' || isUsed(shm)) polled.push(shm);
  if (typeof rdma !== 'string') polled.push(rdma);
  if (typeof websocket !== 'string' && isUsed(websocket)) polled.push(websocket);
  if (messenger !== undefined) polled.push(messenger);
  if (isUsed(self)) polled.push(self);
  if (typeof websocket !== 'string' && typeof relay !== 'string') {
    const made = new Fallback(routes, websocket, relay, plan.hasDeparted, (peer) => plan.onRouteChange(routes, peer));
    relay.onCall = (peer) => made.onCall(peer);
    fallback = made;
  }
  return {
    ...{ routes, polled, shm },
    websocket: typeof websocket === 'string' ? undefined : websocket,
    rdma: typeof rdma === 'string' ? undefined : rdma,
    relay: typeof relay === 'string' ? undefined : relay,
  };
}

/** Open the transport between ranks that share no memory where a peer needs it; else return why there is none. */
function openWebsocket(
  { description, worldRank, localRank, localOf, segment, kind, addon, parking, pmi }: TransportPlan,
  onUnreachable: (peer: number, reason: string, isForGood: boolean) => void,
): WebsocketTransport | string {
  const { id, key, size, hosts, localRanks, transports, addresses, ports, hostIndex, tls, heartbeatMs } = description;
  const usesMemory = isAllowed(transports, 'shm');
  if (usesMemory && localRanks.length === size) return 'every rank is on this host';
  if (!isAllowed(transports, 'websocket')) return 'not in --transport';
  if (tls) return 'its frames are not encrypted, as --tls demands';
  if (kind !== 'process' || addon === undefined)
    return 'ranks that are threads have no sockets of their own: start them with --ranks process';
  const book =
    hosts.length > 1
      ? (pmi?.addressBook() ?? new JobAddressBook(addon, segment, localRank, description))
      : new SegmentAddressBook(segment, localRank, localOf, parking);
  const transport = new WebsocketTransport({
    ...{ addon, worldRank, size, jobId: id, key: Buffer.from(key, 'base64'), book, onUnreachable },
    bind: { addresses: [addresses[hostIndex] ?? LOOPBACK], portRange: ports },
    isBesideMemory: usesMemory && localRanks.length > 1,
    watch: (fd) => parking.watch(fd),
    // Without agents nobody is told of a lost connection: ranks watch over each other (pmi/).
    silenceMs: hosts.length > 1 && pmi === undefined ? heartbeatMs : undefined,
    // What became of the peer is its agent's to find out. Only if nothing did, the lost connection itself ends the job.
    onSuspicion: (peer, _reason, isFinal) => {
      if (!isFinal || !transport.isConnected(peer)) return;
      segment.i32[segment.control(localRank, CONTROL.lostErrno)] = transport.lossOf(peer);
      Atomics.store(segment.i32, segment.control(localRank, CONTROL.lostPeer), peer + 1); // pairs with agent/rank-monitor.ts
    },
  });
  return transport;
}

/** Open RDMA where a peer may be reached by it; else return why there is none. Whoever asks this rank gets an answer. */
function openRdmaIfUsed(
  { description, worldRank, localRank, localOf, segment, kind, addon, parking, pmi, hasDeparted }: TransportPlan,
  shm: ShmTransport,
  relay: RelayTransport | undefined,
  onRefused: (peer: number, reason: string) => void,
): RdmaTransport | string {
  const { size, transports, localRanks, hosts, tls } = description;
  const tell = (peer: number, what: number, address: number, port: number): boolean => {
    const word = what | (port << 8);
    if (localOf[peer]! >= 0) return shm.sendSignal(peer, worldRank, word, address);
    return relay?.sendControl(peer, SIGNAL_FRAME, word, address) === TAKEN;
  };
  const open = (): RdmaTransport | string => {
    if (isAllowed(transports, 'shm') && localRanks.length === size) return 'every rank is on this host';
    if (!isAllowed(transports, 'rdma')) return 'not in --transport';
    if (!transports.includes('rdma') && (hosts.length === 1 || !existsSync(DEVICES))) return 'this host has no RDMA device';
    if (tls) return 'its frames are not encrypted, as --tls demands';
    if (kind !== 'process' || addon === undefined)
      return 'ranks that are threads do not use RDMA: start them with --ranks process';
    if (pmi !== undefined && hosts.length > 1) return 'there are no agents by which ranks could arrange a connection';
    const watch = (fd: number): void => parking.watch(fd);
    // As of a lost websocket: if nothing else is found out, the connection itself ends the job.
    const onLost = (peer: number): void => {
      segment.i32[segment.control(localRank, CONTROL.lostErrno)] = EIO;
      Atomics.store(segment.i32, segment.control(localRank, CONTROL.lostPeer), peer + 1); // pairs with agent/rank-monitor.ts
    };
    return openRdma({ description, worldRank, addon, signals: { tell }, watch, hasDeparted, onRefused, onLost });
  };
  const rdma = open();
  const onSignal = (from: number, word: number, address: number): void => {
    if (typeof rdma !== 'string') rdma.onSignal(from, word & 0xff, address, word >>> 8);
    // An answer that finds no room is asked for again.
    else tell(from, SIGNAL.refused, 0, 0);
  };
  shm.onSignal = onSignal;
  if (relay !== undefined) relay.onSignal = onSignal;
  return rdma;
}

/** Open the way by the agents in jobs over several hosts; else return why there is none. */
function openRelay(plan: TransportPlan, shm: ShmTransport): RelayTransport | string {
  const { description, pmi } = plan;
  const { hosts, transports } = description;
  if (hosts.length === 1) return 'every rank is on this host';
  if (!isAllowed(transports, 'relay')) return 'not in --transport';
  if (pmi !== undefined) return 'there are no agents';
  return makeRelay(plan, shm);
}

function makeRelay(
  { description: { size }, worldRank, localOf, segment, parking, addon }: TransportPlan,
  shm: ShmTransport,
): RelayTransport {
  const { small, large } = shm;
  const isLocal = (rank: number): boolean => localOf[rank]! >= 0;
  const relay = new RelayTransport({ segment, worldRank, size, isLocal, parking, small, large, addon });
  shm.onRelayed = (handler, cell) => relay.handle(handler, cell);
  return relay;
}
