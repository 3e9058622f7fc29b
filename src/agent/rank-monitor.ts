/**
 * RankMonitor: what can be seen of ranks by looking at their control blocks, without asking them.
 *
 * A rank counts its calls, names its last one, and writes what it waits for once it has waited for a while; a rank that
 * computes answers nothing, and only its counter's standing still tells for how long. A rank that waits for one that has
 * ended says so itself (`stuckOn`), since it alone knows what is still in its inbox; two looks guard against a wait that
 * was just about to complete.
 */

import { OPERATION_NAMES } from '../base/operation.ts';
import { CallJournal } from '../segment/call-journal.ts';
import { CONTROL, PEER, RANK_STATE } from '../segment/layout.ts';
import type { Segment } from '../segment/segment.ts';
import type { LostPair, PeerState, RankPort, StuckPair, Whereabouts } from './protocol.ts';

/** Context id of world's collectives: the number 0 of world rank 0, in its plane (p2p/context.ts). */
const WORLD_COLLECTIVES = 1;

/** What the owner of the ranks adds to what the segment holds. */
export interface RankLife {
  readonly pid: number;
  /** How it ended; undefined while it lives. */
  readonly ended: string | undefined;
  /** It was stopped by a signal. */
  readonly isStopped: boolean;
}

export class RankMonitor {
  readonly #segment: Segment;
  readonly #worldRanks: readonly number[];
  readonly #journal: CallJournal;
  readonly #calls: Int32Array;
  readonly #sinceMs: Float64Array;
  /** `stuckOn` and `calls` at the last look for stuck ranks. */
  readonly #stuckOn: Int32Array;
  readonly #stuckCalls: Int32Array;
  #stuckCount = 0;
  /** Ports that were told already, by local rank. */
  readonly #ports: Int32Array;
  /** Ranks whose finalizing was told, by local rank. */
  readonly #isFinalizing: Uint8Array;
  /** `lostPeer` that was told, by local rank. */
  readonly #lostPeer: Int32Array;

  /** Watch the ranks of that segment; worldRanks in local-rank order. */
  constructor(segment: Segment, worldRanks: readonly number[]) {
    this.#segment = segment;
    this.#worldRanks = worldRanks;
    this.#journal = new CallJournal(segment, 0, [...worldRanks.keys()], false);
    this.#calls = new Int32Array(worldRanks.length);
    this.#sinceMs = new Float64Array(worldRanks.length).fill(performance.now());
    this.#stuckOn = new Int32Array(worldRanks.length);
    this.#stuckCalls = new Int32Array(worldRanks.length);
    this.#ports = new Int32Array(worldRanks.length);
    this.#isFinalizing = new Uint8Array(worldRanks.length);
    this.#lostPeer = new Int32Array(worldRanks.length);
  }

