/**
 * Origin: where a result came from, as each example's summary.json has it.
 */

import { createRequire } from 'node:module';
import { job } from 'tsmpi';

export interface Origin {
  readonly tsmpi: string;
  readonly node: string;
  readonly flags: readonly string[];
  readonly nodeFlags: readonly string[];
  /** The input file, as given. */
  readonly input: string | null;
  readonly hosts: readonly { readonly name: string; readonly slots: number }[];
  readonly job: string;
  /** ISO 8601. */
  readonly ended: string;
}

/** Return where a result of this moment comes from; `input`: the input file, if there was one. */
export function createOrigin(input: string | undefined): Origin {
  return {
    tsmpi: findVersion(),
    node: process.version,
    flags: process.argv.slice(2),
    nodeFlags: process.execArgv,
    input: input ?? null,
    hosts: job.hosts.map(({ name, slots }) => ({ name, slots })),
    job: job.id,
    ended: new Date().toISOString(),
  };
}

export function findVersion(): string {
  return createRequire(import.meta.url)('tsmpi/package.json').version;
}
