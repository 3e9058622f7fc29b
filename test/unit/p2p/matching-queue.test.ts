/** The matching queue against a naive model: random posts, arrivals, wildcards and withdrawals. */

import { expect, test } from 'vitest';
import { ANY_SOURCE, ANY_TAG, type Matchable, MatchingQueue } from '../../../src/p2p/matching-queue.ts';

interface Entry extends Matchable {
  readonly id: number;
}

const UNQUEUED = { next: null, previous: null, later: null, sequence: -1 };

const matches = (receive: Entry, source: number, tag: number): boolean =>
  (receive.source === ANY_SOURCE || receive.source === source) && (receive.tag === ANY_TAG || receive.tag === tag);

/** Of few tags and short queues, and of many of both, which are kept by tag. */
const CASES = Array.from({ length: 40 }, (_, k) => ({ seed: k + 1, tags: k % 2 === 0 ? 4 : 200, sources: k % 2 === 0 ? 4 : 2 }));

test.each(CASES)('seed $seed, $tags tags of $sources sources', ({ seed, tags, sources }) => {
  let state = seed * 7919;
  const random = (below: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  const queue = new MatchingQueue<Entry, Entry>();
  const posted: Entry[] = [];
  const messages: Entry[] = [];
  for (let id = 0; id < 2000; id++) {
    const action = random(10);
    if (action < 5) {
      const [source, tag] = [random(sources), random(tags)];
      const expected = posted.findIndex((receive) => matches(receive, source, tag));
      const taken = queue.takeReceive(source, tag);
      expect(taken?.id).toBe(expected < 0 ? undefined : posted[expected]!.id);
      if (expected >= 0) posted.splice(expected, 1);
      else {
        const message = { id, source, tag, ...UNQUEUED };
        queue.keep(message);
        messages.push(message);
      }
    } else if (action < 9) {
      const receive = {
        id,
        source: random(tags) < 2 ? ANY_SOURCE : random(sources),
        tag: random(tags) < 2 ? ANY_TAG : random(tags),
        ...UNQUEUED,
      };
      const expected = messages.findIndex(({ source, tag }) => matches(receive, source, tag));
      expect(queue.findMessage(receive.source, receive.tag, false)?.id).toBe(expected < 0 ? undefined : messages[expected]!.id);
      expect(queue.findMessage(receive.source, receive.tag, true)?.id).toBe(expected < 0 ? undefined : messages[expected]!.id);
      if (expected >= 0) messages.splice(expected, 1);
      else {
        queue.post(receive);
        posted.push(receive);
      }
    } else if (posted.length > 0) {
      const [receive] = posted.splice(random(posted.length), 1);
      expect(queue.withdraw(receive!)).toBe(true);
      expect(queue.withdraw(receive!)).toBe(false);
    }
    expect(queue.unexpectedCount).toBe(messages.length);
  }
});
