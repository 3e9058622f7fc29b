import { expect, test } from 'vitest';
import { createWorlds } from '../ranks.ts';

test('communicators and groups are compared', async () => {
  const worlds = createWorlds(3);
  const [world] = worlds;
  const all = <T>(call: (of: (typeof worlds)[number]) => PromiseLike<T>) => Promise.all(worlds.map(async (of) => call(of)));
  const [copy] = await all((of) => of.dup());
  const [reversed] = await all((of) => of.split(0, -of.rank));
  const [part] = await all((of) => of.split(of.rank === 2 ? undefined : 0));
  expect(world!.compare(world!)).toBe('ident');
  expect(world!.compare(copy!)).toBe('congruent');
  expect(world!.compare(reversed!)).toBe('similar');
  expect(world!.compare(part!)).toBe('unequal');
  expect(world!.group.compare(copy!.group)).toBe('ident');
  expect(world!.group.compare(reversed!.group)).toBe('similar');
  expect(world!.group.compare(world!.group.include([0, 1]))).toBe('unequal');
  expect(part!.group.compare(world!.group.include([0, 2]))).toBe('unequal');
});
