/**
 * Finalize: a rank's normal end, in the exit handler.
 *
 * The idea: sends that were started are completed as long as their destinations may still take them. A send to a rank
 * that has ended, or among ranks that have all come here, cannot complete: it is named and the exit code becomes 1. Then
 * the rank is marked as departed and sleepers are rung, so that who waits for it in vain finds out.
 */

import { nowMs } from '../base/clock.ts';
import type { Send } from '../p2p/point-to-point.ts';
import { CONTROL, PEER, RANK_STATE } from '../segment/layout.ts';
import type { Rank } from './rank.ts';

/** Time without any progress after which sends to ranks that are ending too are given up, in milliseconds. */
const QUIET_MS = 250;
/** Longest sleep between two looks at the destinations, in milliseconds. */
const LOOK_MS = 20;

/** End the rank. Return sentences about what was left undone; none: all is well. */
export function finalizeRank(rank: Rank): string[] {
  const { segment, localRank, progress, parking } = rank;
  const problems = dropAttributes(rank);
  segment.setState(localRank, RANK_STATE.finalizing);
  problems.push(...completeSends(rank), ...progress.unseen.drain());
  rank.websocket?.stop();
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
  const { engine, progress, parking } = rank;
  let since = nowMs();
  for (;;) {
    while (progress.poll()) since = nowMs();
    const open = engine.openSends();
    // What this process still holds of them goes with it.
    if (open.length === 0 && rank.websocket?.isFlushed() !== false) return [];
    const isQuiet = nowMs() - since > QUIET_MS;
    const lost = open.filter((send) => isLost(rank, send, isQuiet));
    if (open.length > 0 && lost.length === open.length)
      return lost.map((send) => `${send.describe()} was started but never received: its destination has ended`);
    parking.sleep(LOOK_MS);
  }
}

/** Whether nobody can receive that send any more. */
function isLost({ segment, description, worldRank }: Rank, send: Send, isQuiet: boolean): boolean {
  const peer = send.context.members.worldOf[send.dest]!;
  if (peer === worldRank) return true;
  const local = description.localRanks.indexOf(peer);
  // Of a rank on another host only its end is known here.
  if (local < 0) return Atomics.load(segment.i32, segment.peer(peer, PEER.departed)) !== 0; // pairs with the agent's store
  const state = segment.state(local);
  return state === RANK_STATE.departed || (isQuiet && state === RANK_STATE.finalizing);
}
