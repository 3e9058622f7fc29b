/** The environment of ranks. */

import { expect, test } from 'vitest';
import { baseEnvironment, rankEnvironment } from '../../../src/agent/environment.ts';

const place = { rank: 5, size: 8, localRank: 1, hugePages: true, bootstrap: '{"x":1}' };

test('variables of an outer job or another launcher are left out, others kept, -x wins', () => {
  const env = {
    A: '1',
    B: '2',
    PMI_FD: '3',
    PMIX_RANK: '0',
    OMPI_X: '1',
    PMINE: 'kept',
    TSMPI_BOOTSTRAP: 'outer',
    TSMPI_RANK_HOLDER: '0@1',
  };
  expect(baseEnvironment(env, { B: 'x', C: 'y' })).toEqual({ A: '1', B: 'x', C: 'y', PMINE: 'kept' });
});

test('a rank finds its place', () => {
  expect(rankEnvironment({ A: '1' }, place)).toEqual({
    A: '1',
    TSMPI_RANK: '5',
    TSMPI_SIZE: '8',
    TSMPI_LOCAL_RANK: '1',
    TSMPI_BOOTSTRAP: '{"x":1}',
    GLIBC_TUNABLES: 'glibc.malloc.hugetlb=1',
  });
});

test('huge pages: appended to what is there, not against the user’s own word', () => {
  const tunables = (value: string, hugePages = true) =>
    rankEnvironment({ GLIBC_TUNABLES: value }, { ...place, hugePages }).GLIBC_TUNABLES;
  expect(tunables('a=1')).toBe('a=1:glibc.malloc.hugetlb=1');
  expect(tunables('glibc.malloc.hugetlb=0')).toBe('glibc.malloc.hugetlb=0');
  expect(tunables('a=1', false)).toBe('a=1');
});
