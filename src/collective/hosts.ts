/**
 * Hosts: the ranks of a communicator by the host that they run on, for two-level algorithms.
 *
 * The idea: hosts are numbered by their lowest rank. Where the ranks of each host follow one another, combining hosts in
 * that order combines ranks in order.
 */

import type { Hosts, Port } from './schedule.ts';

/** Group ranks by their hosts' names, of any kind. */
export function groupByHost(names: Iterable<number>): Hosts {
  const numbers = new Map<number, number>();
  const ranksOf: number[][] = [];
  const hostOf: number[] = [];
  let isContiguous = true;
  let rank = 0;
  for (const name of names) {
    let host = numbers.get(name);
    if (host === undefined) {
      host = ranksOf.length;
      numbers.set(name, host);
      ranksOf.push([]);
    } else if (host !== hostOf[rank - 1]) isContiguous = false;
    ranksOf[host]!.push(rank);
    hostOf.push(host);
    rank++;
  }
  return { ranksOf, hostOf, isContiguous };
}

/** Make the port of a part of the ranks, to which this one belongs: they are numbered in the order given, and have no area. */
export function portAmong(port: Port, ranks: readonly number[]): Port {
  return {
    rank: ranks.indexOf(port.rank),
    size: ranks.length,
    area: undefined,
    hosts: undefined,
    check: port.check,
    mismatch: (rank) => port.mismatch(rank < 0 ? rank : ranks[rank]!),
    send: (data, dest) => port.send(data, ranks[dest]!),
    recv: (into, source, onPart) => port.recv(into, ranks[source]!, onPart),
    exchange: (data, dest, into, source, onPart) => port.exchange(data, ranks[dest]!, into, ranks[source]!, onPart),
    until: (word, value) => port.until(word, value),
  };
}

/** The two levels as one rank sees them. */
export interface Levels {
  /** The ranks of this rank's host. */
  readonly local: Port;
  /** The leader's number among them. */
  readonly localLeader: number;
  /** The leaders, one a host in the order of hosts; undefined on a rank that is none. */
  readonly leaders: Port | undefined;
}

/** Divide the ranks into levels. The lowest rank of a host leads it, `special` the host that it is on. */
export function levelsOf(port: Port, special = -1): Levels {
  const { ranksOf, hostOf } = port.hosts!;
  const chosen = special < 0 ? -1 : hostOf[special]!;
  const leaders = ranksOf.map((ranks, host) => (host === chosen ? special : ranks[0]!));
  const host = hostOf[port.rank]!;
  const ranks = ranksOf[host]!;
  return {
    local: portAmong(port, ranks),
    localLeader: ranks.indexOf(leaders[host]!),
    leaders: leaders[host] === port.rank ? portAmong(port, leaders) : undefined,
  };
}
