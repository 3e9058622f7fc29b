/**
 * Where this package lies: dist/ and the folders of src/ lie at different depths below it.
 */

import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Return this package's folder: the next one upwards whose package.json bears its name. */
export function packageRoot(): string | undefined {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    if (isPackageRoot(folder)) return folder;
    if (dirname(folder) === folder) return undefined;
  }
}

function isPackageRoot(folder: string): boolean {
  try {
    return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')).name === 'tsmpi';
  } catch {
    return false; // no such file, or somebody's that is no JSON
  }
}
