/** Deadline: time in which the job is stopped does not count. */

import { expect, test, vi } from 'vitest';
import { Deadline } from '../../../src/launcher/deadline.ts';

test('pauses, and waits longer than one timer can', () => {
  vi.useFakeTimers();
  try {
    const onOver = vi.fn();
    const limitMs = 2 ** 31 + 5000;
    const deadline = new Deadline(limitMs, onOver);
    deadline.start();
    vi.advanceTimersByTime(1000);
    deadline.pause();
    vi.advanceTimersByTime(2 * limitMs);
    deadline.start();
    vi.advanceTimersByTime(limitMs - 1002);
    expect(onOver).not.toHaveBeenCalled();
    vi.advanceTimersByTime(3);
    expect(onOver).toHaveBeenCalledOnce();
  } finally {
    vi.useRealTimers();
  }
});
