/**
 * Verdict: why the job ended, which exit code that is, and the last line that says so.
 *
 * The first cause counts. What happens to other ranks afterwards, because they were told to end, is a consequence and is
 * never reported as a cause. With several hosts causes may come in another order than they came to be: for a short
 * time after the first one an earlier one takes its place.
 */

import { constants } from 'node:os';
import type { RankExit, StuckPair, Whereabouts } from '../agent/protocol.ts';

/** What ended the job. */
export interface Cause {
  readonly exitCode: number;
  /** The rank to name in the last line; undefined: none is to blame. */
  readonly rank?: { readonly rank: number; readonly pid: number };
  /** Lines above the last one. */
  readonly lines?: readonly string[];
  /** The last line, without the rank; undefined: nothing is said. A function: more may be known at the end. */
  readonly text?: string | (() => string);
}

/** How long an earlier cause may take to become known. */
const WINDOW_MS = 250;
/** When what a user does comes to be: before everything else. */
export const BEFORE_ALL: number = -Infinity;

export class Verdict {
  readonly #hostOf: (rank: number) => string;
  readonly #windowMs: number;
  #cause: Cause | undefined;
  #causeMs = 0;
  #givenMs = 0;
  /** What was learned about ranks' deaths after their exits. */
  readonly #notes = new Map<number, string>();

  /** `hostOf`: where a rank runs; `isSpread`: the job has several hosts. */
  constructor(hostOf: (rank: number) => string, isSpread: boolean) {
    this.#hostOf = hostOf;
    this.#windowMs = isSpread ? WINDOW_MS : 0;
  }

  get isGiven(): boolean {
    return this.#cause !== undefined;
  }

  get exitCode(): number {
    return this.#cause?.exitCode ?? 0;
  }

  /** Take a cause that came to be then; the first one counts. Return whether this one does. */
  give(cause: Cause, causeMs: number = performance.now()): boolean {
    const nowMs = performance.now();
    if (this.#cause === undefined) this.#givenMs = nowMs;
    else if (nowMs - this.#givenMs >= this.#windowMs || causeMs >= this.#causeMs) return false;
    this.#cause = cause;
    this.#causeMs = causeMs;
    return true;
  }

  /** Add what was found out about a rank's death. */
  note(rank: number, note: string): void {
    this.#notes.set(rank, note);
  }

  /** Return what is printed at the very end. */
  lines(): string[] {
    if (this.#cause?.text === undefined) return [];
    const { lines = [], rank } = this.#cause;
    const text = typeof this.#cause.text === 'string' ? this.#cause.text : this.#cause.text();
    const note = rank === undefined ? undefined : this.#notes.get(rank.rank);
    const words = note === undefined ? text : `${text} (${note})`;
    const last = rank === undefined ? words : `rank ${rank.rank} on ${this.#hostOf(rank.rank)} (pid ${rank.pid}): ${words}`;
    return [...lines, last].map((line) => `tsmpirun: ${line}`);
  }
}

/** Return the cause that a rank's exit is. */
export function causeOfExit(exit: RankExit): Cause {
  const base = { exitCode: exit.code, rank: { rank: exit.rank, pid: exit.pid } };
  if (exit.aborted !== undefined) {
    return { ...base, text: `called abort(${exit.code})${exit.aborted === '' ? '' : `: ${exit.aborted}`}` };
  }
  if (exit.isLeft) return { ...base, exitCode: 1, text: 'did not end although it was killed; it was left' };
  if (exit.signal !== null) return { ...base, text: `killed by ${exit.signal}` };
  if (exit.code === 13) return { ...base, text: 'exited with code 13: an await at the top level of the program never settles' };
  const signal = exit.code > 128 ? signalName(exit.code - 128) : undefined;
  return { ...base, text: `exited with code ${exit.code}${signal === undefined ? '' : ` (128 + ${signal})`}` };
}

/** Return the cause that is a rank which ended while others wait for it. */
export function causeOfStuck(
  pairs: readonly StuckPair[],
  where: readonly Whereabouts[],
  describe: (where: Whereabouts) => string = describeWhereabouts,
): Cause {
  const gone = pairs[0]!.gone;
  const waiters = pairs.filter((pair) => pair.gone === gone).map((pair) => pair.rank);
  const rank = where.find((candidate) => candidate.rank === gone);
  const how = pairs[0]!.goneUsedTsmpi ? 'ended' : 'ended without ever using tsmpi';
  return {
    exitCode: 1,
    rank: { rank: gone, pid: rank?.pid ?? 0 },
    lines: where.filter(({ state, collective }) => state !== 'ended' || collective !== '').map(describe),
    text: `${how} while ${waiters.length === 1 ? `rank ${waiters[0]} waits` : `ranks ${listRanks(waiters)} wait`} for it`,
  };
}

/** Return where a rank stands in one line; `host` is named where there are several. */
export function describeWhereabouts(where: Whereabouts, host?: string): string {
  const name = `rank ${where.rank}${host === undefined ? '' : ` on ${host}`} (pid ${where.pid})`;
  // Ranks that stand in different collectives, or one behind the others, are seen by comparing these lines.
  const last = where.collective === '' ? '' : `; its last collective was ${where.collective}`;
  const seconds = Math.floor(where.forMs / 1000);
  switch (where.state) {
    case 'ended':
      return `${name} ${where.text}${last}`;
    case 'starting':
      return `${name} has not used tsmpi yet`;
    case 'stopped':
      return `${name} is stopped${last}`;
    case 'waiting':
      return `${name} waits in ${where.text.replace(/^await /, '')}${/ as collective \d/.test(where.text) ? '' : last}`;
    case 'computing': {
      const since = seconds < 1 ? 'computes' : `computes since ${seconds} s`;
      if (where.text === '') return `${name} ${since}, without a call so far`;
      return where.collective.startsWith(where.text)
        ? `${name} ${since}; its last call was ${where.collective}`
        : `${name} ${since}; its last call was ${where.text}${last}`;
    }
  }
}

/** Return ranks in short: `0-3, 7`. */
export function listRanks(ranks: readonly number[]): string {
  const sorted = [...ranks].sort((a, b) => a - b);
  const parts: string[] = [];
  for (let start = 0; start < sorted.length; ) {
    let end = start;
    while (end + 1 < sorted.length && sorted[end + 1] === sorted[end]! + 1) end++;
    parts.push(end === start ? `${sorted[start]}` : `${sorted[start]}${end === start + 1 ? ', ' : '-'}${sorted[end]}`);
    start = end + 1;
  }
  return parts.join(', ');
}

function signalName(signal: number): string | undefined {
  return Object.entries(constants.signals).find(([, value]) => value === signal)?.[0];
}
