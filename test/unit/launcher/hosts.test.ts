/** Hosts as users and schedulers list them: what is written on each page of theirs, and what is malformed. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { findAllocation } from '../../../src/launcher/hosts/allocation.ts';
import { parseHostfile, parseHosts } from '../../../src/launcher/hosts/host-list.ts';
import { Network } from '../../../src/launcher/hosts/network.ts';
import { findOwnHost } from '../../../src/launcher/hosts/own-host.ts';
import { parseAzureHosts, parseCcpNodes, parsePbsNodes } from '../../../src/launcher/hosts/scheduler-list.ts';
import { expandCounts, expandNodeList } from '../../../src/launcher/hosts/slurm-list.ts';
import { UsageError } from '../../../src/launcher/usage-error.ts';

const folder = mkdtempSync(join(tmpdir(), 'tsmpi-lists-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Hosts in short: `user@name:slots`. */
const short = (hosts: readonly { name: string; user?: string | undefined; slots: number | undefined }[]): string[] =>
  hosts.map(({ name, user, slots }) => `${user === undefined ? '' : `${user}@`}${name}${slots === undefined ? '' : `:${slots}`}`);

describe('--host and hostfiles', () => {
  test.each([
    ['a:2,b', ['a:2', 'b']],
    ['a', ['a']],
    ['a,a,b,a:3', ['a:5', 'b']],
    ['me@a:4, you@a', ['me@a:4', 'you@a']],
    ['10.0.0.4:2,[fe80::1]:3,[::1]', ['10.0.0.4:2', 'fe80::1:3', '::1']],
    ['n-1.cluster.example_x:16', ['n-1.cluster.example_x:16']],
  ])('%s', (text, hosts) => {
    expect(short(parseHosts(text, '--host'))).toEqual(hosts);
  });

  test.each([
    ['', '--host got an empty entry: expected a host as name, name:4 or user@name:4'],
    ['a,,b', '--host got an empty entry'],
    ['a:0', '--host got 0 slots for a: expected 1 to 1048576'],
    ['a:x', '--host got a:x: expected a host as'],
    ['-oProxyCommand=x', '--host got -oProxyCommand=x: expected a host as'],
    ['a b', '--host got a b: expected a host as'],
    ['-x@a', '--host got -x@a: expected a host as'],
    ['a:9999999', '--host got 9999999 slots for a'],
  ])('refuses %s', (text, message) => {
    expect(() => parseHosts(text, '--host')).toThrow(UsageError);
    expect(() => parseHosts(text, '--host')).toThrow(message);
  });

  test('a hostfile: slots in both forms, users, comments, blank lines', () => {
    const text = '# all of them\nn1 slots=4\n\nn2:8   # fast\n  root@n3\t slots = 2\nn4\nn1 slots=1\n';
    expect(short(parseHostfile(text, 'hosts.txt'))).toEqual(['n1:5', 'n2:8', 'root@n3:2', 'n4']);
  });

  test.each([
    ['# nothing\n', 'hosts.txt names no host'],
    ['n1\nn2 slots=\n', 'line 2 of hosts.txt got slots= behind n2: expected slots=N, or nothing'],
    ['n1:2 slots=3', 'line 1 of hosts.txt gives the slots of n1 twice'],
    ['n1 max_slots=3', 'line 1 of hosts.txt got max_slots=3 behind n1'],
    ['n1 slots=0', 'line 1 of hosts.txt got 0 slots for n1'],
  ])('refuses the hostfile %j', (text, message) => {
    expect(() => parseHostfile(text, 'hosts.txt')).toThrow(message);
  });
});

describe('Slurm', () => {
  test.each([
    ['n[001-003,7]', ['n001', 'n002', 'n003', 'n7']],
    ['login', ['login']],
    ['a1,b[2-3],c', ['a1', 'b2', 'b3', 'c']],
    ['rack[1-2]-node[09-10]x', ['rack1-node09x', 'rack1-node10x', 'rack2-node09x', 'rack2-node10x']],
    ['n[9-11]', ['n9', 'n10', 'n11']],
  ])('nodes %s', (text, names) => {
    expect(expandNodeList(text, 'LIST')).toEqual(names);
  });

  test.each(['', 'n[1-2', 'n1]', 'n[2-1]', 'n[]', 'n[1,,2]', 'a,,b', 'n[1-x]', '[1-2]', 'a;b', 'n[[1]]', 'n[1-2]/x'])(
    'refuses nodes %j',
    (text) => {
      expect(() => expandNodeList(text, 'LIST')).toThrow(
        `LIST is ${text === '' ? 'empty' : text}: expected hosts as n[001-003,7]`,
      );
    },
  );

  test.each(['n[1-99999999]', 'n[1-1000]m[1-1000]'])('refuses the endless %s', (text) => {
    expect(() => expandNodeList(text, 'LIST')).toThrow('LIST names more than 131072 hosts');
  });

  test.each([
    ['3,2(x2)', [3, 2, 2]],
    ['4', [4]],
    ['1(x3),16', [1, 1, 1, 16]],
  ])('counts %s', (text, counts) => {
    expect(expandCounts(text, 'COUNTS')).toEqual(counts);
  });

  test.each(['', '3,', '2(x)', '2x2', 'two', '-1'])('refuses counts %j', (text) => {
    expect(() => expandCounts(text, 'COUNTS')).toThrow('expected numbers as 3,2(x2)');
  });
});