  /** Note which ranks have called since the last sample. */
  sample(): void {
    for (let local = 0; local < this.#worldRanks.length; local++) {
      const calls = this.#word(local, CONTROL.calls);
      if (calls === this.#calls[local]) continue;
      this.#calls[local] = calls;
      this.#sinceMs[local] = performance.now();
    }
  }

  whereabouts(local: number, life: RankLife): Whereabouts {
    const base = { rank: this.#worldRanks[local]!, pid: life.pid, forMs: 0, collective: this.#lastCollective(local) };
    if (life.ended !== undefined) return { ...base, state: 'ended', text: life.ended };
    if (life.isStopped) return { ...base, state: 'stopped', text: '' };
    if (!this.usedTsmpi(local)) return { ...base, state: 'starting', text: '' };
    this.sample();
    const forMs = performance.now() - this.#sinceMs[local]!;
    const waitsFor = this.#segment.text(local);
    if (waitsFor !== '') return { ...base, state: 'waiting', text: waitsFor, forMs };
    const last = this.#word(local, CONTROL.calls) === 0 ? '' : (OPERATION_NAMES[this.#word(local, CONTROL.operation)] ?? '');
    return { ...base, state: 'computing', text: last, forMs };
  }

  /** The last collective that a rank called, in words, or empty. */
  #lastCollective(local: number): string {
    const record = this.#journal.last(local);
    if (record === undefined) return '';
    const { call, number, context, site } = record;
    const where = context === WORLD_COLLECTIVES ? ' on world' : '';
    return `${call.describe()}${site === '' ? '' : ` at ${site}`} as collective ${number}${where}`;
  }

  /**
   * Return live ranks that have said twice, without a call between, that they wait for one that has ended; nothing while
   * more of them come with each look, so that a verdict names all.
   */
  findStuck(isLive: (local: number) => boolean): StuckPair[] {
    const pairs: StuckPair[] = [];
    for (let local = 0; local < this.#worldRanks.length; local++) {
      const stuckOn = isLive(local) ? this.#word(local, CONTROL.stuckOn) : 0;
      const calls = this.#word(local, CONTROL.calls);
      if (stuckOn !== 0 && stuckOn === this.#stuckOn[local] && calls === this.#stuckCalls[local]) {
        const gone = this.#worldRanks.indexOf(stuckOn - 1);
        pairs.push({
          rank: this.#worldRanks[local]!,
          gone: stuckOn - 1,
          goneUsedTsmpi: gone < 0 || this.usedTsmpi(gone),
        });
      }
      this.#stuckOn[local] = stuckOn;
      this.#stuckCalls[local] = calls;
    }
    const isComplete = pairs.length === this.#stuckCount;
    this.#stuckCount = pairs.length;
    return isComplete ? pairs : [];
  }

  /** Whether the rank has claimed its place. */
  usedTsmpi(local: number): boolean {
    return this.#word(local, CONTROL.pid) !== 0;
  }

  /** The reason of a rank that called abort(), and its code; undefined: it did not. */
  aborted(local: number): { code: number; reason: string } | undefined {
    if (this.#segment.state(local) !== RANK_STATE.aborted) return undefined;
    return { code: this.#word(local, CONTROL.exitCode), reason: this.#segment.text(local) };
  }

  /** Mark a rank as departed that has ended without saying so, so that those who wait for it learn of it. */
  markDeparted(local: number): void {
    if (this.#segment.state(local) !== RANK_STATE.aborted) this.#segment.setState(local, RANK_STATE.departed);
  }

  /** Tell every rank how the job ends, before any signal does. */
  setNotice(notice: number): void {
    for (let local = 0; local < this.#worldRanks.length; local++) {
      Atomics.store(this.#segment.i32, this.#segment.control(local, CONTROL.notice), notice); // pairs with runtime/eviction.ts
    }
  }

  /** Whether the rank looks at notices. */
  heeds(local: number): boolean {
    return this.#word(local, CONTROL.heeds) !== 0;
  }

  /** Return the ports that ranks have written since the last look (pairs with the rank's store). */
  newPorts(): RankPort[] {
    return this.#worldRanks.flatMap((rank, local) => {
      const port = this.#word(local, CONTROL.port);
      if (port === this.#ports[local]) return [];
      this.#ports[local] = port;
      return [{ rank, port }];
    });
  }

  /** Write where ranks are reached; a rank that finds 0 there looks again when it is rung. */
  setPorts(ports: readonly RankPort[]): void {
    for (const { rank, port } of ports) Atomics.store(this.#segment.i32, this.#segment.peer(rank, PEER.port), port);
  }

  /** Return the ranks that have begun to finalize since the last look, and are not done with it. */
  newFinalizing(): number[] {
    return this.#worldRanks.filter((_, local) => {
      if (this.#isFinalizing[local] === 1 || this.#segment.state(local) !== RANK_STATE.finalizing) return false;
      this.#isFinalizing[local] = 1;
      return true;
    });
  }

  /** Return the ranks that have lost a connection with another since the last look. */
  newLost(): LostPair[] {
    return this.#worldRanks.flatMap((rank, local) => {
      const lost = this.#word(local, CONTROL.lostPeer);
      if (lost === 0 || lost === this.#lostPeer[local]) return [];
      this.#lostPeer[local] = lost;
      return [{ rank, peer: lost - 1, errno: this.#word(local, CONTROL.lostErrno) }];
    });
  }

  /** Write how far ranks of other hosts are with their end; it only goes forward. */
  setPeerStates(states: readonly PeerState[]): void {
    for (const { rank, state } of states) {
      const value = Math.max(RANK_STATE[state], this.#segment.peerState(rank));
      Atomics.store(this.#segment.i32, this.#segment.peer(rank, PEER.state), value);
    }
  }

  /** Take down the flag of a rank that sleeps; whoever did must ring it (pairs with the sleeper's store, see parking.ts). */
  takeSleepingFlag(local: number): boolean {
    return Atomics.exchange(this.#segment.i32, this.#segment.control(local, CONTROL.sleeping), 0) !== 0;
  }

  #word(local: number, field: number): number {
    return Atomics.load(this.#segment.i32, this.#segment.control(local, field));
  }
}
