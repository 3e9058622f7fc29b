/**
 * Messages between the agent and the thread host, the child process whose threads are the ranks. They travel over Node's
 * own channel between parent and child; output and input of the ranks have pipes of their own.
 */

import type { PeerState, RankPort, RelayOffer, StuckPair, Whereabouts } from './protocol.ts';

/** What the thread host needs to start one rank. */
export interface ThreadRankStart {
  readonly rank: number;
  readonly local: number;
  /** Absolute path of the module to run. */
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Descriptors in the thread host; -1: no input. */
  readonly stdin: number;
  readonly stdout: number;
  readonly stderr: number;
  /** Core that the rank binds itself to; -1: none. */
  readonly core: number;
}

export type ToThreadHost =
  | {
      readonly kind: 'start';
      readonly ranks: readonly ThreadRankStart[];
      readonly description: string;
      /** As in SegmentShape. */
      readonly peerCount: number;
    }
  | { readonly kind: 'peers'; readonly ports: readonly RankPort[] }
  | { readonly kind: 'peerStates'; readonly states: readonly PeerState[] }
  | { readonly kind: 'relay'; readonly offer: RelayOffer }
  | { readonly kind: 'where' }
  /** The job is to go: ranks that look for a notice get one; else the thread host ends. */
  | { readonly kind: 'evict' };

export type FromThreadHost =
  | { readonly kind: 'started'; readonly segmentByteLength: number }
  | { readonly kind: 'failed'; readonly message: string }
  | {
      readonly kind: 'exit';
      readonly rank: number;
      readonly code: number;
      readonly aborted: string | undefined;
      readonly usedTsmpi: boolean;
      readonly note: string | undefined;
    }
  | { readonly kind: 'finalizing'; readonly ranks: readonly number[] }
  | { readonly kind: 'relay'; readonly offer: RelayOffer }
  /** The relay cannot do its work. */
  | { readonly kind: 'relayFailed'; readonly message: string }
  | { readonly kind: 'stuck'; readonly pairs: readonly StuckPair[] }
  | { readonly kind: 'where'; readonly where: readonly Whereabouts[] };
