/**
 * Finalize: a rank's normal end, in the exit handler.
 *
 * The idea: sends that were started are completed as long as their destinations may still take them. One to a rank that
 * has ended waits in vain, as a receive would, and says so (`stuckOn`): whoever watches over the ranks ends the job. One
 * among ranks that have all come here cannot complete: it is named and the exit code becomes 1. Then the rank is marked as
 * departed and sleepers are rung, so that who waits for it in vain finds out.
 */

import { nowMs } from '../base/clock.ts';
import type { Send } from '../p2p/point-to-point.ts';
import { CONTROL, RANK_STATE } from '../segment/layout.ts';
import { reportProfile } from './profiling.ts';
import type { Rank } from './rank.ts';

/** Time without any progress after which a send is asked whether it can complete, in milliseconds. */
const QUIET_MS = 250;
/** The same where the destination is on another host and is ending too: what it has said may be late, after lost packets. */
const QUIET_AFAR_MS = 5000;
/** Longest sleep between two looks at the destinations, in milliseconds. */
const LOOK_MS = 20;

/** End the rank; `print` takes its profile. Return sentences about what was left undone; none: all is well. */
export function finalizeRank(rank: Rank, print: (text: string) => void): string[] {
  const { segment, localRank, progress, parking } = rank;
  const problems = dropAttributes(rank);
  segment.setState(localRank, RANK_STATE.finalizing);
  problems.push(...completeSends(rank), ...progress.unseen.drain());
  if (rank.description.profile !== undefined) problems.push(...reportProfile(rank, print));
  rank.websocket?.stop();
  rank.rdma?.stop();
  segment.setState(localRank, RANK_STATE.departed);
  segment.i32[segment.control(localRank, CONTROL.stuckOn)] = 0;
  for (let place = 0; place < segment.layout.placeCount; place++) if (place !== localRank) parking.ring(place);
  return problems;
}

/** The attributes of `self` go first: libraries have their own ends called by them. Standard: 11.2.4. */
function dropAttributes({ self }: Rank): string[] {
  try {
    self.dropAttributes();
    return [];
  } catch (error) {
    return [`the end of an attribute of self failed: ${error instanceof Error ? error.message : String(error)}`];
  }
}

function completeSends(rank: Rank): string[] {
  const { engine, progress, parking, segment, localRank } = rank;
  let since = nowMs();
  let isReported = false;
  for (;;) {
    while (progress.poll()) since = nowMs();
    const open = engine.openSends();
    // What this process still holds of them goes with it.
    if (open.length === 0 && rank.websocket?.isFlushed() !== false && rank.rdma?.isFlushed() !== false) return [];
    const quietMs = nowMs() - since;
    let stuckOn = 0;
    if (open.length > 0 && quietMs > QUIET_MS) {
      if (!isReported) segment.setText(localRank, `finalize until ${open.map((send) => send.describe()).join(', ')} is received`);
      isReported = true;
      if (open.every((send) => isLost(rank, send, quietMs))) {
        const gone = open.find((send) => stateOf(rank, peerOf(send)) === RANK_STATE.departed);
        if (gone === undefined)
          return open.map((send) => `${send.describe()} was started but never received: its destination ends too`);
        stuckOn = peerOf(gone) + 1;
      }
    }
    segment.i32[segment.control(localRank, CONTROL.stuckOn)] = stuckOn;
    parking.sleep(LOOK_MS);
  }
}

const peerOf = (send: Send): number => send.context.members.worldOf[send.dest]!;

function stateOf({ segment, description }: Rank, peer: number): number {
  const local = description.localRanks.indexOf(peer);
  return local < 0 ? segment.peerState(peer) : segment.state(local);
}

/** Whether nobody can receive that send any more, for which there has been no progress for so long. */
function isLost(rank: Rank, send: Send, quietMs: number): boolean {
  const peer = peerOf(send);
  const { hostOfRank, hostIndex } = rank.description;
  const state = stateOf(rank, peer);
  const limitMs = hostOfRank[peer] === hostIndex ? QUIET_MS : QUIET_AFAR_MS;
  return state === RANK_STATE.departed || (state === RANK_STATE.finalizing && quietMs > limitMs);
}
