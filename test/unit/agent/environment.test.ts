/** The environment of ranks. */

import { expect, test } from 'vitest';
import { baseEnvironment, hostEnvironment, rankEnvironment, travellingEnvironment } from '../../../src/agent/environment.ts';

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

test('what travels to another host: all but what is bound to a host, and to a user where that is another', () => {
  const env = { PATH: '/bin', HOME: '/home/me', USER: 'me', LC_ALL: 'C', TSMPI_MINE: '1', TMP: '/t', HOSTNAMES: 'kept' };
  const bound = {
    ...{
      SSH_TTY: 'x',
      SSH_CONNECTION: 'x',
      DISPLAY: ':0',
      WAYLAND_DISPLAY: 'x',
      XDG_RUNTIME_DIR: 'x',
      TMPDIR: '/t',
      HOSTNAME: 'h',
    },
    ...{ SLURM_JOB_ID: '1', SLURMD_NODENAME: 'n', SRUN_DEBUG: '1', PBS_JOBID: '1', PMI_RANK: '0', PMIX_RANK: '0' },
  };
  expect(travellingEnvironment({ ...env, ...bound }, undefined)).toEqual(env);
  const { HOME, USER, ...others } = env;
  expect([HOME, USER]).toEqual(['/home/me', 'me']);
  expect(travellingEnvironment({ ...env, ...bound }, 'somebody')).toEqual(others);
});

test('on another host the ranks start from what came, and from who the agent is there', () => {
  const { HOME } = process.env;
  expect(hostEnvironment({ PATH: '/there', OWN: '1' })).toMatchObject({
    PATH: '/there',
    OWN: '1',
    ...(HOME === undefined ? {} : { HOME }),
  });
  expect(hostEnvironment({ HOME: '/theirs' })).toMatchObject({ HOME: '/theirs' });
  expect(Object.keys(hostEnvironment({}))).not.toContain('PATH');
  expect(hostEnvironment(undefined)).toBe(process.env);
});
