/**
 * Random programs on every backing, held against the model. README.md in this folder says how to run more of them.
 */

import { describe, expect, test } from 'vitest';
import { BACKINGS, type Backing, describeVariant, type Failure, type Variant, variantOf } from './backing.ts';
import { generate } from './generate.ts';
import { printProgram } from './print.ts';
import type { Program } from './program.ts';
import { type Judge, shrink } from './shrink.ts';

const { TSMPI_RANDOM_PROGRAMS, TSMPI_RANDOM_SEED, TSMPI_RANDOM_BACKING, TSMPI_RANDOM_VARIANT } = process.env;
const COUNT = Number(TSMPI_RANDOM_PROGRAMS ?? 500);
const FIRST_SEED = Number(TSMPI_RANDOM_SEED ?? 1);
/** Programs of one job. */
const BATCH = 64;
/** Time for one program, many times what it takes where others compute too. */
const LIMIT_MS = 30_000;
const SHRINK_LIMIT_MS = 5000;
const SHRINK_MS = 120_000;
/** Time to see a program fail alone: some failures need an unlucky moment. */
const REPRODUCE_MS = 60_000;
/** Runs of each smaller program at most, of one that does not always fail. */
const MOST_ATTEMPTS = 30;

const programs = Array.from({ length: COUNT }, (_, k) => generate(FIRST_SEED + k));

/** Programs of a backing. The quick one runs all; the others take turns, as a job costs far more, unless one is chosen. */
function programsOf(backing: Backing, place: number): Program[] {
  const fitting = programs.filter(({ size }) => size <= backing.ranks);
  if (place === 0 || backing.ranks === 1 || TSMPI_RANDOM_BACKING !== undefined) return fitting;
  const others = BACKINGS.filter(({ ranks }) => ranks > 1).length - 1;
  return fitting.filter(({ seed }) => seed % others === place - 1);
}

const chosen = BACKINGS.filter(({ name }) => TSMPI_RANDOM_BACKING === undefined || name === TSMPI_RANDOM_BACKING);

describe.each(chosen)('$name', (backing) => {
  const mine = programsOf(backing, BACKINGS.indexOf(backing));
  const batches = Array.from({ length: Math.ceil(mine.length / BATCH) }, (_, k) => mine.slice(k * BATCH, (k + 1) * BATCH));
  test.each(batches.map((batch, k) => ({ batch, first: batch[0]!.seed, length: batch.length, k })))(
    '$length programs from seed $first on',
    {
      timeout: 600_000,
    },
    async ({ batch, k }) => {
      const variant = variantOf(Number(TSMPI_RANDOM_VARIANT ?? k));
      const failure = await backing.run(batch, variant, backing.ranks, LIMIT_MS);
      if (failure !== undefined) expect.fail(await report(backing, variant, batch, failure));
    },
  );
});

/** Find the program that fails, make it smaller, and say all about it. */
async function report(backing: Backing, variant: Variant, batch: readonly Program[], failure: Failure): Promise<string> {
  const judgeOnce = async (list: readonly Program[], ranks: number) => {
    const found = await backing.run(list, variant, ranks, SHRINK_LIMIT_MS);
    return found && { index: found.suspects[0] ?? 0, message: found.message };
  };
  for (const suspect of failure.suspects) {
    const program = batch[suspect]!;
    const [attempts, first] = await reproduce((list) => judgeOnce(list, program.size), program);
    if (first === undefined) continue;
    const judge = async (list: readonly Program[]) => {
      const ranks = Math.max(...list.map(({ size }) => size));
      const found = await judgeOnce(
        list.flatMap((smaller) => new Array<Program>(attempts).fill(smaller)),
        ranks,
      );
      return found && { index: Math.floor(found.index / attempts), message: found.message };
    };
    const shrunk = await shrink(program, judge, SHRINK_MS);
    const size = `${shrunk.program.actions.length} actions on ${shrunk.program.size} ranks, of ${program.actions.length} on ${program.size}`;
    return [
      `the program of seed ${program.seed} fails on ${backing.name} (${describeVariant(variant)}): ${failure.message}`,
      `shrunk to ${size}: ${shrunk.message ?? first.message}`,
      printProgram(shrunk.program),
      `run it again: ${command(backing, variant, program.seed, 1)}`,
    ].join('\n');
  }
  const seeds = failure.suspects.map((index) => batch[index]!.seed);
  return [
    `a program of seeds ${seeds} fails on ${backing.name} (${describeVariant(variant)}), but none of them alone: ${failure.message}`,
    ...failure.suspects.map((index) => `seed ${batch[index]!.seed}\n${printProgram(batch[index]!)}`),
    `run them again: ${command(backing, variant, batch[0]!.seed, batch.at(-1)!.seed - batch[0]!.seed + 1)}`,
  ].join('\n');
}

/** Run a program until it fails, more and more often at once; tell how often a smaller one should be tried. */
async function reproduce(judge: Judge, program: Program): Promise<[number, Awaited<ReturnType<Judge>>]> {
  const end = performance.now() + REPRODUCE_MS;
  for (let times = 1; performance.now() < end; times = Math.min(4 * times, 256)) {
    const found = await judge(new Array<Program>(times).fill(program));
    if (found !== undefined) return [Math.min(3 * found.index + 1, MOST_ATTEMPTS), found];
  }
  return [0, undefined];
}

function command(backing: Backing, variant: Variant, seed: number, count: number): string {
  const variables = [`SEED=${seed}`, `PROGRAMS=${count}`, `BACKING='${backing.name}'`, `VARIANT=${variant.number}`];
  return `${variables.map((variable) => `TSMPI_RANDOM_${variable}`).join(' ')} npx vitest run test/random`;
}
