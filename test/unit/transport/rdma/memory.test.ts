/**
 * Memory that is read and written from afar: messages over many regions, arrays that come and go, puts and gets, and what each
 * message costs in calls of the verbs.
 */

import { execFileSync } from 'node:child_process';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { COUNTER, COUNTER_COUNT } from '../../../../src/native/rdma.ts';
import { FINISH } from '../../../../src/transport/frame.ts';
import { TAKEN } from '../../../../src/transport/transport.ts';
import { type Arrival, Arrivals } from '../../../conformance/arrivals.ts';
import { isLong } from '../../../long.ts';
import { Random } from '../../datatype/random.ts';
import { addon } from '../../native/native-addon.ts';
import { connectedPair, type End, missing, named, pollUntil } from './ends.ts';

const FROM = 2;
const TO = 5;
/** Messages of arrays that come and go; as many as the rule asks for with TSMPI_LONG_TESTS=1. */
const COMINGS = isLong ? 10_000 : 60;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const crcOf = (bytes: Uint8Array): number => addon.crc32c(bytes, 0, bytes.byteLength, 0);

/** Announce an array, read it into another, let it go; return what was read. */
function move(sender: End, receiver: End, data: Uint8Array, number: number): Uint8Array {
  const nobody = new Arrivals(TO);
  const arrivals = new Arrivals(FROM);
  receiver.onFetch = () => sender.poll(nobody);
  const both = [
    [sender, nobody],
    [receiver, arrivals],
  ] as const;
  pollUntil(
    both,
    () => sender.sendAnnounce(TO, 0, 0, 0, 1, data.byteLength, number, data) === TAKEN,
    'the announcement is taken',
  );
  pollUntil(both, () => arrivals.frames.length > 0, 'the announcement arrives');
  const [{ address }] = arrivals.frames as [Arrival];
  const into = new Uint8Array(data.byteLength);
  expect(receiver.fetch(FROM, address, into, 0, data.byteLength)).toBe(data.byteLength);
  pollUntil(both, () => receiver.sendControl(FROM, FINISH, number, 0) === TAKEN, 'FINISH is taken');
  pollUntil(both, () => nobody.frames.length > 0, 'FINISH arrives');
  return into;
}

function counters(): Float64Array {
  const into = new Float64Array(COUNTER_COUNT);
  addon.rdmaCounters(into);
  return into;
}

