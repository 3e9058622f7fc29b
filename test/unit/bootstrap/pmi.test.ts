/** PMI as it goes over the descriptor: what is asked, and that no answer, however wrong, is believed or waited for in vain. */

import { closeSync, readSync, writeSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import type { Pmi } from '../../../src/bootstrap/pmi/pmi.ts';
import { Pmi1 } from '../../../src/bootstrap/pmi/pmi-1.ts';
import { Pmi2 } from '../../../src/bootstrap/pmi/pmi-2.ts';
import { PmiWire } from '../../../src/bootstrap/pmi/wire.ts';
import { addon, missing, named } from '../native/native-addon.ts';

const HELLO_1 = [
  'cmd=response_to_init pmi_version=1 pmi_subversion=1 rc=0\n',
  'cmd=maxes rc=0 kvsname_max=256 keylen_max=64 vallen_max=1024\n',
  'cmd=appnum appnum=3\n',
  'cmd=my_kvsname kvsname=kvs_1\n',
];
const message = (text: string): string => `${String(text.length).padStart(6)}${text}`;
const HELLO_2 = [
  'cmd=response_to_init rc=0 pmi_version=2 pmi_subversion=0\n',
  message('cmd=fullinit-response;rc=0;pmi-version=2;pmi-subversion=0;rank=1;size=4;appnum=-1;debugged=FALSE;'),
];

describe.skipIf(missing)(named('PMI'), () => {
  const open: number[] = [];
  afterEach(() => {
    for (const fd of open.splice(0)) closeSync(fd);
  });

  /** A launcher that has answered already; `end`: and has gone. `asked()` returns what it was asked. */
  function launcher(
    answers: readonly string[],
    end = false,
  ): { wire: PmiWire; asked: () => string; say: (text: string) => void } {
    const [answerRead, answerWrite] = addon.pipe(false) as [number, number];
    const [askRead, askWrite] = addon.pipe(true) as [number, number];
    for (const answer of answers) writeSync(answerWrite, answer, null, 'latin1');
    open.push(answerRead, askRead, askWrite);
    if (end) closeSync(answerWrite);
    else open.push(answerWrite);
    const wire = new PmiWire(addon, answerRead, askWrite);
    const asked = (): string => {
      const bytes = Buffer.alloc(65_536);
      return bytes.toString('latin1', 0, readSync(askRead, bytes));
    };
    return { wire, asked, say: (text) => writeSync(answerWrite, text, null, 'latin1') };
  }
  const place = { fd: 0, rank: 1, size: 4 };
  const speak1 = (wire: PmiWire): Pmi => new Pmi1(addon, { ...place, jobId: undefined }, wire);
  const speak2 = (wire: PmiWire): Pmi => new Pmi2(addon, { ...place, jobId: '7.0' }, wire);

  test('PMI-1: questions and answers', () => {
    const rest = ['cmd=put_result rc=0 msg=success\n', 'cmd=barrier_out\n', 'cmd=get_result rc=0 msg=success value=B\n'];
    const { wire, asked } = launcher([
      ...HELLO_1,
      ...rest,
      'cmd=get_result rc=-1 msg=key_C_not_found value=unknown\n',
      'cmd=finalize_ack\n',
    ]);
    const pmi = speak1(wire);
    expect([pmi.rank, pmi.size, pmi.program, pmi.valueCapacity]).toEqual([1, 4, 3, 1023]);
    pmi.put('A', 'B');
    pmi.fence();
    expect(pmi.get('A')).toBe('B');
    expect(pmi.get('C')).toBeUndefined();
    pmi.abort(5);
    pmi.finalize();
    expect(asked().split('\n')).toEqual([
      ...['cmd=init pmi_version=1 pmi_subversion=1', 'cmd=get_maxes', 'cmd=get_appnum', 'cmd=get_my_kvsname'],
      ...['cmd=put kvsname=kvs_1 key=A value=B', 'cmd=barrier_in', 'cmd=get kvsname=kvs_1 key=A', 'cmd=get kvsname=kvs_1 key=C'],
      ...['cmd=abort exitcode=5', 'cmd=finalize', ''],
    ]);
  });

  test('PMI-2: questions and answers', () => {
    const { wire, asked } = launcher([
      ...HELLO_2,
      ...['kvs-put', 'kvs-fence'].map((name) => message(`cmd=${name}-response;rc=0;`)),
      message('cmd=kvs-get-response;rc=0;found=TRUE;value=B;'),
      message('cmd=kvs-get-response;rc=0;found=FALSE;'),
      message('cmd=finalize-response;rc=0;'),
    ]);
    const pmi = speak2(wire);
    expect([pmi.rank, pmi.size, pmi.program, pmi.valueCapacity]).toEqual([1, 4, 0, 1023]);
    pmi.put('A', 'B');
    pmi.fence();
    expect(pmi.get('A')).toBe('B');
    expect(pmi.get('C')).toBeUndefined();
    pmi.abort(5);
    pmi.finalize();
    expect(asked()).toBe(
      [
        'cmd=init pmi_version=2 pmi_subversion=0\n',
        message('cmd=fullinit;pmijobid=7.0;pmirank=1;threaded=FALSE;'),
        message('cmd=kvs-put;key=A;value=B;'),
        message('cmd=kvs-fence;'),
        message('cmd=kvs-get;jobid=7.0;srcid=-1;key=A;'),
        message('cmd=kvs-get;jobid=7.0;srcid=-1;key=C;'),
        message('cmd=abort;isworld=TRUE;exitcode=5;'),
        message('cmd=finalize;'),
      ].join(''),
    );
  });

  test('what it writes when it can only write is what abort() writes', () => {
    for (const [speak, hello] of [
      [speak1, HELLO_1],
      [speak2, HELLO_2],
    ] as const) {
      const { wire, asked } = launcher(hello);
      const pmi = speak(wire);
      asked();
      pmi.abort(1);
      expect(asked()).toBe(pmi.farewell);
    }
  });

  test('answers that come in pieces', () => {
    const { wire, say } = launcher(['cmd=a', 'b c=d\ncmd=e']);
    expect(wire.readLine('x')).toBe('cmd=ab c=d');
    say('f\n    1');
    expect(wire.readLine('x')).toBe('cmd=ef');
    say('2cmd=gh;i=jk;');
    expect(wire.readMessage('x')).toBe('cmd=gh;i=jk;');
  });

  test.each([
    ['another command', ['cmd=maxes rc=0\n'], 'the launcher answered "cmd=maxes rc=0" to init: expected cmd=response_to_init'],
    ['no fields', ['hello there\n'], 'the launcher answered "hello there" to init: expected fields as name=value'],
    ['a refusal', ['cmd=response_to_init rc=-1 msg=too_late\n'], 'the launcher refused init: rc=-1 (too_late)'],
    [
      'another version',
      ['cmd=response_to_init rc=0 pmi_version=2\n'],
      'answered "pmi_version=2" to init: expected version 1 of PMI',
    ],
    ['no version', ['cmd=response_to_init rc=0\n'], 'answered "pmi_version=" to init: expected pmi_version as a whole number'],
    [
      'no capacity',
      [HELLO_1[0]!, 'cmd=maxes vallen_max=many\n'],
      'answered "vallen_max=many" to get_maxes: expected vallen_max as a whole number',
    ],
    [
      'no store',
      [...HELLO_1.slice(0, 3), 'cmd=my_kvsname kvsname=\n'],
      'answered "no kvsname" to get_my_kvsname: expected the name of a key-value store',
    ],
  ] as const)('PMI-1: %s', (_, answers, says) => {
    expect(() => speak1(launcher(answers, true).wire)).toThrow(says);
  });

  test('an answer without end', () => {
    // As much as a pipe holds.
    const { wire } = launcher(['x'.repeat(65_536)], true);
    expect(() => wire.readLine('init')).toThrow('the launcher is lost');
    expect(() => wire.readMessage('init')).toThrow(/answered "x{6}" to init: expected the length of a message/);
  });

  test.each([
    [
      'a length that is none',
      [HELLO_2[0]!, 'abcdefcmd=fullinit-response;rc=0;'],
      'answered "abcdef" to fullinit: expected the length of a message',
    ],
    ['a length without end', [HELLO_2[0]!, '999999cmd='], 'answered "999999" to fullinit: expected the length of a message'],
    ['another command', [HELLO_2[0]!, message('cmd=kvs-put-response;rc=0;')], 'expected cmd=fullinit-response'],
    ['a refusal', [HELLO_2[0]!, message('cmd=fullinit-response;rc=5;errmsg=no;')], 'the launcher refused fullinit: rc=5 (no)'],
    [
      'another rank',
      [HELLO_2[0]!, message('cmd=fullinit-response;rc=0;rank=2;size=4;appnum=0;')],
      'answered "rank 2 of 4" to fullinit: expected rank 1 of 4, as the environment says',
    ],
    [
      'a rank that is none',
      [HELLO_2[0]!, message('cmd=fullinit-response;rc=0;rank=;size=4;')],
      'answered "rank=" to fullinit: expected rank as a whole number',
    ],
    ['an end in the middle', [HELLO_2[0]!, '    90cmd=full'], 'the launcher is lost: it has gone instead of answering fullinit'],
  ] as const)('PMI-2: %s', (_, answers, says) => {
    expect(() => speak2(launcher(answers, true).wire)).toThrow(says);
  });

  test('silence ends at a deadline', () => {
    const { wire } = launcher(['    2']);
    expect(() => wire.readLine('init', 20)).toThrow('the launcher has not answered init within 0.02 s');
    expect(() => wire.readMessage('a fence', 20)).toThrow('the launcher has not answered a fence within 0.02 s');
  });

  test('a fence ends when a line does, however long the launcher is silent', () => {
    for (const [speak, hello] of [
      [speak1, HELLO_1],
      [speak2, HELLO_2],
    ] as const) {
      const [idle, idleEnd] = addon.pipe(false) as [number, number];
      const [line, lineEnd] = addon.pipe(false) as [number, number];
      open.push(idle, idleEnd, line);
      const pmi = speak(launcher(hello).wire);
      closeSync(lineEnd);
      expect(() => pmi.fence({ lines: [idle, line] })).toThrow('another rank of this host has ended while the job came together');
    }
  });

  test('a fence ends when a look at the others says so', () => {
    let looks = 0;
    const look = (): void => {
      if (++looks === 2) throw new Error('one is missing');
    };
    expect(() => speak1(launcher(HELLO_1).wire).fence({ look })).toThrow('one is missing');
    expect(looks).toBe(2);
  });

  test('a launcher that has gone', () => {
    const { wire } = launcher([], true);
    expect(() => wire.readLine('init')).toThrow('the launcher is lost: it has gone instead of answering init');
    expect(() => new PmiWire(addon, 1_000_000)).toThrow('descriptor 1000000 of PMI_FD cannot be used (errno 9)');
  });
});
