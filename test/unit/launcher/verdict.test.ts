/** The verdict and its words. */

import { describe, expect, test } from 'vitest';
import type { RankExit } from '../../../src/agent/protocol.ts';
import { BEFORE_ALL, causeOfExit, describeWhereabouts, listRanks, Verdict } from '../../../src/launcher/verdict.ts';

const exit: RankExit = { rank: 3, pid: 99, code: 1, signal: null, isLeft: false, aborted: undefined };
const lastLine = (facts: Partial<RankExit>): string => {
  const verdict = new Verdict(() => 'n1', false);
  verdict.give(causeOfExit({ ...exit, ...facts }));
  return verdict.lines().at(-1)!.replace('tsmpirun: rank 3 on n1 (pid 99): ', '');
};

describe('of a rank', () => {
  test.each([
    [{ code: 7 }, 'exited with code 7'],
    [{ code: 139, signal: 'SIGSEGV' as const }, 'killed by SIGSEGV'],
    [{ code: 139 }, 'exited with code 139 (128 + SIGSEGV)'],
    [{ code: 13 }, 'exited with code 13: an await at the top level of the program never settles'],
    [{ code: 5, aborted: '' }, 'called abort(5)'],
    [{ code: 5, aborted: 'no mesh' }, 'called abort(5): no mesh'],
  ])('%o', (facts, expected) => {
    expect(lastLine(facts)).toBe(expected);
  });
});

test('the first cause counts; what is learned later belongs to its rank only', () => {
  const verdict = new Verdict(() => 'n1', false);
  expect(verdict.exitCode).toBe(0);
  expect(verdict.give(causeOfExit({ ...exit, code: 134, signal: 'SIGABRT' }))).toBe(true);
  expect(verdict.give(causeOfExit({ ...exit, rank: 1, code: 2 }))).toBe(false);
  verdict.note(1, 'nothing');
  verdict.note(3, 'out of memory');
  expect(verdict.exitCode).toBe(134);
  expect(verdict.lines()).toEqual(['tsmpirun: rank 3 on n1 (pid 99): killed by SIGABRT (out of memory)']);
});

test('a cause without words says nothing', () => {
  const verdict = new Verdict(() => 'n1', false);
  verdict.give({ exitCode: 141 });
  expect(verdict.lines()).toEqual([]);
});

test('where ranks stand', () => {
  const base = { rank: 2, pid: 8, forMs: 3400, collective: '' };
  expect(describeWhereabouts({ ...base, state: 'waiting', text: 'await barrier on world' })).toBe(
    'rank 2 (pid 8) waits in barrier on world',
  );
  expect(describeWhereabouts({ ...base, state: 'computing', text: 'send' })).toBe(
    'rank 2 (pid 8) computes since 3 s; its last call was send',
  );
  expect(describeWhereabouts({ ...base, forMs: 20, state: 'computing', text: '' })).toBe(
    'rank 2 (pid 8) computes, without a call so far',
  );
  const behind = { ...base, collective: 'bcast(root 0, f64 x 4) as collective 7 on world' };
  const last = 'bcast(root 0, f64 x 4) as collective 7 on world';
  expect(describeWhereabouts({ ...behind, state: 'waiting', text: 'recv(source 1, tag 7) on world' })).toBe(
    `rank 2 (pid 8) waits in recv(source 1, tag 7) on world; its last collective was ${last}`,
  );
  expect(describeWhereabouts({ ...behind, state: 'waiting', text: `${last}, wait() at sim.ts:3` })).toBe(
    `rank 2 (pid 8) waits in ${last}, wait() at sim.ts:3`,
  );
  expect(describeWhereabouts({ ...behind, state: 'computing', text: 'bcast' })).toBe(
    `rank 2 (pid 8) computes since 3 s; its last call was ${last}`,
  );
  expect(describeWhereabouts({ ...behind, state: 'ended', text: 'exited with code 0' })).toBe(
    `rank 2 (pid 8) exited with code 0; its last collective was ${last}`,
  );
});

test('ranks in short', () => {
  expect(listRanks([3])).toBe('3');
  expect(listRanks([0, 1])).toBe('0, 1');
  expect(listRanks([7, 0, 1, 2, 9, 10])).toBe('0-2, 7, 9, 10');
});

test('with several hosts an earlier cause that comes later takes the place of the first', () => {
  const verdict = new Verdict((rank) => `n${rank}`, true);
  const nowMs = performance.now();
  expect(verdict.give(causeOfExit({ ...exit, rank: 1, code: 2 }), nowMs)).toBe(true);
  expect(verdict.give(causeOfExit({ ...exit, rank: 2, code: 4 }), nowMs + 1)).toBe(false);
  expect(verdict.give(causeOfExit({ ...exit, rank: 3, code: 6 }), nowMs - 20)).toBe(true);
  verdict.note(3, 'out of memory');
  expect(verdict.exitCode).toBe(6);
  expect(verdict.lines()).toEqual(['tsmpirun: rank 3 on n3 (pid 99): exited with code 6 (out of memory)']);
  expect(verdict.give({ exitCode: 143, text: 'ended by SIGTERM' }, BEFORE_ALL)).toBe(true);
});

test('long after the first cause none takes its place', async () => {
  const verdict = new Verdict(() => 'n1', true);
  verdict.give({ exitCode: 1, text: 'first' });
  await new Promise((resolve) => setTimeout(resolve, 260));
  expect(verdict.give({ exitCode: 2, text: 'second' }, 0)).toBe(false);
});
