/**
 * Values for object messages: made of a seed, so that sender, receiver and model make the same on their own.
 */

import { Random } from '../unit/datatype/random.ts';

/** Return a value of about so many parts, nested, with typed arrays, dates, maps and the like in it. */
export function objectOf(seed: number, size: number): unknown {
  return part(new Random(seed), size);
}

function part(random: Random, size: number): unknown {
  if (size <= 0) return leaf(random);
  const parts = Array.from({ length: 1 + random.below(3) }, () => part(random, size - 1 - random.below(3)));
  switch (random.below(5)) {
    case 0:
      return parts;
    case 1:
      return new Map(parts.map((value, key) => [`key ${key}`, value]));
    case 2:
      return { parts, array: Float64Array.from({ length: random.below(200) * size }, (_, i) => i * size) };
    case 3:
      return { size, nested: { parts, none: undefined }, bytes: new Uint8Array(random.below(40)).fill(size) };
    default:
      return Object.fromEntries(parts.map((value, k) => [`name${k}`, value]));
  }
}

function leaf(random: Random): unknown {
  const number = random.below(1000) - 500;
  const leaves = [
    ...[number, number / 8, BigInt(number) ** 3n, `text ${number} ☃`, null, undefined, number > 0],
    ...[new Date(number * 1e6), new Set([number, 'x']), Int32Array.of(number, 1, 2), /a+b/g, []],
  ];
  return random.pick(leaves);
}