describe('other schedulers', () => {
  test('PBS: a line for each slot', () => {
    expect(short(parsePbsNodes('n1\nn1\nn2\n\nn1\n', 'f'))).toEqual(['n1:3', 'n2:1']);
    expect(() => parsePbsNodes('\n', 'f')).toThrow('PBS_NODEFILE (f) names no host');
    expect(() => parsePbsNodes('n1 np=2\n', 'f')).toThrow('PBS_NODEFILE (f) holds n1 np=2: expected a host name on each line');
  });

  test('Azure Batch', () => {
    expect(short(parseAzureHosts('10.0.0.4,10.0.0.5'))).toEqual(['10.0.0.4', '10.0.0.5']);
    expect(() => parseAzureHosts('10.0.0.4,')).toThrow('AZ_BATCH_HOST_LIST holds an empty name');
  });

  test.each([
    ['2 10.0.0.4 1 10.0.0.5 1', ['10.0.0.4:1', '10.0.0.5:1']],
    ['2 NODE02 80 NODE03 80', ['NODE02:80', 'NODE03:80']],
    ['1 n 4', ['n:4']],
  ])('CCP_NODES %s', (text, hosts) => {
    expect(short(parseCcpNodes(text)!)).toEqual(hosts);
  });

  test('CCP_NODES of HPC Pack with too many nodes', () => {
    expect(parseCcpNodes('Overflow')).toBeUndefined();
  });

  test.each(['', '2 a 1', '1 a', '1 a x', 'a 1', '0', '1 a 0', '1 a/b 2', '1 a 1 b'])('refuses CCP_NODES %j', (text) => {
    expect(() => parseCcpNodes(text)).toThrow(UsageError);
  });
});

