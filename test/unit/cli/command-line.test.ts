/** The command line: where options end, what reaches the program, and the sentence for each mistake. */

import { describe, expect, test } from 'vitest';
import { parseCommandLine } from '../../../src/cli/command-line.ts';
import { OPTIONS, variableOf } from '../../../src/cli/option-table.ts';
import type { LaunchOptions } from '../../../src/launcher/options.ts';

function parse(args: readonly string[], env: NodeJS.ProcessEnv = {}): LaunchOptions {
  const command = parseCommandLine(args, env, '/somewhere');
  if (command.kind !== 'launch') throw new Error(`got ${command.kind}`);
  return command.options;
}

describe('what reaches the program', () => {
  test.each([
    ['-np 4 sim.js', 4, []],
    ['-n 4 sim.js', 4, []],
    ['--np 4 sim.js', 4, []],
    ['--np=4 sim.js', 4, []],
    ['sim.js', undefined, []],
    ['-n 2 sim.js -n 3 --np=7 --help 007 1e3 -- -x', 2, ['-n', '3', '--np=7', '--help', '007', '1e3', '--', '-x']],
    ['-x A=1 sim.js B=2', undefined, ['B=2']],
    ['-n 2 -- sim.js', 2, []],
  ] as const)('%s', (line, ranks, args) => {
    const { blocks } = parse(line.split(' '));
    expect(blocks).toHaveLength(1);
    expect(blocks[0]).toMatchObject({ program: 'sim.js', ranks, args });
  });

  test('empty arguments, blanks and colons inside words stay as they are', () => {
    expect(parse(['sim.js', '', 'a b', 'x:y', '  ']).blocks[0]!.args).toEqual(['', 'a b', 'x:y', '  ']);
  });

  test('several programs, each with its ranks, directory and variables', () => {
    const { blocks } = parse([
      '-n',
      '1',
      'a.js',
      '-v',
      ':',
      '-n',
      '3',
      '--wdir',
      'sub',
      '-x',
      'K=V=W',
      'b.js',
      ':',
      '-n',
      '2',
      '--exec',
      'c',
    ]);
    expect(blocks).toMatchObject([
      { program: 'a.js', ranks: 1, args: ['-v'], wdir: '/somewhere', exec: false },
      { program: 'b.js', ranks: 3, args: [], wdir: '/somewhere/sub', env: { K: 'V=W' } },
      { program: 'c', ranks: 2, exec: true },
    ]);
  });
});

