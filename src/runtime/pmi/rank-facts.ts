/**
 * RankFacts: what each rank of a job without agents tells the others before anything is shared, and the hosts that follow.
 *
 * Ranks are on one host when they can open each other's descriptors: the same boot, the same /dev/shm, the same process ids.
 * A host name proves nothing, and containers share the boot. Hosts are numbered by their lowest ranks.
 */

import { readFileSync, statSync } from 'node:fs';
import { hostname } from 'node:os';
import { MpiError } from '../../base/errors.ts';
import { VERSION } from '../../base/version.ts';
import type { Addon } from '../../native/addon.ts';

export interface RankFacts {
  readonly version: string;
  /** Equal on ranks of one host. */
  readonly place: string;
  readonly host: string;
  readonly pid: number;
  /** Descriptor of the read end of its line: an end of it is an end of the rank. */
  readonly line: number;
  /** Cores that it may use, a bit each, in hexadecimal. */
  readonly cores: string;
  /** Which program of the launcher's command line it runs. */
  readonly program: number;
}

/** Hosts of a job, in the order of their lowest ranks. */
export interface Hosts {
  /** World ranks of each host, ascending. */
  readonly ranks: readonly (readonly number[])[];
  readonly hostOfRank: readonly number[];
}

/** Return the facts of this process. */
export function ownFacts(addon: Addon, line: number, program: number): RankFacts {
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  const cores = addon.getAffinity().reduce((bits, core) => bits | (1n << BigInt(core)), 0n);
  return {
    version: VERSION,
    place: `${boot}.${statSync('/dev/shm').dev}.${statSync('/proc/self/ns/pid').ino}`,
    host: hostname(),
    pid: process.pid,
    line,
    cores: cores.toString(16),
    program,
  };
}

/** Write a value so that it passes through a launcher's key-value store. Throws an MpiError where it is too long for that. */
export function encodeValue(value: object, capacity: number): string {
  const text = Buffer.from(JSON.stringify(value)).toString('base64url');
  if (text.length <= capacity) return text;
  const message = `what this rank has to tell takes ${text.length} characters: the launcher takes ${capacity} at most`;
  throw new MpiError('ERR_MPI_OTHER', message);
}

/** Read such a value; undefined: it was not there. `whose`: in words. */
export function decodeValue<T extends object>(text: string | undefined, whose: string): T {
  try {
    return JSON.parse(Buffer.from(text!, 'base64url').toString()) as T;
  } catch {
    const got = text === undefined ? 'nothing' : JSON.stringify(text.slice(0, 64));
    throw new MpiError('ERR_MPI_OTHER', `the launcher holds ${got} as ${whose}: expected what that rank has put there`);
  }
}

/** Throw where a rank loads another version than this one. */
export function requireVersion({ version, host }: RankFacts, rank: number, own: number): void {
  if (version === VERSION) return;
  throw new MpiError(
    'ERR_MPI_OTHER',
    `rank ${rank} on ${host} loads tsmpi ${version} and rank ${own} ${VERSION}: expected one version`,
  );
}

/** Return the hosts of ranks with those facts, which are in the order of ranks. */
export function groupByHost(facts: readonly RankFacts[]): Hosts {
  const indexOf = new Map<string, number>();
  const ranks: number[][] = [];
  const hostOfRank = facts.map(({ place }, rank) => {
    const host = indexOf.get(place) ?? ranks.push([]) - 1;
    indexOf.set(place, host);
    ranks[host]!.push(rank);
    return host;
  });
  return { ranks, hostOfRank };
}

/** Return how many cores ranks may use all together. */
export function countCores(facts: readonly RankFacts[]): number {
  const bits = facts.reduce((sum, { cores }) => sum | BigInt(`0x${cores}`), 0n);
  return bits.toString(2).replaceAll('0', '').length;
}