describe('where a job may run', () => {
  const find = (env: NodeJS.ProcessEnv, options: Partial<Parameters<typeof findAllocation>[0]> = {}) => {
    const { starter, hosts } = findAllocation({ hosts: undefined, hostfile: undefined, starter: undefined, ...options }, env);
    return { starter, hosts: hosts === undefined ? undefined : short(hosts) };
  };
  const slurm = { SLURM_JOB_ID: '7', SLURM_JOB_NODELIST: 'n[1-3]', SLURM_TASKS_PER_NODE: '3,2(x2)' };
  const nodefile = join(folder, 'nodes');
  writeFileSync(nodefile, 'p1\np1\np2\n');
  const azure = { AZ_BATCH_HOST_LIST: '10.0.0.4,10.0.0.5', CCP_NODES: '2 10.0.0.4 8 10.0.0.5 4' };

  test('each scheduler by its variables, in this order', () => {
    expect(find({})).toEqual({ starter: 'local', hosts: undefined });
    expect(find({ CCP_NODES: '1 h 4' })).toEqual({ starter: 'ssh', hosts: ['h:4'] });
    expect(find(azure)).toEqual({ starter: 'azure-batch', hosts: ['10.0.0.4:8', '10.0.0.5:4'] });
    expect(find({ ...azure, PBS_NODEFILE: nodefile })).toEqual({ starter: 'pbs', hosts: ['p1:2', 'p2:1'] });
    expect(find({ ...azure, PBS_NODEFILE: nodefile, ...slurm })).toEqual({ starter: 'slurm', hosts: ['n1:3', 'n2:2', 'n3:2'] });
  });

  test('--host and --hostfile: by ssh outside an allocation, inside it they select', () => {
    const hostfile = join(folder, 'hostfile');
    writeFileSync(hostfile, 'n3\nn1 slots=1\n');
    expect(find({}, { hosts: 'a:2,b' })).toEqual({ starter: 'ssh', hosts: ['a:2', 'b'] });
    expect(find({}, { hostfile })).toEqual({ starter: 'ssh', hosts: ['n3', 'n1:1'] });
    expect(find(slurm, { hostfile })).toEqual({ starter: 'slurm', hosts: ['n3:2', 'n1:1'] });
    expect(find(slurm, { hosts: 'n2', starter: 'ssh' })).toEqual({ starter: 'ssh', hosts: ['n2:2'] });
    expect(() => find(slurm, { hosts: 'n9' })).toThrow(
      'host n9 is not in the allocation of Slurm job 7: expected some of n1, n2, n3',
    );
    expect(() => find({}, { hosts: 'a', hostfile })).toThrow('--host and --hostfile are both given');
    expect(() => find({}, { hostfile: '/no/such/file' })).toThrow('--hostfile /no/such/file cannot be read');
  });

  test('--starter goes before what the environment tells', () => {
    expect(find(slurm, { starter: 'local' })).toEqual({ starter: 'local', hosts: undefined });
    expect(find(slurm, { starter: 'ssh' }).starter).toBe('ssh');
    expect(() => find({}, { starter: 'slurm' })).toThrow('--starter slurm needs an allocation');
    expect(() => find(slurm, { starter: 'pbs' })).toThrow(
      '--starter pbs needs an allocation (PBS_NODEFILE is not set): run it inside a job of qsub',
    );
    expect(find({ ...slurm, PBS_NODEFILE: nodefile }, { starter: 'pbs' }).hosts).toEqual(['p1:2', 'p2:1']);
    expect(find({ ...azure, PBS_NODEFILE: nodefile }, { starter: 'ssh' })).toEqual({ starter: 'ssh', hosts: ['p1:2', 'p2:1'] });
    expect(() => find({}, { starter: 'ssh' })).toThrow('--starter ssh needs hosts');
    expect(() => find({}, { starter: 'local', hosts: 'a' })).toThrow('--starter local runs all ranks on this machine');
  });

  test('tasks that were asked for cap the slots of a batch script', () => {
    expect(find({ ...slurm, SLURM_NTASKS: '4' }).hosts).toEqual(['n1:3', 'n2:1']);
    expect(find({ ...slurm, SLURM_NTASKS: '100' }).hosts).toEqual(['n1:3', 'n2:2', 'n3:2']);
  });

  test('without tasks per node: the processors; a list that does not fit is refused', () => {
    const { SLURM_TASKS_PER_NODE, ...bare } = slurm;
    expect(SLURM_TASKS_PER_NODE).toBe('3,2(x2)');
    expect(find({ ...bare, SLURM_JOB_CPUS_PER_NODE: '4(x3)' }).hosts).toEqual(['n1:4', 'n2:4', 'n3:4']);
    expect(find(bare).hosts).toEqual(['n1:1', 'n2:1', 'n3:1']);
    expect(() => find({ ...slurm, SLURM_TASKS_PER_NODE: '3' })).toThrow(
      'SLURM_TASKS_PER_NODE is 3, for 1 hosts, but SLURM_JOB_NODELIST names 3',
    );
    expect(() => find({ SLURM_JOB_ID: '7' })).toThrow('SLURM_NODELIST is empty');
    expect(() => find({ PBS_NODEFILE: join(folder, 'none') })).toThrow('PBS_NODEFILE cannot be read');
    expect(() => find({ CCP_NODES: 'Overflow' })).toThrow('CCP_NODES is Overflow');
  });
});

test('which host is this machine', async () => {
  expect(await findOwnHost(['no.such.host.invalid', 'localhost'], {})).toBe(1);
  expect(await findOwnHost(['no.such.host.invalid', '127.0.0.1'], {})).toBe(1);
  expect(await findOwnHost(['n1', 'n2'], { SLURMD_NODENAME: 'n2' })).toBe(1);
  expect(await findOwnHost(['192.0.2.1'], {})).toBe(-1);
});

test('--iface', () => {
  const network = new Network('10.1.0.0/16');
  expect([network.has('10.1.2.3'), network.has('10.2.0.1'), network.has('fd00::1')]).toEqual([true, false, false]);
  expect(new Network('fd00::/8').has('fd12::1')).toBe(true);
  for (const text of ['10.1.0.0', '10.1.0.0/33', 'eth0', 'fd00::/129', '/8']) {
    expect(() => new Network(text)).toThrow(`--iface got ${text}: expected a network as 10.0.0.0/8`);
  }
});
