/** Bundles a TypeScript program of a test, so that child processes and worker threads of any Node can run it. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { buildSync } from 'esbuild';

const made: string[] = [];
process.on('exit', () => {
  for (const folder of made) rmSync(folder, { recursive: true, force: true });
});

/** Return the path of a bundle of that source, which may import anything of src/; `usesPackages`: and packages. */
export function bundle(source: string, usesPackages = false): string {
  const root = join(import.meta.dirname, '../..');
  const folder = mkdtempSync(join(usesPackages ? join(root, 'node_modules') : tmpdir(), '.tsmpi-test-bundle-'));
  made.push(folder);
  const outfile = join(folder, `${basename(source, '.ts')}.mjs`);
  buildSync({
    entryPoints: [source],
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20.19',
    outfile,
    packages: 'external',
    // Bundles lie outside the package, where the loader would not find the addon.
    define: {
      'process.env.TSMPI_NATIVE': JSON.stringify(process.env.TSMPI_NATIVE ?? join(root, 'native/build/Release/tsmpi.node')),
    },
    logLevel: 'silent',
  });
  return outfile;
}
