/** Every import of src/ fits the table in src/README.md, and no file imports itself by way of others. */

import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { expect, test } from 'vitest';

const SRC = resolve(import.meta.dirname, '../../../src');

function files(): string[] {
  return readdirSync(SRC, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => relative(SRC, join(entry.parentPath, entry.name)));
}

/** Files of ours that a file imports, relative to src/. */
function importsOf(file: string): string[] {
  const text = readFileSync(join(SRC, file), 'utf8');
  const found = [...text.matchAll(/(?:^|\n)\s*(?:import|export)\b[^;]*?\bfrom\s+'(\.[^']+)'|import\('(\.[^']+)'\)/g)];
  return found.map((match) => relative(SRC, resolve(SRC, dirname(file), match[1] ?? match[2] ?? '')));
}

function table(): Map<string, string[]> {
  const rows = readFileSync(join(SRC, 'README.md'), 'utf8').matchAll(/^\| +([\w./-]+) +\|([^|]*)\|$/gm);
  const map = new Map<string, string[]>();
  for (const [, folder, allowed] of rows) {
    if (folder !== 'folder')
      map.set(
        folder!,
        allowed!
          .split(',')
          .map((name) => name.trim())
          .filter(Boolean),
      );
  }
  return map;
}

/** Rows that speak of a file: the file itself, then its folder and the folders above. */
function rowsOf(file: string, rows: Map<string, string[]>): string[] {
  const names: string[] = [];
  for (let name = file; name !== '.'; name = dirname(name)) if (rows.has(name)) names.push(name);
  return names;
}

/** The row's name under which a file may be imported: the innermost folder that has a row. */
function layerOf(file: string, rows: Map<string, string[]>): string {
  for (let folder = dirname(file); folder !== '.'; folder = dirname(folder)) if (rows.has(folder)) return folder;
  return file;
}

test('every import is in its row of the table', () => {
  const rows = table();
  expect(rows.size).toBeGreaterThan(10);
  const wrong: string[] = [];
  for (const file of files()) {
    const own = rowsOf(file, rows);
    if (own.length === 0) wrong.push(`${file}: its folder has no row`);
    // A file's own row and that of its innermost folder count; a folder's row is not inherited by folders below it.
    const innermost = layerOf(file, rows);
    const allowed = new Set(own.filter((name) => name === file || name === innermost).flatMap((name) => rows.get(name)!));
    for (const imported of importsOf(file)) {
      const layer = layerOf(imported, rows);
      const isAbove = file.startsWith(`${dirname(imported)}/`) && dirname(imported) !== '.';
      if (layer === innermost || isAbove || allowed.has(layer)) continue;
      wrong.push(`${file} imports ${imported}: row "${innermost}" does not name ${layer}`);
    }
  }
  expect(wrong).toEqual([]);
});

test('there is no import cycle', () => {
  const graph = new Map(files().map((file) => [file, importsOf(file)]));
  const done = new Set<string>();
  const cycles: string[] = [];
  const visit = (file: string, path: readonly string[]): void => {
    if (path.includes(file)) {
      cycles.push([...path.slice(path.indexOf(file)), file].join(' -> '));
      return;
    }
    if (done.has(file)) return;
    for (const imported of graph.get(file) ?? []) visit(imported, [...path, file]);
    done.add(file);
  };
  for (const file of graph.keys()) visit(file, []);
  expect(cycles).toEqual([]);
});