describe('options', () => {
  test('defaults', () => {
    expect(parse(['a.js'])).toMatchObject({
      bindTo: 'none',
      rankKind: undefined,
      stdin: 0,
      timeoutSeconds: undefined,
      graceSeconds: 5,
      wait: 'auto',
      hugePages: true,
      transports: [],
      tls: false,
      quiet: false,
      hosts: undefined,
      hostfile: undefined,
      mapBy: 'slot',
      starter: undefined,
      rsh: undefined,
      heartbeatSeconds: 10,
      startSeconds: 30,
      iface: undefined,
      ports: undefined,
      agentPort: 17_117,
      secretFile: undefined,
      stage: undefined,
    });
  });

  test('what is sent to other hosts', () => {
    expect(parse(['--stage', 'c']).stage).toEqual([]);
    expect(parse(['--stage-file', 'data', '--stage-file=/etc/x', 'c']).stage).toEqual(['/somewhere/data', '/etc/x']);
    expect(parse(['--stage', 'c'], { TSMPI_STAGE_FILE: 'a b/' }).stage).toEqual(['/somewhere/a', '/somewhere/b']);
  });

  test('ports, and agents that wait', () => {
    const options = ['--ports', '5000-5099', '--agent-port', '4711', '--secret-file', 'secret', '--starter', 'azure-batch'];
    expect(parse([...options, 'c'])).toMatchObject({
      ...{ ports: [5000, 5099], agentPort: 4711, secretFile: '/somewhere/secret', starter: 'azure-batch' },
    });
    expect(parse(['c'], { TSMPI_PORTS: '7-7', TSMPI_SECRET_FILE: '/s' })).toMatchObject({ ports: [7, 7], secretFile: '/s' });
  });

  test('hosts, under the names that other launchers have for them', () => {
    for (const option of ['--host', '-H', '-host']) expect(parse([option, 'a:2,b', 'c']).hosts).toBe('a:2,b');
    for (const option of ['--hostfile', '-hostfile', '--machinefile', '-machinefile']) {
      expect(parse([option, 'hosts', 'c']).hostfile).toBe('/somewhere/hosts');
    }
    const options = [
      '--map-by',
      'host',
      '--starter',
      'ssh',
      '--rsh',
      "ssh -p 2222 -i 'my key'",
      '--heartbeat',
      '2.5',
      '--start-timeout',
      '90',
      '--iface',
      '10.0.0.0/8',
    ];
    expect(parse([...options, 'c'])).toMatchObject({
      ...{
        mapBy: 'host',
        starter: 'ssh',
        rsh: ['ssh', '-p', '2222', '-i', 'my key'],
        heartbeatSeconds: 2.5,
        startSeconds: 90,
        iface: '10.0.0.0/8',
      },
    });
    expect(parse(['c'], { TSMPI_HOST: 'n1', TSMPI_HEARTBEAT: '4' })).toMatchObject({ hosts: 'n1', heartbeatSeconds: 4 });
  });

  test('values may begin with a dash', () => {
    expect(parse(['--node-args', '--inspect --title "a b"', 'a.js']).blocks[0]!.nodeArgs).toEqual([
      '--inspect',
      '--title',
      'a b',
    ]);
  });

  test('-x passes a variable on, or sets it', () => {
    expect(parse(['-x', 'HOME_OF', '-x', 'EMPTY=', 'a.js'], { HOME_OF: 'here' }).blocks[0]!.env).toEqual({
      HOME_OF: 'here',
      EMPTY: '',
    });
  });

  test('variables stand for options, give way to them, and are taken out of the environment', () => {
    const env: NodeJS.ProcessEnv = {
      TSMPI_NP: '3',
      TSMPI_TIMEOUT: '7.5',
      TSMPI_QUIET: '1',
      TSMPI_TAG_OUTPUT: '0',
      TSMPI_NATIVE: 'off',
    };
    expect(parse(['--timeout', '2', 'a.js'], env)).toMatchObject({ timeoutSeconds: 2, quiet: true, tagOutput: false });
    expect(env).toEqual({ TSMPI_NATIVE: 'off' });
  });

  test('a variable is the default of every program of the job', () => {
    const env: NodeJS.ProcessEnv = {
      TSMPI_NP: '3',
      TSMPI_WDIR: 'deep',
      TSMPI_X: 'A=1 B="2 3"',
      TSMPI_QUIET: '1',
      TSMPI_EXEC: '1',
    };
    const { blocks, quiet } = parse(['a', ':', '-n', '5', '-x', 'C=4', '--wdir', '/', 'b'], env);
    expect(blocks).toMatchObject([
      { ranks: 3, wdir: '/somewhere/deep', env: { A: '1', B: '2 3' }, exec: true },
      { ranks: 5, wdir: '/', env: { C: '4' }, exec: true },
    ]);
    expect(quiet).toBe(true);
    expect(env).toEqual({});
  });

  test('a mistake in a variable is told by its name', () => {
    expect(() => parse(['a'], { TSMPI_NP: 'four' })).toThrow(/^TSMPI_NP got four: expected a whole number/);
    expect(() => parse(['a'], { TSMPI_WAIT: 'never' })).toThrow(/^TSMPI_WAIT got never: expected spin, park or auto$/);
  });

  test('every option but help and version has a variable, which ranks do not get', () => {
    const variables = OPTIONS.map(variableOf).filter((name) => !['TSMPI_HELP', 'TSMPI_VERSION'].includes(name));
    expect(variables).toHaveLength(OPTIONS.length - 2);
    const env = Object.fromEntries(variables.map((name): [string, string] => [name, '']));
    parse(['a'], env);
    expect(env).toEqual({});
  });

  test('--oversubscribe is accepted and changes nothing', () => {
    expect(parse(['--oversubscribe', 'a'])).toEqual(parse(['a']));
  });

  test('paths are those of the folder that the command was given in', () => {
    expect(parse(['--output-dir', 'out', 'a']).outputDir).toBe('/somewhere/out');
  });

  test('help and version win over a missing program', () => {
    expect(parseCommandLine(['--help'], {}, '/').kind).toBe('help');
    expect(parseCommandLine(['-n', '4', '--version'], {}, '/').kind).toBe('version');
    expect(parseCommandLine(['--help'], { TSMPI_NP: 'wrong' }, '/').kind).toBe('help');
  });
});

