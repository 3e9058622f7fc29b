/**
 * The signals of the launcher and what they mean to the job.
 *
 * SIGINT: the first goes to the ranks, the second ends the job, a third kills the agent for those who cannot wait.
 * SIGTERM ends the job with a grace. SIGTSTP: ranks are stopped first, then the launcher itself; SIGCONT wakes both.
 * SIGQUIT asks where every rank stands. SIGHUP is ignored where stdout is no terminal: output goes to a file that outlives
 * the session.
 */

export interface SignalEvents {
  onInterrupt(count: number): void;
  onTerminate(signal: 'SIGTERM' | 'SIGHUP'): void;
  onQuit(): void;
  /** Ctrl-Z: stop the ranks, then call stopSelf. */
  onStop(): void;
  onContinue(): void;
}

/** Listen; return what stops listening. */
export function listenForSignals(events: SignalEvents): () => void {
  let interrupts = 0;
  const handlers: Partial<Record<NodeJS.Signals, () => void>> = {
    SIGINT: () => events.onInterrupt(++interrupts),
    SIGTERM: () => events.onTerminate('SIGTERM'),
    SIGHUP: () => {
      if (process.stdout.isTTY) events.onTerminate('SIGHUP');
    },
    SIGQUIT: () => events.onQuit(),
    SIGTSTP: () => events.onStop(),
    SIGCONT: () => events.onContinue(),
  };
  const entries = Object.entries(handlers) as [NodeJS.Signals, () => void][];
  for (const [signal, handler] of entries) process.on(signal, handler);
  return () => {
    for (const [signal, handler] of entries) process.off(signal, handler);
  };
}

/** Stop this process as Ctrl-Z would have. */
export function stopSelf(): void {
  process.kill(process.pid, 'SIGSTOP');
}
