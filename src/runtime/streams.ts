/**
 * Standard streams of a rank: blocking, and as much of a terminal as the launcher's are.
 *
 * The idea: Node makes stdout and stderr on first use; only then they are changed, so that a rank that prints nothing
 * pays nothing. A blocking pipe loses nothing, whatever ends the rank.
 */

import type { TerminalFacts } from '../bootstrap/job.ts';

interface PipeStream extends NodeJS.WriteStream {
  _handle?: { setBlocking?(isBlocking: boolean): void };
}

/** Make this process's streams blocking and tell them the launcher's facts, when they are first used. */
export function adoptStreams(facts: { readonly stdout: TerminalFacts; readonly stderr: TerminalFacts }): void {
  for (const name of ['stdout', 'stderr'] as const) {
    const original = Object.getOwnPropertyDescriptor(process, name);
    if (original?.get === undefined) continue;
    const { get } = original;
    let stream: PipeStream | undefined;
    Object.defineProperty(process, name, {
      configurable: true,
      enumerable: original.enumerable ?? true,
      get: () => {
        if (stream === undefined) {
          stream = get.call(process) as PipeStream;
          stream._handle?.setBlocking?.(true);
          applyFacts(stream, facts[name]);
        }
        return stream;
      },
    });
  }
}

/** Let a stream report the launcher's terminal. */
export function applyFacts(stream: NodeJS.WriteStream, facts: TerminalFacts): void {
  if (!facts.isTTY) return;
  Object.assign(stream, {
    isTTY: true,
    columns: facts.columns,
    rows: facts.rows,
    getColorDepth: () => facts.colorDepth,
    hasColors: (count = 16) => 2 ** facts.colorDepth >= (typeof count === 'number' ? count : 16),
    getWindowSize: () => [facts.columns, facts.rows],
  });
}
