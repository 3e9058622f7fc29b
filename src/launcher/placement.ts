/**
 * Placement: which program each rank runs and on which host, from what was asked for and what the hosts have.
 *
 * Ranks fill the slots host by host (--map-by slot) or go round the hosts (--map-by host). More ranks than slots are
 * placed all the same, spread evenly; --ppn is a limit and stays one.
 */

import type { ListedHost } from './hosts/host-list.ts';
import type { LaunchOptions } from './options.ts';
import { UsageError } from './usage-error.ts';

/** A host with ranks on it. */
export interface PlacedHost {
  readonly name: string;
  readonly user: string | undefined;
  readonly slots: number;
}

export interface Placement {
  readonly size: number;
  /** Index into the options' blocks of each world rank. */
  readonly programOfRank: readonly number[];
  /** Hosts that have ranks, in the order they were listed. */
  readonly hosts: readonly PlacedHost[];
  /** Index into `hosts` of each world rank. */
  readonly hostOfRank: readonly number[];
}

/** This machine, and the slots that it has when nobody says how many. */
export interface OwnHost {
  readonly name: string;
  readonly cores: number;
}

/** Place the ranks of all blocks on those hosts; undefined: on this machine. */
export function placeRanks(
  options: Pick<LaunchOptions, 'blocks' | 'ppn' | 'stdin' | 'mapBy'>,
  listed: readonly ListedHost[] | undefined,
  own: OwnHost,
): Placement {
  const { blocks, ppn, stdin, mapBy } = options;
  if (blocks.length > 1 && blocks.some((block) => block.ranks === undefined)) {
    throw new UsageError('with several programs each of them needs -n');
  }
  const hosts = listed ?? [{ name: own.name, user: undefined, slots: own.cores }];
  const slots = hosts.map((host) => ppn ?? host.slots ?? 1);
  const total = slots.reduce((sum, count) => sum + count, 0);
  const programOfRank = blocks.flatMap((block, index) => new Array<number>(block.ranks ?? total).fill(index));
  const size = programOfRank.length;
  if (ppn !== undefined && size > total) {
    const there = hosts.length === 1 ? 'there is one' : `there are ${hosts.length}`;
    throw new UsageError(`${size} ranks with --ppn ${ppn} need ${Math.ceil(size / ppn)} hosts; ${there}`);
  }
  if (typeof stdin === 'number' && stdin >= size) {
    throw new UsageError(`--stdin ${stdin}: there is no such rank; the job has ranks 0 to ${size - 1}`);
  }
  const counts = mapBy === 'host' ? spread(size, slots) : fill(size, slots);
  const hostOfRank = mapBy === 'host' ? dealRound(counts) : counts.flatMap((count, host) => new Array<number>(count).fill(host));
  return { size, programOfRank, ...dropEmpty(hosts, slots, hostOfRank, listed === undefined) };
}

/**
 * Refuse a range of ports that cannot be enough: each rank that may meet ranks of other hosts listens on one of its host,
 * or the relay for all of them, and so does the launcher (`local`: the index of its host) where agents dial in. Where ranks
 * listen, whether a relay comes to is not known yet.
 */
export function requirePorts(
  { ports, rankKind, transports, tls, blocks }: Pick<LaunchOptions, 'ports' | 'rankKind' | 'transports' | 'tls' | 'blocks'>,
  { hosts, hostOfRank, programOfRank }: Placement,
  local: number,
  areCalled: boolean,
): void {
  if (ports === undefined || hosts.length < 2) return;
  const [first, last] = ports;
  const mayUse = (transport: string): boolean => transports.length === 0 || transports.includes(transport);
  const ranksListen = rankKind !== 'thread' && !tls && mayUse('websocket');
  for (const [index, { name }] of hosts.entries()) {
    // An executable of any kind may know nothing of tsmpi.
    const isListening = (host: number, rank: number): boolean => host === index && !blocks[programOfRank[rank]!]!.exec;
    const ranks = hostOfRank.filter(isListening).length;
    const forRanks = ranksListen ? ranks : Math.min(ranks, mayUse('relay') ? 1 : 0);
    const needed = forRanks + (index === local && !areCalled ? 1 : 0);
    if (needed <= last - first + 1) continue;
    const own = ranksListen ? `one for each of its ${ranks} ranks` : 'one for the relay of its ranks';
    const whose = `${own}${needed > forRanks ? ', and one for the launcher' : ''}`;
    throw new UsageError(`--ports ${first}-${last} are too few: ${name} needs ${needed}, ${whose}`);
  }
}

/** Fill host after host; what is left over goes round. */
function fill(size: number, slots: readonly number[]): number[] {
  let left = size;
  const counts = slots.map((limit) => {
    const count = Math.min(limit, left);
    left -= count;
    return count;
  });
  return addRound(counts, left);
}

/** Give each host one in turn while it has slots; what is left over goes round. */
function spread(size: number, slots: readonly number[]): number[] {
  const counts = slots.map(() => 0);
  let left = size;
  while (left > 0 && counts.some((count, host) => count < slots[host]!)) {
    for (let host = 0; host < slots.length && left > 0; host++) {
      if (counts[host]! >= slots[host]!) continue;
      counts[host]!++;
      left--;
    }
  }
  return addRound(counts, left);
}

function addRound(counts: readonly number[], left: number): number[] {
  const each = Math.floor(left / counts.length);
  return counts.map((count, host) => count + each + (host < left % counts.length ? 1 : 0));
}

/** Return the host of each rank when ranks go round the hosts. */
function dealRound(counts: readonly number[]): number[] {
  const hostOfRank: number[] = [];
  const most = Math.max(...counts);
  for (let turn = 0; turn < most; turn++) {
    for (const [host, count] of counts.entries()) if (turn < count) hostOfRank.push(host);
  }
  return hostOfRank;
}

/** Leave out hosts without ranks. */
function dropEmpty(
  hosts: readonly ListedHost[],
  slots: readonly number[],
  hostOfRank: readonly number[],
  isOwnAlone: boolean,
): Pick<Placement, 'hosts' | 'hostOfRank'> {
  const used = [...new Set(hostOfRank)].sort((a, b) => a - b);
  return {
    hosts: used.map((host) => {
      const { name, user } = hosts[host]!;
      return { name, user, slots: isOwnAlone ? hostOfRank.length : slots[host]! };
    }),
    hostOfRank: hostOfRank.map((host) => used.indexOf(host)),
  };
}
