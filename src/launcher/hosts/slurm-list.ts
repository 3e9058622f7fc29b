/**
 * Slurm's short forms: hosts as `n[001-003,7],login`, numbers for each host as `3,2(x2)`.
 */

import { UsageError } from '../usage-error.ts';

/** More hosts than any cluster has: a longer list is a mistake. */
const MAX_HOSTS = 2 ** 17;

/** Return the hosts of a node list in its order; `variable` is where it stands, for messages. */
export function expandNodeList(text: string, variable: string): string[] {
  const hosts = splitOutside(text, variable).flatMap((part) => expandName(part, text, variable));
  if (hosts.length > MAX_HOSTS) throw tooMany(variable);
  return hosts;
}

/** Return the number of each host of a list as SLURM_TASKS_PER_NODE. */
export function expandCounts(text: string, variable: string): number[] {
  const counts = text.split(',').flatMap((part) => {
    const [, count, times = '1'] = /^(\d+)(?:\(x(\d+)\))?$/.exec(part) ?? [];
    if (count === undefined) throw malformed(text, variable, 'numbers as 3,2(x2)');
    if (Number(times) > MAX_HOSTS) throw tooMany(variable);
    return new Array<number>(Number(times)).fill(Number(count));
  });
  if (counts.length > MAX_HOSTS) throw tooMany(variable);
  return counts;
}

/** Split at commas that stand in no bracket. */
function splitOutside(text: string, variable: string): string[] {
  const parts: string[] = [];
  let start = 0;
  let isInside = false;
  for (let at = 0; at <= text.length; at++) {
    const character = text[at];
    if ((character === '[' && isInside) || (character === ']' && !isInside)) throw malformedNodes(text, variable);
    if (character === '[' || character === ']') isInside = character === '[';
    else if (at === text.length || (character === ',' && !isInside)) {
      parts.push(text.slice(start, at));
      start = at + 1;
    }
  }
  if (isInside || parts.includes('')) throw malformedNodes(text, variable);
  return parts;
}

/** Expand the first bracket of a name, then those behind it. */
function expandName(name: string, text: string, variable: string): string[] {
  const [, before, ranges, after] = /^([^[]*)\[([^\]]*)\](.*)$/.exec(name) ?? [];
  if (before === undefined) {
    if (!/^\w[\w.-]*$/.test(name)) throw malformedNodes(text, variable);
    return [name];
  }
  const tails = after === '' ? [''] : expandTail(after!, text, variable);
  const numbers = ranges!.split(',').flatMap((range) => expandRange(range, text, variable));
  if (numbers.length * tails.length > MAX_HOSTS) throw tooMany(variable);
  if (!/^\w[\w.-]*$/.test(before)) throw malformedNodes(text, variable);
  return numbers.flatMap((number) => tails.map((tail) => `${before}${number}${tail}`));
}

/** What stands behind a bracket: letters, and perhaps more brackets. */
function expandTail(tail: string, text: string, variable: string): string[] {
  // A name may begin with anything here, so a letter goes in front and is taken away again.
  return expandName(`x${tail}`, text, variable).map((name) => name.slice(1));
}

function expandRange(range: string, text: string, variable: string): string[] {
  const [, first, last = first] = /^(\d+)(?:-(\d+))?$/.exec(range) ?? [];
  if (first === undefined || Number(last) < Number(first)) throw malformedNodes(text, variable);
  const count = Number(last) - Number(first) + 1;
  if (count > MAX_HOSTS) throw tooMany(variable);
  return Array.from({ length: count }, (_, k) => String(Number(first) + k).padStart(first.length, '0'));
}

function malformedNodes(text: string, variable: string): UsageError {
  return malformed(text, variable, 'hosts as n[001-003,7]');
}

function malformed(text: string, variable: string, expected: string): UsageError {
  return new UsageError(`${variable} is ${text === '' ? 'empty' : text}: expected ${expected}`);
}

function tooMany(variable: string): UsageError {
  return new UsageError(`${variable} names more than ${MAX_HOSTS} hosts`);
}
