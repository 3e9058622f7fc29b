/**
 * Parking: how a rank sleeps and how its peers wake it, behind one interface for processes and threads.
 *
 * The invariant (Dekker): a sleeper raises its flag, then looks once more for work; whoever makes work stores it first,
 * then reads the flag. Both accesses are sequentially consistent, so at least one side sees the other. Whoever takes the
 * flag down (one exchange) rings, so a sleeper is rung once.
 */

/** What parking asks of the engine. */
export interface Sleeper {
  /** Make progress; true if something happened. */
  poll(): boolean;
  /** Arrange to be rung for work that no cell announces (transport contract). Return whether that was not arranged before. */
  prepareSleep(): boolean;
  /** The event loop has control again, or the rank was rung while it had: make progress. */
  onTurn(): void;
}

/**
 * Look for work once more before a sleep; the sleeper's flag is up. What is refused now may be so for another reason than
 * before, which has to be arranged for too. Return whether anything happened: then there may be more to do, and no sleep.
 */
export function lookOnceMore(sleeper: Sleeper): boolean {
  for (;;) {
    const isNew = sleeper.prepareSleep();
    if (sleeper.poll()) return true;
    if (!isNew) return false;
  }
}

/** A rank's own bell, as its worker threads ring it: a pipe of this process, or a flag of thread-parking.ts. */
export type Bell =
  | { readonly kind: 'pipe'; readonly fd: number }
  | { readonly kind: 'flag'; readonly words: Int32Array; readonly flag: number };

export interface Parking {
  /** Sleep, blocking this thread, until rung or until the time is over (-1: no limit). Returns at once when the last look finds work. */
  sleep(timeoutMs: number): void;
  /** Wake that rank if it sleeps. Call after the store that makes its work visible. */
  ring(localRank: number): void;
  /** This rank's bell, for other threads of it: whoever is asked (Active.prepareSleep) rings it, whatever the flag says. */
  describeBell(): Bell;
  /** Give up the rest of this thread's time slice. */
  yield(): void;
  /** Keep the event loop alive (or not) while requests are awaited. */
  hold(isHeld: boolean): void;
  /**
   * The engine hands control to the event loop. `waitsForRoom`: it also waits for what no cell announces;
   * `isBusy`: it has work to do at each turn of the loop, which then must not block.
   */
  enterLoop(waitsForRoom: boolean, isBusy: boolean): void;
  /** The engine spins on its own: peers need not ring. */
  leaveLoop(): void;
  /** Let that descriptor, while it is readable, end every sleep too. Ranks that are processes only. */
  watch(fd: number): void;
  /** Stop watching the loop. */
  stop(): void;
}
