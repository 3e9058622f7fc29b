/**
 * Generations: which checkpoints a store holds, by their numbers, and what of it is in nobody's use.
 */

import type { Work } from '../file/piecework.ts';
import { decodeManifest, type Manifest } from './manifest.ts';
import type { Store } from './store.ts';

const NAMES = /^g(\d+)(\.manifest|\.manifest\.tmp|-r\d+\.part)$/;

export const manifestName = (generation: number): string => `g${generation}.manifest`;
export const partName = (generation: number, rank: number): string => `g${generation}-r${rank}.part`;

/** Numbers of the generations that have a manifest, newest first. */
export function listGenerations(store: Store): number[] {
  return namesOf(store)
    .flatMap(({ generation, kind }) => (kind === '.manifest' ? [generation] : []))
    .toSorted((a, b) => b - a);
}

/** The first number that no object bears. */
export function nextGeneration(store: Store): number {
  return 1 + namesOf(store).reduce((most, { generation }) => Math.max(most, generation), 0);
}

/** Return a generation's manifest; undefined: it is not as it was written. */
export function* readManifest(store: Store, generation: number): Work<Manifest | undefined> {
  const bytes = yield* store.get(manifestName(generation));
  return decodeManifest(bytes);
}

/** Make a generation valid, in one moment. */
export function* putManifest(store: Store, generation: number, bytes: Uint8Array): Work<void> {
  const name = manifestName(generation);
  yield* store.put(`${name}.tmp`, [bytes]);
  store.rename(`${name}.tmp`, name);
}

/**
 * Remove what is older than the newest generation that is kept and belongs to none of them: manifests first, so that none is
 * ever there without its parts. What is newer, ranks that were faster are writing already.
 */
export function removeOthers(store: Store, kept: readonly number[]): void {
  const newest = Math.max(...kept);
  const others = namesOf(store).filter(
    ({ generation, kind }) => generation < newest && (!kept.includes(generation) || kind === '.manifest.tmp'),
  );
  for (const { name, kind } of others) if (kind === '.manifest') store.remove(name);
  for (const { name, kind } of others) if (kind !== '.manifest') store.remove(name);
}

function namesOf(store: Store): { name: string; generation: number; kind: string }[] {
  return store.list().flatMap((name) => {
    const [, number, kind] = NAMES.exec(name) ?? [];
    return kind === undefined ? [] : [{ name, generation: Number(number), kind }];
  });
}
