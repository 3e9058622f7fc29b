/** The matching queue against a naive model: random posts, arrivals, wildcards and withdrawals. */

import { expect, test } from 'vitest';
import { ANY_SOURCE, ANY_TAG, type Matchable, MatchingQueue } from '../../../src/p2p/matching-queue.ts';

interface Entry extends Matchable {
  readonly id: number;
}

const matches = (receive: Entry, source: number, tag: number): boolean =>
  (receive.source === ANY_SOURCE || receive.source === source) && (receive.tag === ANY_TAG || receive.tag === tag);

test.each(Array.from({ length: 40 }, (_, seed) => seed + 1))('seed %i', (seed) => {
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
      const [source, tag] = [random(4), random(4)];
      const expected = posted.findIndex((receive) => matches(receive, source, tag));
      const taken = queue.takeReceive(source, tag);
      expect(taken?.id).toBe(expected < 0 ? undefined : posted[expected]!.id);
      if (expected >= 0) posted.splice(expected, 1);
      else {
        const message = { id, source, tag, next: null, sequence: 0 };
        queue.keep(message);
        messages.push(message);
      }
    } else if (action < 9) {
      const receive = {
        id,
        source: random(3) === 0 ? ANY_SOURCE : random(4),
        tag: random(3) === 0 ? ANY_TAG : random(4),
        next: null,
        sequence: 0,
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
