/** The lease of an agent: how long its ranks may run without an answered beat, and what time it is at the launcher. */

import { expect, test } from 'vitest';
import { Lease } from '../../../src/agent/lease.ts';

const HEARTBEAT_MS = 1000;

/** Run a lease whose beats are handed to `onBeat`; resolve with how long it was silent when it expires. */
function runLease(onBeat: (lease: Lease, agentMs: number, count: number) => void): { lease: Lease; expired: Promise<number> } {
  let count = 0;
  let lease: Lease | undefined;
  const expired = new Promise<number>((resolve) => {
    lease = new Lease(HEARTBEAT_MS, {
      onBeat: (agentMs) => queueMicrotask(() => onBeat(lease!, agentMs, ++count)),
      onExpired: resolve,
    });
  });
  lease!.start();
  return { lease: lease!, expired };
}

test('without an answer it expires at 0.7 of the heartbeat', async () => {
  const started = performance.now();
  const silentMs = await runLease(() => {}).expired;
  expect(silentMs).toBeGreaterThanOrEqual(0.7 * HEARTBEAT_MS - 2);
  expect(performance.now() - started).toBeGreaterThanOrEqual(0.7 * HEARTBEAT_MS - 2);
});

test('it counts from when the last answered beat was sent, not from the answer', async () => {
  const delayMs = 300;
  let sentMs = 0;
  const { expired } = runLease((lease, agentMs, count) => {
    if (count !== 1) return;
    sentMs = agentMs;
    setTimeout(() => lease.onAnswer(agentMs, 0), delayMs);
  });
  await expired;
  expect(performance.now() - sentMs).toBeLessThan(0.7 * HEARTBEAT_MS + delayMs);
});

test('answered beats keep it; a pause suspends it, and the end of the pause begins it anew', async () => {
  let isAnswering = true;
  const { lease, expired } = runLease((running, agentMs) => {
    if (isAnswering) running.onAnswer(agentMs, agentMs);
  });
  let hasExpired = false;
  void expired.then(() => {
    hasExpired = true;
  });
  await new Promise((resolve) => setTimeout(resolve, 2 * HEARTBEAT_MS));
  expect(hasExpired).toBe(false);
  isAnswering = false;
  lease.pause();
  await new Promise((resolve) => setTimeout(resolve, 2 * HEARTBEAT_MS));
  expect(hasExpired).toBe(false);
  lease.resume();
  await expired;
});

test('the launcher’s clock is that of the shortest round trip', () => {
  const lease = new Lease(HEARTBEAT_MS, { onBeat: () => {}, onExpired: () => {} });
  expect(lease.launcherMs()).toBeUndefined();
  const ahead = 50_000;
  const answer = (roundTripMs: number, error: number): void => {
    const sentMs = performance.now() - roundTripMs;
    lease.onAnswer(sentMs, sentMs + roundTripMs / 2 + ahead + error);
  };
  answer(40, 15);
  answer(4, 0);
  answer(90, -40);
  expect(Math.abs(lease.launcherMs()! - performance.now() - ahead)).toBeLessThan(3);
  lease.stop();
});
