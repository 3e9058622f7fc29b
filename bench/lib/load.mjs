/** Modules in TypeScript for benchmarks that plain Node runs: the hosts of the tests, and what benchmarks in ranks share. */

import { join } from 'node:path';
import { buildSync } from 'esbuild';

/** Import a file of this repository, compiled with all that it imports. */
export function load(file) {
  const entryPoints = [join(import.meta.dirname, '../..', file)];
  const [{ text }] = buildSync({ entryPoints, bundle: true, platform: 'node', format: 'esm', write: false }).outputFiles;
  return import(`data:text/javascript,${encodeURIComponent(text)}`);
}
