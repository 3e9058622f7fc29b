/**
 * Two-phase: which rank reads or writes which bytes of a collective access, and in which round.
 *
 * The idea: what all ranks together access, from the first block to the last, is cut into one stretch of blocks a host; the
 * lowest rank of the host, its server, works through it in windows, one a round. Every rank cuts its own runs on
 * the windows' borders and tells each server what comes in which round; so all know what to send and to receive.
 * Cost: each byte travels once, between its rank and a server. Memory: a window, and as much as ranks send for it.
 * See: R. Thakur, W. Gropp, E. Lusk, Data Sieving and Collective I/O in ROMIO (1999).
 */

import type { Collectives } from '../../collective/collectives.ts';
import type { Port, Step } from '../../collective/schedule.ts';
import type { Phase } from './agreement.ts';
import type { Span } from './span.ts';

/** No two hosts access the same one: NFS clients must not share a page, and file systems lock by up to so much. */
export const BLOCK_BYTES: number = 1 << 20;
/** What a server holds of the file at a time. */
export const WINDOW_BYTES: number = 8 * BLOCK_BYTES;

/** Runs of one rank in one window. */
export interface Portion {
  readonly offsets: number[];
  readonly lengths: number[];
  /** Where each lies in the packed bytes of the rank's data. */
  readonly places: number[];
  byteLength: number;
}

/** What of it a server is told, by rank: runs and bytes in a round. */
export interface Announced {
  readonly source: number;
  readonly runs: number;
  readonly byteLength: number;
}

/** The plan of one access, of this rank. */
export class TwoPhase {
  /** Ranks that read and write, one a host. */
  readonly servers: readonly number[];
  readonly rounds: number;
  readonly #firstBlock: number;
  readonly #blocksPerServer: number;
  readonly #portions = new Map<number, Portion>();
  /** Where this rank serves: by source, runs and bytes of each round. */
  #announced: Float64Array[] = [];

  /** `low`, `high`: the bytes that any rank accesses. */
  constructor(port: Port, low: number, high: number) {
    this.servers = port.hosts?.ranksOf.map((ranks) => ranks[0]!) ?? [0];
    this.#firstBlock = Math.floor(low / BLOCK_BYTES);
    const blocks = Math.ceil(high / BLOCK_BYTES) - this.#firstBlock;
    this.#blocksPerServer = Math.ceil(blocks / this.servers.length);
    this.rounds = Math.ceil((this.#blocksPerServer * BLOCK_BYTES) / WINDOW_BYTES);
  }

  /** Cut this rank's runs, and tell the servers what is theirs. */
  *announce(port: Port, span: Span): Phase<void> {
    this.#cut(span);
    const own = this.servers.indexOf(port.rank);
    let step: Step | undefined;
    if (own >= 0) {
      this.#announced = Array.from({ length: port.size }, () => new Float64Array(2 * this.rounds));
      for (const [source, counts] of this.#announced.entries()) step = port.recv(counts, source);
    }
    for (const [server, dest] of this.servers.entries()) {
      const counts = new Float64Array(2 * this.rounds);
      for (let round = 0; round < this.rounds; round++) {
        const portion = this.portion(server, round);
        counts[2 * round] = portion?.offsets.length ?? 0;
        counts[2 * round + 1] = portion?.byteLength ?? 0;
      }
      step = port.send(counts, dest);
    }
    if (step !== undefined) yield step;
  }

  /** What this rank accesses by way of a server in a round. */
  portion(server: number, round: number): Portion | undefined {
    return this.#portions.get(server * this.rounds + round);
  }

  /** What ranks access by way of this one in a round; empty where it serves nobody. */
  announced(round: number): Announced[] {
    return this.#announced.flatMap((counts, source) => {
      const runs = counts[2 * round]!;
      return runs === 0 ? [] : [{ source, runs, byteLength: counts[2 * round + 1]! }];
    });
  }

  #cut({ offsets, lengths }: Span): void {
    let place = 0;
    for (const [k, offset] of offsets.entries()) {
      const end = offset + lengths[k]!;
      for (let at = offset; at < end; ) {
        const block = Math.floor(at / BLOCK_BYTES) - this.#firstBlock;
        const server = Math.floor(block / this.#blocksPerServer);
        const first = server * this.#blocksPerServer;
        const round = Math.floor(((block - first) * BLOCK_BYTES) / WINDOW_BYTES);
        const windowEnd = (this.#firstBlock + first) * BLOCK_BYTES + (round + 1) * WINDOW_BYTES;
        const stretchEnd = (this.#firstBlock + first + this.#blocksPerServer) * BLOCK_BYTES;
        const length = Math.min(end, windowEnd, stretchEnd) - at;
        this.#add(server * this.rounds + round, at, length, place);
        at += length;
        place += length;
      }
    }
  }

  #add(key: number, offset: number, length: number, place: number): void {
    let portion = this.#portions.get(key);
    if (portion === undefined) {
      portion = { offsets: [], lengths: [], places: [], byteLength: 0 };
      this.#portions.set(key, portion);
    }
    portion.offsets.push(offset);
    portion.lengths.push(length);
    portion.places.push(place);
    portion.byteLength += length;
  }
}

/** Make the plan of an access: all ranks learn from where to where it goes. undefined: nobody accesses anything. */
export function* planTwoPhase(port: Port, collectives: Collectives, span: Span): Phase<TwoPhase | undefined> {
  const bounds = new Float64Array(2 * port.size);
  yield* collectives.internal.allgather(port, { data: Float64Array.of(span.low, span.high), into: bounds, count: 2 });
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (let rank = 0; rank < port.size; rank++) {
    low = Math.min(low, bounds[2 * rank]!);
    high = Math.max(high, bounds[2 * rank + 1]!);
  }
  if (!(high > low)) return undefined;
  const plan = new TwoPhase(port, low, high);
  yield* plan.announce(port, span);
  return plan;
}

/** Runs as they travel: offset and length of each. */
export function encodeRuns({ offsets, lengths }: Portion): Float64Array {
  const runs = new Float64Array(2 * offsets.length);
  for (const [k, offset] of offsets.entries()) {
    runs[2 * k] = offset;
    runs[2 * k + 1] = lengths[k]!;
  }
  return runs;
}
