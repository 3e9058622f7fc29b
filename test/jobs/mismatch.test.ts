/** Collectives that differ on the ranks of a job: the job ends, and says who called what. */

import { describe, expect, test } from 'vitest';
import { firstOf } from '../long.ts';
import { program, runJob } from './run-job.ts';

const file = program('mismatch.mjs');
const BY_MESSAGES = {
  TSMPI_COLLECTIVE_ALLREDUCE: 'recursive-doubling',
  TSMPI_COLLECTIVE_BCAST: 'binomial',
  TSMPI_COLLECTIVE_REDUCE: 'binomial',
  TSMPI_COLLECTIVE_BARRIER: 'dissemination',
};

describe.each(['process', 'thread'])('ranks as %s', (kind) => {
  const run = (size: number, args: readonly string[], env = {}) =>
    runJob(['-n', String(size), '--quiet', '--timeout', '20', '--ranks', kind, file, ...args], { env });

  describe.each([
    ['on an area', {}],
    ['by messages', BY_MESSAGES],
  ])('%s', (_, env) => {
    test.each([
      ['operator', 'allreduce(SUM, f64 x 100)', 'allreduce(MAX, f64 x 100)'],
      ['root', 'bcast(root 0, f64 x 4)', 'bcast(root 1, f64 x 4)'],
      ['count', 'reduce(SUM, root 0, f64 x 6)', 'reduce(SUM, root 0, f64 x 5)'],
      ['path', 'allreduce(SUM, f64 x 100000)', 'barrier'],
      ['order', 'allreduce(SUM, f64 x 1)', 'barrier'],
    ])('%s', async (what, one, other) => {
      const both = [
        [2, 'wait'],
        [3, 'await'],
      ] as const;
      for (const [size, how] of firstOf(1, kind === 'process' ? both : [...both].reverse())) {
        const { code, stderr } = await run(size, [what, how], env);
        expect(code, stderr).toBe(1);
        const words = stderr.match(
          /: rank \d called (.*?)(?: \(wait\(\) at .*?\))? as collective 2 on world, rank \d called (.*?)(?: \(wait\(\) at .*?\))?: expected the same call on all ranks(?:;.*)?\n/,
        );
        expect([words?.[1], words?.[2]].sort(), stderr).toEqual([one, other].sort());
      }
    });
  });

  test('a mismatch that nobody waits for ends the job all the same', async () => {
    const { code, stderr } = await run(2, ['passed', 'wait'], BY_MESSAGES);
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /reduce\(SUM, root 0, f64 x 1000\) as collective 2 on world, rank 0 called reduce\(SUM, root 1, f64 x 1000\)|reduce\(SUM, root 1, f64 x 1000\) as collective 2 on world, rank 1 called reduce\(SUM, root 0, f64 x 1000\)/,
    );
  });

  test('lines of the calls: of a blocked wait(), and with TSMPI_CALL_SITES', async () => {
    const plain = await run(2, ['path', 'wait']);
    expect(plain.stderr).toMatch(
      /called allreduce\(SUM, f64 x 100000\)( \(wait\(\) at mismatch\.mjs:\d+\))?( as collective 2 on world,|: expected the same)/,
    );
    const { stderr } = await run(2, ['operator', 'await'], { TSMPI_CALL_SITES: '1' });
    expect(stderr).toMatch(
      /rank \d called allreduce\(\w+, f64 x 100\) at mismatch\.mjs:12 as collective 2 on world, rank \d called allreduce\(\w+, f64 x 100\) at mismatch\.mjs:12:/,
    );
  });

  test('one that ended, one that waits for something else, one that computes: the report names the collectives', async () => {
    const left = await run(2, ['left', 'wait']);
    expect(left.code).toBe(1);
    expect(left.stderr).toMatch(/rank 0 \(pid \d+\) waits in barrier as collective 2 on world, wait\(\) at mismatch\.mjs:\d+\n/);
    expect(left.stderr).toMatch(
      /rank 1 \(pid \d+\) exited with code 0; its last collective was barrier as collective 1 on world\n/,
    );
    expect(left.lastLine).toMatch(/rank 1 .*: ended while rank 0 waits for it$/);
    const short = ['-n', '2', '--quiet', '--timeout', '2', '--ranks', kind, file];
    const behind = await runJob([...short, 'behind', 'await']);
    expect(behind.code).toBe(124);
    expect(behind.stderr).toMatch(/rank 0 \(pid \d+\) waits in allreduce\(SUM, f64 x 1\) as collective 2 on world\n/);
    expect(behind.stderr).toMatch(
      /rank 1 .* waits in recv\(source 0, tag 7\) on world; its last collective was barrier as collective 1 on world\n/,
    );
    const computes = await runJob([...short, 'computes', 'wait']);
    expect(computes.code).toBe(124);
    expect(computes.stderr).toMatch(
      /rank 1 \(pid \d+\) computes(?: since \d+ s)?; its last call was barrier as collective 1 on world\n/,
    );
  });
});
