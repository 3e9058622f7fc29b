/** What a rank notes of its collectives, read back through another view of the same segment. */

import { beforeEach, expect, test } from 'vitest';
import { CollectiveCall, NONE, WITHOUT_PARTS } from '../../../src/base/collective-call.ts';
import { operationCode } from '../../../src/base/operation.ts';
import { createThreadMemory } from '../../../src/segment/backing.ts';
import { CallJournal } from '../../../src/segment/call-journal.ts';
import { CALL_RECORDS, CONTROL } from '../../../src/segment/layout.ts';
import type { Segment } from '../../../src/segment/segment.ts';

const BARRIER = CollectiveCall.of(operationCode('barrier'), NONE, NONE, NONE, NONE, 0);
const bcast = (byteLength: number, root = 0) => CollectiveCall.of(operationCode('bcast'), 9, byteLength, root, NONE, 0);
let segment: Segment;
let mine: CallJournal;
let theirs: CallJournal;

beforeEach(() => {
  segment = createThreadMemory(2, new TextEncoder().encode('{}'));
  mine = new CallJournal(segment, 1, [0, 1, -1], false);
  theirs = new CallJournal(segment, 0, [0, 1, -1], false);
});

function write(context: number, number: number, call: CollectiveCall, journal = mine): void {
  journal.write(context, number, call, call.checkOf(number));
}

test('every field comes back, and only what was written is found', () => {
  const calls = [
    CollectiveCall.of(operationCode('allreduce'), 9, 800, NONE, 3, 0),
    CollectiveCall.of(operationCode('gatherv'), NONE, NONE, 7, NONE, WITHOUT_PARTS),
    CollectiveCall.of(operationCode('bcast'), 0, 5 * 2 ** 32 + 3, 65_535, NONE, -9),
  ];
  for (const [k, call] of calls.entries()) write(5, k + 1, call);
  for (const [k, call] of calls.entries()) {
    expect(theirs.find(1, 5, k + 1)).toMatchObject({ number: k + 1, context: 5, site: '', call: { ...call } });
  }
  expect(theirs.find(1, 5, 4)).toBeUndefined();
  expect(theirs.find(1, 9, 1)).toBeUndefined();
  expect(theirs.find(0, 5, 1)).toBeUndefined();
  expect(theirs.find(2, 5, 1)).toBeUndefined();
  expect(theirs.last(1)?.call.describe()).toBe('bcast(root 65535, 21474836483 bytes)');
  expect(theirs.last(0)).toBeUndefined();
});

test('a loop of one call is one record; the oldest records give way', () => {
  for (let number = 1; number <= 1000; number++) write(5, number, BARRIER);
  write(9, 1, bcast(8));
  for (const number of [1, 500, 1000]) expect(theirs.find(1, 5, number)?.call.describe()).toBe('barrier');
  expect(theirs.find(1, 5, 1001)).toBeUndefined();
  for (let number = 1001; number < 1000 + CALL_RECORDS; number++) write(5, number, bcast(number * 8));
  expect(theirs.find(1, 9, 1)).toBeDefined();
  expect(theirs.find(1, 5, 1000)).toBeUndefined();
  expect(theirs.last(1, 9)?.number).toBe(1);
  expect(theirs.last(1)?.number).toBe(999 + CALL_RECORDS);
});

test('numbers that wrap', () => {
  for (const number of [0x7ffffffe, 0x7fffffff, 0, 1]) write(5, number, BARRIER);
  for (const number of [0x7ffffffe, 0x7fffffff, 0, 1]) expect(theirs.find(1, 5, number)?.number).toBe(number);
});

test('a record that is being written is passed over', () => {
  write(5, 1, bcast(80));
  for (let word = 2; word < 8; word++) {
    const at = segment.control(1, CONTROL.journal) + word;
    segment.i32[at]! ^= 64;
    expect(theirs.find(1, 5, 1), `word ${word}`).toBeUndefined();
    segment.i32[at]! ^= 64;
  }
  expect(theirs.find(1, 5, 1)).toBeDefined();
});

test('the calls of a communicator that was given up are forgotten', () => {
  write(5, 1, BARRIER);
  write(9, 1, BARRIER);
  mine.forget(5);
  expect(theirs.find(1, 5, 1)).toBeUndefined();
  expect(theirs.find(1, 9, 1)).toBeDefined();
});

test('lines of calls, as long as there is room', () => {
  const journal = new CallJournal(segment, 1, [0, 1], true);
  write(5, 1, BARRIER, journal);
  journal.writeSite('sim.ts:12');
  write(5, 2, BARRIER, journal);
  journal.writeSite('a-program-with-a-very-long-name.ts:1234');
  expect(theirs.find(1, 5, 1)?.site).toBe('sim.ts:12');
  expect(theirs.find(1, 5, 2)?.site).toBe('ram-with-a-very-long-name.ts:1234'.slice(-28));
});
