/** Jobs that are killed with -9 at any moment go on from their last checkpoint, on other numbers of ranks. */

import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isLong } from '../long.ts';
import { Job, type JobResult, program, runJob } from './run-job.ts';

const PROGRAM = program('checkpoint.mjs');
/** Two blocks and a bit at least for each of up to four ranks. */
const COLUMNS = '32000';
const MOMENTS = isLong ? 100 : 6;

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tsmpi-kill-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function drawer(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** The number behind the last `word` of a job's output; -1: there is none. */
function last(word: string, stdout: string): number {
  const found = [...stdout.matchAll(new RegExp(`^${word} (\\d+)$`, 'gm'))];
  return Number(found.at(-1)?.[1] ?? -1);
}

test(`killed at ${MOMENTS} drawn moments, a rank, the agent or the launcher, each job goes on where the last left off`, async () => {
  const store = join(folder, 'killed');
  const draw = drawer(7);
  let saved = -1;
  let toldAll = true;
  for (let turn = 0; turn < MOMENTS; turn++) {
    const size = 1 + draw(4);
    const kind = draw(3) === 0 ? 'thread' : 'process';
    const victim = draw(3);
    const afterMs = draw(120);
    const job = new Job(['-n', String(size), '--quiet', '--ranks', kind, PROGRAM, store, '100000', COLUMNS], {
      deadlineMs: 60_000,
    });
    // From its first save on it does nothing but save.
    await job.output(/^saved \d+$/m);
    await new Promise((resolve) => setTimeout(resolve, afterMs));
    const rank = (): number => job.find(kind === 'thread' ? /thread-host\.js/ : /^[^\0]*node\0(?!.*tsmpirun).*checkpoint\.mjs/s);
    process.kill([rank, () => job.agent(), () => job.launcher()][victim]!(), 'SIGKILL');
    const { stdout } = await job.end();
    const what = `turn ${turn}: ${size} ranks as ${kind}, victim ${victim}`;
    expect(stdout, what).toMatch(saved < 0 ? /^loaded -$/m : /^loaded \d+$/m);
    // The last save may have become valid without having been told; what was on its way goes with the agent or the launcher.
    expect(last('loaded', stdout) - saved, what).toBeGreaterThanOrEqual(0);
    if (toldAll) expect(last('loaded', stdout) - saved, what).toBeLessThanOrEqual(1);
    toldAll = victim === 0;
    saved = last('saved', stdout);
  }
  const end = await runJob(['-n', '3', '--quiet', PROGRAM, store, '1', COLUMNS]);
  expect(end.stderr).toBe('');
  expect(last('saved', end.stdout)).toBeGreaterThan(saved);
  // What killed jobs left is gone: two generations, and the older may be of fewer ranks.
  expect(readdirSync(store).filter((name) => name.endsWith('.manifest'))).toHaveLength(2);
  expect(new Set(readdirSync(store).map((name) => name.replace(/[-.].*/, ''))).size).toBe(2);
}, 600_000);

describe('a rank that is killed right before any call that changes or opens files', () => {
  /** Run alone: the process and its output. */
  const alone = (store: string, steps: string, ...killAt: string[]): Promise<JobResult> =>
    runJob([PROGRAM, store, steps, '4000', ...killAt], { command: [process.execPath] });

  test('loses nothing that was saved before, and nothing is left of it', async () => {
    const store = join(folder, 'moments');
    await alone(store, '2');
    let step = 1;
    let killed = 0;
    for (let killAt = 1; ; killAt++) {
      const result = await alone(store, '1', String(killAt));
      expect(result.stderr, `killed at call ${killAt}`).toBe('');
      expect(last('loaded', result.stdout), `killed at call ${killAt - 1}`).toBeGreaterThanOrEqual(step);
      step = last('loaded', result.stdout);
      if (result.code === 0) break;
      killed++;
      // It was not told, but may be valid.
      if (result.stdout.includes('saved')) step++;
    }
    expect(killed).toBeGreaterThan(10);
    expect((await alone(store, '1')).code).toBe(0);
    expect(readdirSync(store)).toHaveLength(4);
  }, 300_000);
});
