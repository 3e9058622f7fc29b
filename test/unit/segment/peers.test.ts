/** The peers of other hosts in a segment: where they lie, and that whoever attaches finds the same. */

import { expect, test } from 'vitest';
import { RankMonitor } from '../../../src/agent/rank-monitor.ts';
import { createThreadMemory } from '../../../src/segment/backing.ts';
import { CONTROL, layOut, PEER, PEER_BYTES, RANK_STATE, shapesFor } from '../../../src/segment/layout.ts';
import { Segment } from '../../../src/segment/segment.ts';

test('the layout: 16 bytes a world rank between credits and inboxes, and a place for the relay; nothing for a job on one host', () => {
  expect({ PEER_BYTES, ...PEER, controlPort: CONTROL.port }).toEqual({
    ...{ PEER_BYTES: 16, port: 0, state: 4, held: 8, roomWanted: 12, controlPort: 284 },
  });
  for (const localSize of [1, 3, 64]) {
    for (const [index, shape] of shapesFor(localSize, 100, 1000).entries()) {
      const spread = layOut(shape);
      expect(spread.peerOffset % 64).toBe(0);
      expect(spread.peerOffset).toBeGreaterThanOrEqual(spread.creditOffset + 4 * localSize * localSize);
      expect(spread.inboxOffset).toBeGreaterThanOrEqual(spread.peerOffset + 16 * 1000);
      const alone = layOut(shapesFor(localSize, 100)[index]);
      expect(alone.inboxOffset).toBeLessThan(alone.peerOffset + 4096);
      expect([spread.placeCount, alone.placeCount]).toEqual([localSize + 1, localSize]);
      const { cellCount, smallCount, largeCount, placeCount, inboxOffset, areaOffset } = spread;
      const needed = placeCount * (cellCount * 64 + smallCount * (64 + 16_384) + largeCount * (64 + 131_072));
      expect(areaOffset - inboxOffset - needed).toBeLessThan(4096);
      expect(areaOffset - inboxOffset).toBeGreaterThanOrEqual(needed);
    }
  }
});

test('ports and ends that the agent writes are seen by who attaches, and touch nothing else', () => {
  const segment = createThreadMemory(2, new TextEncoder().encode('{}'), 5);
  const before = segment.u8.slice();
  const monitor = new RankMonitor(segment, [1, 4]);
  monitor.setPorts([
    { rank: 0, port: 40_000 },
    { rank: 4, port: 65_535 },
  ]);
  monitor.setPeerStates([
    { rank: 2, state: 'finalizing' },
    { rank: 3, state: 'departed' },
    { rank: 3, state: 'finalizing' },
  ]);
  const seen = Segment.attach(segment.buffer);
  const words = (field: number): number[] => [0, 1, 2, 3, 4].map((rank) => seen.i32[seen.peer(rank, field)]);
  expect(words(PEER.port)).toEqual([40_000, 0, 0, 0, 65_535]);
  expect(words(PEER.state)).toEqual([0, 0, RANK_STATE.finalizing, RANK_STATE.departed, 0]);
  const { peerOffset } = segment.layout;
  segment.u8.fill(0, peerOffset, peerOffset + 5 * PEER_BYTES);
  expect(Buffer.compare(segment.u8, before)).toBe(0);
});

test('a port that a rank has written is told once', () => {
  const segment = createThreadMemory(3, new TextEncoder().encode('{}'), 9);
  const monitor = new RankMonitor(segment, [6, 7, 8]);
  expect(monitor.newPorts()).toEqual([]);
  segment.i32[segment.control(1, CONTROL.port)] = 5001;
  expect(monitor.newPorts()).toEqual([{ rank: 7, port: 5001 }]);
  segment.i32[segment.control(2, CONTROL.port)] = 5002;
  expect(monitor.newPorts()).toEqual([{ rank: 8, port: 5002 }]);
  expect(monitor.newPorts()).toEqual([]);
});
