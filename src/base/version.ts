/**
 * The version of this package, as package.json states it.
 *
 * A bundle has it as a constant (esbuild's `define`), so that a rank reads no file for it; unbundled, the file is read.
 */

import { readFileSync } from 'node:fs';

declare const TSMPI_VERSION: string | undefined;

export const VERSION: string = typeof TSMPI_VERSION === 'string' ? TSMPI_VERSION : readVersion();

function readVersion(): string {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string };
  return version;
}