describe.skipIf(missing !== undefined)(named('rdma memory'), () => {
  test('a message over several regions, from and to the middle of arrays', () => {
    const [sender, receiver] = connectedPair(FROM, TO);
    const random = new Random(1);
    const whole = new Uint8Array(11 << 20);
    for (let k = 0; k < whole.length; k += 997) whole[k] = random.below(256);
    const data = whole.subarray(12_345, 9_876_543);
    expect(crcOf(move(sender, receiver, data, 1))).toBe(crcOf(data));
    expect(receiver.usage().regions).toBeGreaterThan(1);
  });

  test(`${COMINGS} arrays are made, sent and dropped: none is taken for another that had its address`, () => {
    const [sender, receiver] = connectedPair(FROM, TO, {
      environment: { ...process.env, TSMPI_RDMA_CACHE_BYTES: String(24 << 20) },
    });
    const random = new Random(2);
    for (let k = 0; k < COMINGS; k++) {
      const byteLength = 65_536 << random.below(COMINGS > 1000 ? 8 : 5);
      const data = new Uint8Array(byteLength).fill(k & 255);
      data[random.below(byteLength)] = random.below(256);
      expect(crcOf(move(sender, receiver, data, k))).toBe(crcOf(data));
      if (k % 7 === 0) collectGarbage();
    }
    expect(sender.usage().registeredBytes).toBeLessThanOrEqual((24 << 20) + (4 << 20));
  });

  test('an array that was given away, and came back as another, is registered anew', () => {
    const [sender, receiver] = connectedPair(FROM, TO);
    const first = new Uint8Array(1 << 20).fill(1);
    expect(move(sender, receiver, first, 1)[0]).toBe(1);
    const { buffer } = first;
    const second = new Uint8Array(structuredClone(buffer, { transfer: [buffer] })).fill(2);
    const before = counters()[COUNTER.register]!;
    expect(move(sender, receiver, second, 2)[77]).toBe(2);
    expect(counters()[COUNTER.register]! - before).toBeGreaterThanOrEqual(1);
  });

  test('a rank that starts children while its memory is registered', () => {
    const [sender, receiver] = connectedPair(FROM, TO);
    const data = new Uint8Array(1 << 20);
    for (let k = 1; k <= 3; k++) {
      data.fill(k);
      expect(move(sender, receiver, data, k)[k]).toBe(k);
      expect(execFileSync('/bin/echo', ['child'], { encoding: 'utf8' })).toBe('child\n');
      data.fill(k + 100); // written by the parent after the fork: the device must see it
      expect(move(sender, receiver, data, k + 50)[(1 << 20) - k]).toBe(k + 100);
    }
  });

  test('put, get and notify: what was written may be read once the notice came', () => {
    const notices: (readonly [number, number])[] = [];
    const [origin, target] = connectedPair(FROM, TO, { onNotice: (peer, value) => notices.push([peer, value]) });
    const both = [
      [origin, new Arrivals(TO)],
      [target, new Arrivals(FROM)],
    ] as const;
    const memory = new Uint8Array(6 << 20).fill(9);
    const exposed = target.expose(memory)!;
    expect(exposed.parts.reduce((sum, { byteLength }) => sum + byteLength, 0)).toBe(memory.byteLength);
    const local = new Uint8Array(2 << 20).fill(4);
    const [remote] = exposed.parts;
    let ended = '';
    const put = {
      isGet: false,
      local,
      from: 16,
      byteLength: 1_500_000,
      remote: { address: remote!.address + 5, key: remote!.key },
    };
    expect(origin.transfer(TO, { ...put, onDone: (isDone) => (ended = String(isDone)) })).toBe(TAKEN);
    pollUntil(both, () => origin.notify(TO, 77) === TAKEN, 'the notice is taken');
    pollUntil(both, () => notices.length > 0, 'the notice arrives');
    expect(notices).toEqual([[FROM, 77]]);
    expect([memory[4], memory[5], memory[1_500_004], memory[1_500_005]]).toEqual([9, 4, 4, 9]);
    pollUntil(both, () => ended !== '', 'the put is over');
    expect(ended).toBe('true');
    memory.fill(6, 0, 100);
    const get = { isGet: true, local, from: 0, byteLength: 100, remote: remote! };
    ended = '';
    expect(origin.transfer(TO, { ...get, onDone: (isDone) => (ended = String(isDone)) })).toBe(TAKEN);
    pollUntil(both, () => ended !== '', 'the get is over');
    expect([ended, local[0], local[99], local[100]]).toEqual(['true', 6, 6, 4]);
    target.hide(exposed);
  });

  test('what a message costs: calls of the verbs and registrations', () => {
    const [sender, receiver] = connectedPair(FROM, TO);
    const both = [
      [sender, new Arrivals(TO)],
      [receiver, new Arrivals(FROM)],
    ] as const;
    const cost = (act: () => void): { sends: number; reads: number; receives: number; registers: number } => {
      const before = counters();
      act();
      const after = counters();
      const of = (index: number): number => after[index]! - before[index]!;
      return { sends: of(COUNTER.send), reads: of(COUNTER.read), receives: of(COUNTER.receive), registers: of(COUNTER.register) };
    };
    const send = (count: number) => () => {
      const data = new Float64Array(count);
      const arrived = both[1][1].frames.length;
      const call = 8 * count <= 32 ? sender.sendShort : sender.sendEager;
      expect(call.call(sender, TO, 9, 0, 0, 1, data, count, 8 * count)).toBe(TAKEN);
      pollUntil(both, () => both[1][1].frames.length > arrived, 'it arrives');
    };
    expect(cost(send(1))).toEqual({ sends: 1, reads: 0, receives: 1, registers: 0 });
    expect(cost(send(500))).toEqual({ sends: 1, reads: 0, receives: 1, registers: 0 });
    const copied = sender.usage().copiedIn;
    send(500)();
    expect(sender.usage().copiedIn - copied).toBe(4000);
    // Announced, read, finished: two frames and a READ for each MiB; memory is registered once on either side.
    const data = new Uint8Array(3 << 20);
    expect(cost(() => move(sender, receiver, data, 1))).toMatchObject({ sends: 2, reads: 3, registers: 2 });
    expect(cost(() => move(sender, receiver, data, 2))).toMatchObject({ sends: 2, reads: 3, registers: 1 });
    expect(sender.usage().copiedIn - copied).toBe(4000);
  });
});
