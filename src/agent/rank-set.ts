/**
 * RankSet: the ranks of one host as the agent drives them, and what they report back.
 *
 * Two implementations: process-ranks (each rank a process) and thread-ranks (all ranks threads of one child process).
 * Ranks are world ranks. Facts come in the order in which the agent learned of them; after `onExit` of a rank more of
 * its output may come, after `onClosed` none.
 */

import type { LostPair, PeerState, RankExit, RankPort, RelayOffer, StuckPair, Whereabouts } from './protocol.ts';

export interface RankEvents {
  onOutput(rank: number, stream: 1 | 2, bytes: Uint8Array): void;
  onExit(exit: RankExit): void;
  /** Everything the rank wrote has been told; note: what is known about its death beyond the exit code. */
  onClosed(rank: number, note: string | undefined): void;
  onStuck(pairs: readonly StuckPair[]): void;
  /** Ranks can be reached from other hosts from now on. */
  onListening(ports: readonly RankPort[]): void;
  /** Those ranks have been finalizing for a while. */
  onFinalizing(ranks: readonly number[]): void;
  /** Ranks have lost connections with others. */
  onLostPeers(pairs: readonly LostPair[]): void;
  /** The relay of this host wants a link with another's. */
  onRelayOffer(offer: RelayOffer): void;
  /** That much input has reached the ranks that read it. */
  onInputTaken(byteLength: number): void;
  /** Nobody reads input any more. */
  onInputClosed(): void;
  /** Ranks could not be started, or cannot go on. */
  onFailed(exitCode: number, message: string): void;
}

export interface StartedRanks {
  /** Process ids in local-rank order; 0: could not be started. */
  readonly pids: readonly number[];
  /** Bytes of shared memory. */
  readonly segmentByteLength: number;
}

export interface RankSet {
  /** Start every rank. */
  start(): Promise<StartedRanks>;
  signal(signal: NodeJS.Signals): void;
  /**
   * SIGTERM now, SIGKILL after the grace; a second call may shorten the grace. `isEviction`: nothing has failed, and ranks that
   * look for a notice have the grace to go on.
   */
  end(graceMs: number, isEviction?: boolean): void;
  /** Kill everything at once, without waiting for anything. */
  kill(): void;
  giveBack(rank: number, byteLength: number): void;
  writeInput(bytes: Uint8Array): void;
  endInput(): void;
  whereabouts(): Promise<Whereabouts[]>;
  /** Tell the ranks where those of other hosts, and they themselves, are reached. */
  setPorts(ports: readonly RankPort[]): void;
  /** Tell the ranks how far those of other hosts are with their end. */
  setPeerStates(states: readonly PeerState[]): void;
  /** The relay of another host wants a link with this one's. */
  takeRelayOffer(offer: RelayOffer): void;
  /** Return when what ranks have sent by the relay has arrived, or cannot any more; undefined: it has. */
  flushRelay(): Promise<void> | undefined;
  /** All ranks have ended: let the relays of other hosts know. */
  closeRelay(): void;
  /** Ranks that never used tsmpi; asked when all have ended. */
  unused(): number[];
}
