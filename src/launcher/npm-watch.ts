/**
 * Watch over npm or npx, where one of them started the launcher: its end counts as ours.
 *
 * SIGTERM and SIGKILL end npx and leave its child running. npx runs a shell that runs us, so after its death our parent
 * may well be the same shell as before: both are looked at. Without npm nothing is watched, since a job may well outlive
 * the shell that started it.
 */

import { readFileSync } from 'node:fs';

const LOOK_MS = 200;

interface ProcessFacts {
  readonly name: string;
  readonly parent: number;
  /** Tells a process from a later one of the same number. */
  readonly startTime: string;
}

/** Call `onGone` when npm has ended; return what stops watching, or undefined if npm did not start us. */
export function watchNpm(onGone: () => void): (() => void) | undefined {
  if (process.env.npm_command === undefined && process.env.npm_lifecycle_event === undefined) return undefined;
  const parent = process.ppid;
  const watched = new Map<number, string>();
  const facts = factsOf(parent);
  if (facts === undefined) return undefined;
  watched.set(parent, facts.startTime);
  if (/^(ba|da|z|k)?sh$/.test(facts.name)) {
    const npm = factsOf(facts.parent);
    if (npm !== undefined) watched.set(facts.parent, npm.startTime);
  }
  const look = setInterval(() => {
    const isGone = process.ppid !== parent || [...watched].some(([pid, startTime]) => factsOf(pid)?.startTime !== startTime);
    if (!isGone) return;
    clearInterval(look);
    onGone();
  }, LOOK_MS);
  look.unref();
  return () => clearInterval(look);
}

function factsOf(pid: number): ProcessFacts | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const end = stat.lastIndexOf(')');
    const fields = stat.slice(end + 2).split(' ');
    if (fields[0] === 'Z') return undefined;
    return { name: stat.slice(stat.indexOf('(') + 1, end), parent: Number(fields[1]), startTime: fields[19]! };
  } catch {
    return undefined;
  }
}