describe('mistakes', () => {
  test.each([
    [[], /^no program was given: expected tsmpirun \[options\] program/],
    [['-n', '4'], /^no program was given/],
    [['-n', '0', 'a'], /^-n got 0: expected a whole number from 1 to/],
    [['-n', 'four', 'a'], /^-n got four: expected a whole number/],
    [['-n', '1.5', 'a'], /^-n got 1\.5: expected a whole number/],
    [['-n', '1e9', 'a'], /^-n got 1e9: expected a whole number/],
    [['--np', '99999999999', 'a'], /^--np got 99999999999: expected a whole number from 1 to 16777216$/],
    [['--np=', 'a'], /^--np got an empty value: expected a whole number/],
    [['-n4', 'a'], /^unknown option -n4: expected -n 4$/],
    [['-np=4', 'a'], /^unknown option -np=4: expected -np 4$/],
    [['-n', '--quiet', 'a'], /^-n got --quiet: expected a whole number/],
    [['--quiet', '--quiet', 'a'], /^--quiet is given twice: expected it once$/],
    [['-n', '-4', 'a'], /^-n got -4: expected a whole number/],
    [['-n'], /^-n has no value: expected -n N$/],
    [['--tmieout', '3', 'a'], /^unknown option --tmieout: did you mean --timeout\?$/],
    [['--inspect', 'a'], /^unknown option --inspect: it is Node's, for which there is --node-args '--inspect'$/],
    [['--max-old-space-size=90', 'a'], /^unknown option --max-old-space-size: it is Node's, for which there is --node-args/],
    [['--frobnicate', 'a'], /^unknown option --frobnicate: see tsmpirun --help$/],
    [['-n', '2', '--np', '3', 'a'], /^--np is given twice \(the first time as -n\): expected it once$/],
    [['--explain=yes', 'a'], /^--explain takes no value, got yes$/],
    ...['5000', '5000-', '0-9', '5001-5000', '5000-65536', 'a-b'].map((range): [string[], RegExp] => [
      ['--ports', range, 'a'],
      new RegExp(`^--ports got ${range}: expected the first and last of a range from 1 to 65535, as 5000-5099$`),
    ]),
    [['--agent-port', '0', 'a'], /^--agent-port got 0: expected a whole number from 1 to 65535$/],
    [['--stage-file', '', 'a'], /^--stage-file got an empty value: expected a file or folder$/],
    [['--preload-files', 'x', 'a'], /^--preload-files is not an option here: the option is --stage-file$/],
    [['--map-by', 'core', 'a'], /^--map-by got core: expected slot or host$/],
    [['--starter', 'rsh', 'a'], /^--starter got rsh: expected local, ssh, slurm, pbs or azure-batch$/],
    [['--heartbeat', '0.5', 'a'], /^--heartbeat got 0\.5: expected seconds, 1 or more and at most 2000000$/],
    [['--start-timeout', '0', 'a'], /^--start-timeout got 0: expected seconds, more than 0 and at most 2000000$/],
    [['--host', 'a', '-H', 'b', 'c'], /^-H is given twice \(the first time as --host\): expected it once$/],
    [['--rsh', '', 'a'], /^--rsh got an empty value: expected a value$/],
    [['-f', 'x', 'a'], /^-f is not an option here: the option is --hostfile$/],
    [['-wd', '/', 'a'], /^-wd is not an option here: the option is --wdir$/],
    [['--wdir', '', 'a'], /^--wdir got an empty value: expected a value$/],
    [['--grace', '2000001', 'a'], /^--grace got 2000001: expected seconds, 0 or more and at most 2000000$/],
    [['--bind-to', 'socket', 'a'], /^--bind-to got socket: expected none or core$/],
    [['--transport', 'shm,,self', 'a'], /^--transport got shm,,self: expected a list of self, shm, rdma, websocket, relay$/],
    [['--wait', 'never', 'a'], /^--wait got never: expected spin, park or auto$/],
    [['--timeout', '0', 'a'], /^--timeout got 0: expected seconds, more than 0 and at most/],
    [['--timeout', 'soon', 'a'], /^--timeout got soon: expected seconds/],
    [['--stdin', 'five', 'a'], /^--stdin got five: expected a rank, all or none$/],
    [['-x', '1A=2', 'a'], /^-x got 1A=2: expected NAME or NAME=VALUE$/],
    [['-x', 'NOT_THERE', 'a'], /^-x NOT_THERE: there is no such variable to pass on; expected -x NOT_THERE=VALUE$/],
    [['--transport', 'tcp', 'a'], /^--transport got tcp: expected a list of self, shm, rdma, websocket, relay$/],
    [['a', ':', '-n', '1', 'b'], /^the block of a has no -n/],
    [['-n', '1', 'a', ':', '-n', '1', '--timeout', '3', 'b'], /^--timeout stands in block 2: it concerns the whole job/],
    [['-n', '1', 'a', ':'], /^no program was given in block 2/],
  ])('%j', (args, message) => {
    expect(() => parse(args as string[])).toThrow(message as RegExp);
  });

  test('a switch by variable is 0 or 1', () => {
    expect(() => parse(['a'], { TSMPI_QUIET: 'maybe' })).toThrow(/^TSMPI_QUIET got maybe: expected 0 or 1$/);
  });
});
