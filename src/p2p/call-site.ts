/**
 * Call sites: which line of the program called tsmpi.
 *
 * The idea: a stack costs as much as ten latencies, so it is taken only where a rank waits anyway, or, with
 * TSMPI_CALL_SITES=1, at every call.
 */

/** Frames of ours between a program's call and the operation that it makes are fewer than this. */
const STACK_DEPTH = 40;

/** Return the innermost line that is not ours, such as `sim.ts:12`; undefined: there is none on this stack. */
export function findCallSite(): string | undefined {
  const before = Error.stackTraceLimit;
  Error.stackTraceLimit = STACK_DEPTH;
  const frames = (new Error().stack ?? '').split('\n').slice(1);
  Error.stackTraceLimit = before;
  // The library is one file, that of the first frame; in tests of the sources it is this folder's parent.
  const own = frames[0]?.match(/([^\s(]+):\d+:\d+\)?$/)?.[1] ?? '';
  const frame = frames.find((line) => !line.includes(own) && !/\/src\/(?:p2p|comm|collective)\/|\(node:/.test(line));
  return frame?.match(/([^/\\(]+:\d+):\d+\)?$/)?.[1];
}

/** The line of each operation's call, while the operation is held by anybody. */
export class CallSites {
  readonly #lines = new WeakMap<object, string>();

  /** Note from which line the operation that is being made was called. */
  note(operation: object): void {
    const line = findCallSite();
    if (line !== undefined) this.#lines.set(operation, line);
  }

  lineOf(operation: object): string | undefined {
    return this.#lines.get(operation);
  }
}
