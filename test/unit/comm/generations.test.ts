/** What is removed after a save: what is older than it and in nobody's use; never what faster ranks write of the next one. */

import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { DirectoryStore } from '../../../src/comm/checkpoint/directory-store.ts';
import { nextGeneration, removeOthers } from '../../../src/comm/checkpoint/generations.ts';

test('old generations and what killed saves left go; the two kept and the next one stay', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tsmpi-generations-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const old = ['g3.manifest', 'g3-r0.part', 'g5-r1.part', 'g5.manifest.tmp'];
  const kept = ['g4.manifest', 'g4-r0.part', 'g6.manifest', 'g6-r0.part', 'g6-r1.part'];
  const next = ['g7-r1.part'];
  for (const name of [...old, ...kept, ...next, 'mine.txt']) writeFileSync(join(folder, name), '');
  const store = new DirectoryStore(folder, { call: 'save', rank: 0, isSpread: false });
  removeOthers(store, [6, 4]);
  expect(readdirSync(folder).sort()).toEqual([...kept, ...next, 'mine.txt'].sort());
  expect(nextGeneration(store)).toBe(8);
});
