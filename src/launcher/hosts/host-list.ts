/**
 * Hosts as a user lists them: `--host a:2,user@b` and the lines of a hostfile.
 *
 *     name   name:4   name slots=4   user@name   [fe80::1]:2   # a comment
 *
 * A host that is named twice has the slots of both entries. A name without a number of slots has one, unless a
 * scheduler's allocation says more; that is for placement to decide, so here it stays open.
 */

import { readFileSync } from 'node:fs';
import { UsageError } from '../usage-error.ts';

/** A host on which ranks may run. */
export interface ListedHost {
  readonly name: string;
  /** Who logs in there; undefined: whom ssh chooses. */
  readonly user: string | undefined;
  /** undefined: nothing was said. */
  readonly slots: number | undefined;
}

const ENTRY = /^(?:([\w.][\w.-]*)@)?(?:\[([\da-fA-F:.]+(?:%\w+)?)\]|(\w[\w.-]*))(?::(\d+))?$/;
const MAX_SLOTS = 2 ** 20;

/** Parse the value of --host; `option` is how the user called it. */
export function parseHosts(value: string, option: string): ListedHost[] {
  return mergeHosts(value.split(',').map((entry) => parseEntry(entry.trim(), option)));
}

/** Read a hostfile. */
export function readHostfile(path: string, option: string): ListedHost[] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new UsageError(`${option} ${path} cannot be read: ${(error as Error).message}`);
  }
  return parseHostfile(text, path);
}

/** Parse the text of a hostfile; `path` is for messages. */
export function parseHostfile(text: string, path: string): ListedHost[] {
  const hosts = text.split('\n').flatMap((line, index) => {
    const [entry, ...rest] = line.replace(/#.*/, '').trim().split(/\s+/);
    if (entry === undefined || entry === '') return [];
    const where = `line ${index + 1} of ${path}`;
    const host = parseEntry(entry, where);
    return [rest.length === 0 ? host : { ...host, slots: parseSlots(rest.join(' '), host, where) }];
  });
  if (hosts.length === 0) throw new UsageError(`${path} names no host: expected lines as "name slots=4"`);
  return mergeHosts(hosts);
}

/** Make one entry of those that name the same host for the same user; the order is that of their first mention. */
export function mergeHosts(hosts: readonly ListedHost[]): ListedHost[] {
  const merged = new Map<string, ListedHost>();
  for (const host of hosts) {
    const key = `${host.user ?? ''}@${host.name}`;
    const before = merged.get(key);
    merged.set(key, before === undefined ? host : { ...host, slots: (before.slots ?? 1) + (host.slots ?? 1) });
  }
  return [...merged.values()];
}

function parseEntry(entry: string, where: string): ListedHost {
  const [, user, address, name, slots] = ENTRY.exec(entry) ?? [];
  const host = address ?? name;
  if (host === undefined) {
    throw new UsageError(
      `${where} got ${entry === '' ? 'an empty entry' : entry}: expected a host as name, name:4 or user@name:4`,
    );
  }
  return { name: host, user, slots: slots === undefined ? undefined : checkSlots(slots, host, where) };
}

function parseSlots(text: string, host: ListedHost, where: string): number {
  const slots = /^slots\s*=\s*(\d+)$/.exec(text)?.[1];
  if (slots === undefined) throw new UsageError(`${where} got ${text} behind ${host.name}: expected slots=N, or nothing`);
  if (host.slots !== undefined) throw new UsageError(`${where} gives the slots of ${host.name} twice`);
  return checkSlots(slots, host.name, where);
}

function checkSlots(text: string, host: string, where: string): number {
  const slots = Number(text);
  if (slots >= 1 && slots <= MAX_SLOTS) return slots;
  throw new UsageError(`${where} got ${text} slots for ${host}: expected 1 to ${MAX_SLOTS}`);
}
