/** The command of a rank. */

import { expect, test } from 'vitest';
import { rankCommand, signalCode } from '../../../src/agent/command.ts';
import type { AgentProgram } from '../../../src/agent/protocol.ts';

const block: AgentProgram = { program: 'sim.js', args: ['-1', '--x'], exec: false, wdir: '/', env: {}, nodeArgs: [] };
const prepared = { file: '/a/sim.js', nodeArgs: ['--enable-source-maps'], dispose: () => {} };

test('a program of Node gets the block’s arguments of Node, then those it needs', () => {
  const { file, args } = rankCommand({ ...block, nodeArgs: ['--expose-gc'] }, prepared, 0);
  expect(file).toBe(process.execPath);
  expect(args).toEqual(['--expose-gc', '--enable-source-maps', '/a/sim.js', '-1', '--x']);
});

test('an executable is started as it is', () => {
  expect(rankCommand({ ...block, exec: true, nodeArgs: ['--expose-gc'] }, prepared, 0)).toEqual({
    file: '/a/sim.js',
    args: ['-1', '--x'],
  });
});

test.each([
  ['--inspect', '--inspect=9232'],
  ['--inspect-brk', '--inspect-brk=9232'],
  ['--inspect=9300', '--inspect=9303'],
  ['--inspect=host:9300', '--inspect=host:9303'],
  ['--inspect=0.0.0.0', '--inspect=0.0.0.0:9232'],
  ['--inspect=[::1]:9300', '--inspect=[::1]:9303'],
  ['--inspect=0', '--inspect=0'],
  ['--inspect-port=9300', '--inspect-port=9300'],
])('local rank 3 with %s', (given, expected) => {
  expect(rankCommand({ ...block, nodeArgs: [given] }, prepared, 3).args[0]).toBe(expected);
});

test('exit codes of signals', () => {
  expect([signalCode('SIGKILL'), signalCode('SIGTERM'), signalCode('SIGSEGV')]).toEqual([137, 143, 139]);
});
