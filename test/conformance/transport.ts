/**
 * What every transport keeps to (src/transport/transport.ts), as one suite. A transport's own test file opens the two ends
 * and says, with a reason, what it has not.
 */

import { describe, expect, test } from 'vitest';
import {
  arrayConstructor,
  BYTES,
  ELEMENT_NAMES,
  ELEMENT_SHIFT,
  OBJECT,
  type TypedArray,
} from '../../src/datatype/element-type.ts';
import { ANNOUNCE, CLEAR, EAGER, FINISH, PIECE, SHORT } from '../../src/transport/frame.ts';
import { BUSY, type FrameHandler, NO_CREDIT, type SendAnswer, TAKEN, type Transport } from '../../src/transport/transport.ts';
import { Random } from '../unit/datatype/random.ts';
import { type Arrival, Arrivals } from './arrivals.ts';

/** Two ends of a transport that are connected; one and the same for messages to oneself. */
export interface Ends {
  readonly sender: Transport;
  readonly receiver: Transport;
  /** Resolve once the sender, which goes to sleep, is woken. */
  readonly sleep?: () => Promise<void>;
  /** Whether frames that were taken are on their way between the two; undefined: there is no such time. */
  readonly isUnderWay?: () => boolean;
}

export interface Subject {
  readonly name: string;
  /** World ranks: of the sender, of the receiver, and one that cannot be reached. */
  readonly ranks: readonly [from: number, to: number, beyond: number];
  readonly open: (onSender: FrameHandler, onReceiver: FrameHandler) => Ends;
  /** Why it has no pieces, never refuses, cannot fetch, has nothing that a piece occupies once it has arrived. */
  readonly without?: {
    readonly pieces?: string;
    readonly refusal?: string;
    readonly fetch?: string;
    readonly sleep?: string;
    readonly heldPieces?: string;
  };
}

/** More frames than any transport has room for. */
const MANY = 2_000_000;
const CONTEXT = -77_000_003;
/** Element types of frames; bytes and objects' heads lie in a Uint8Array. */
const TYPES = ELEMENT_NAMES.map((name, code) => ({ name, code, shift: ELEMENT_SHIFT[code]! }));

/** Elements that differ by place and seed. */
function elements(code: number, count: number, seed: number): TypedArray {
  const array = new (arrayConstructor(code === OBJECT ? BYTES : code))(count);
  const isBig = array instanceof BigInt64Array || array instanceof BigUint64Array;
  for (let k = 0; k < count; k++) array[k] = (isBig ? BigInt((k + seed) % 100) : (k + seed) % 100) as never;
  return array;
}

/** Run the suite over one transport. */
export function conformance({ name, ranks: [from, to, beyond], open, without = {} }: Subject): void {
  /** Both ends, what arrived, and poll(): everything that is there has arrived at both. */
  function start() {
    const backward = new Arrivals(to);
    const forward = new Arrivals(from);
    const ends = open(backward, forward);
    const poll = (): void => {
      const deadline = performance.now() + 20_000;
      while (ends.receiver.poll(forward) || ends.sender.poll(backward) || ends.isUnderWay?.()) {
        if (performance.now() > deadline) throw new Error(`${name}: frames that were taken have not arrived after 20 s`);
      }
    };
    return { ...ends, backward, forward, poll };
  }
  const lacks = (what: keyof NonNullable<Subject['without']>, title: string): string =>
    without[what] === undefined ? title : `${title} (not here: ${without[what]})`;

  describe(name, () => {
    test('says whom it reaches, and why not', () => {
      const { sender, receiver } = start();
      expect(sender.canReach(to)).toBeUndefined();
      expect(receiver.canReach(from)).toBeUndefined();
      expect(sender.canReach(beyond)).toMatch(/^[a-z].*[^.]$/);
      const { shortBytes, eagerBytes, pieceBytes } = sender.capabilities;
      expect([...[8, shortBytes, eagerBytes, pieceBytes]].sort((a, b) => a - b)).toEqual([8, shortBytes, eagerBytes, pieceBytes]);
      expect(sender.name).toMatch(/^[a-z]+$/);
    });

    test.each(TYPES)('every size of $name, short and eager, with its envelope', ({ code, shift }) => {
      const { sender, forward, poll } = start();
      const { shortBytes, eagerBytes } = sender.capabilities;
      const sizes = [0, 8, shortBytes - 8, shortBytes, shortBytes + 8, 1000, eagerBytes - 8, eagerBytes];
      for (const [k, byteLength] of sizes.entries()) {
        const data = elements(code, byteLength >> shift, k);
        const send = byteLength <= shortBytes ? sender.sendShort : sender.sendEager;
        const tag = 2 ** 31 - 1 - k;
        expect(send.call(sender, to, code, 40 + k, tag, CONTEXT, data, data.length, byteLength)).toBe(TAKEN);
        new Uint8Array(data.buffer).fill(0); // taken: the memory is the program's again
        poll();
        const arrival = forward.frames.pop()!;
        const kind = byteLength <= shortBytes ? SHORT : EAGER;
        expect(arrival).toMatchObject({ kind, type: code, source: 40 + k, tag, context: CONTEXT, byteLength });
        expect(arrival.payload).toEqual(elements(code, byteLength >> shift, k));
      }
      expect(forward.frames).toEqual([]);
    });

    test('the 16 bits above the type arrive as they were sent', () => {
      const { sender, forward, poll } = start();
      for (const check of [1, 0x7fff, 0x8000, 0xffff]) {
        const type = 9 | (check << 8);
        const data = elements(9, 100, check) as Float64Array;
        sender.sendShort(to, type, 0, 0, CONTEXT, data, 1, 8);
        sender.sendEager(to, type, 0, 0, CONTEXT, data, 100, 800);
        sender.sendAnnounce(to, type, 0, 0, CONTEXT, 800_000, 5, undefined);
        poll();
        const [short, eager, announced] = forward.frames.splice(0);
        expect([short!.type, eager!.type, announced!.type]).toEqual([type, type, type]);
        expect(short!.payload).toEqual(data.slice(0, 1));
        expect(eager!.payload).toEqual(data);
      }
    });

    test('part of an array is sent alone', () => {
      const { sender, forward, poll } = start();
      const data = elements(9, 200, 1) as Float64Array;
      for (const view of [data.subarray(7, 10), data.subarray(50, 150)]) {
        if (view.length < 4) sender.sendShort(to, 9, 0, 0, CONTEXT, view, view.length, view.byteLength);
        else sender.sendEager(to, 9, 0, 0, CONTEXT, view, view.length, view.byteLength);
        poll();
        expect(forward.frames.pop()!.payload).toEqual(view.slice());
      }
    });

    test('announcements and control frames keep their numbers, lengths beyond 32 bits too', () => {
      const { sender, receiver, forward, backward, poll } = start();
      for (const byteLength of [0, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 52 + 5]) {
        expect(sender.sendAnnounce(to, OBJECT, 3, 4, CONTEXT, byteLength, 123_456_789, undefined)).toBe(TAKEN);
        poll();
        const expected = { kind: ANNOUNCE, type: OBJECT, source: 3, tag: 4, context: CONTEXT, byteLength, aux: 123_456_789 };
        expect(forward.frames.pop()).toMatchObject({ ...expected, address: 0 });
      }
      receiver.sendControl(from, CLEAR, 123_456_789, 7);
      receiver.sendControl(from, FINISH, 5, 0);
      poll();
      // Messages to oneself have one end only.
      const answers = (sender === receiver ? forward : backward).frames;
      expect(answers.map(({ kind, source, tag }) => [kind, source, tag])).toEqual([
        [CLEAR, 123_456_789, 7],
        [FINISH, 5, 0],
      ]);
    });

    test.each([1, 2, 3])('frames of all kinds arrive in the order taken, none lost or doubled: seed %i', (seed) => {
      const { sender, receiver, forward, backward, poll } = start();
      const { shortBytes, eagerBytes } = sender.capabilities;
      const random = new Random(seed);
      const kinds: number[] = [];
      const held: Arrival[] = [];
      forward.isHolding = true;
      let settled = 0;
      for (let number = 0; number < 3000; ) {
        const choice = random.below(4);
        const count = choice === 0 ? random.below(shortBytes >> 3) + 1 : random.below(eagerBytes >> 3) + 1;
        const data = new Float64Array(count).fill(number);
        let answer: SendAnswer;
        if (choice === 0) answer = sender.sendShort(to, 9, 0, number, CONTEXT, data, count, 8 * count);
        else if (choice === 1) answer = sender.sendEager(to, 9, 0, number, CONTEXT, data, count, 8 * count);
        else if (choice === 2) answer = sender.sendAnnounce(to, 9, 0, number, CONTEXT, 8 * count, number, undefined);
        else answer = sender.sendControl(to, CLEAR, 0, number);
        if (answer === TAKEN) {
          kinds.push([SHORT, EAGER, ANNOUNCE, CLEAR][choice]!);
          number++;
        }
        // The receiver looks now and then, and matches what it has at random.
        if (random.below(20) === 0 || answer !== TAKEN) receiver.poll(forward);
        if (answer !== TAKEN) sender.poll(backward);
        held.push(...forward.frames.slice(settled));
        settled = forward.frames.length;
        while (held.length > 0 && (answer === NO_CREDIT || random.below(3) === 0))
          held.splice(random.below(held.length), 1)[0]!.settle();
      }
      poll();
      expect(forward.frames.map(({ tag }) => tag)).toEqual(kinds.map((_, number) => number));
      expect(forward.frames.map(({ kind }) => kind)).toEqual(kinds);
      for (const { payload, tag } of forward.frames) if (payload !== undefined) expect(payload.at(-1)).toBe(tag);
    });

    test.skipIf(without.refusal !== undefined)(
      lacks('refusal', 'a full receiver refuses, and takes again once it looked'),
      () => {
        const { sender, receiver, forward, poll } = start();
        for (let round = 0; round < 2; round++) {
          let taken = 0;
          while (taken < MANY && sender.sendControl(to, FINISH, taken, 0) === TAKEN) taken++;
          expect(taken).toBeLessThan(MANY);
          for (let k = 0; k < 3; k++) expect(sender.sendAnnounce(to, 9, 0, 0, CONTEXT, 8, 0, undefined)).toBe(BUSY);
          const one = new Float64Array(1);
          expect(sender.sendShort(to, 9, 0, 0, CONTEXT, one, 1, 8)).not.toBe(TAKEN);
          // What found no room took no buffer along.
          for (let k = 0; k < 1000; k++) expect(sender.sendEager(to, 9, 0, 0, CONTEXT, one, 1, 8)).not.toBe(TAKEN);
          poll();
          const arrived = forward.frames.splice(0);
          expect(arrived).toHaveLength(taken);
          // Hundreds of thousands: not by toEqual(), which takes seconds.
          expect(arrived.findIndex(({ source }, k) => source !== k)).toBe(-1);
          expect(sender.sendEager(to, 9, 0, 0, CONTEXT, one, 1, 8)).toBe(TAKEN);
          poll();
          expect(forward.frames.splice(0)).toHaveLength(1);
          expect(receiver.poll(forward)).toBe(false);
        }
      },
    );

    test.skipIf(without.sleep !== undefined)(
      lacks('sleep', 'a refused sender that sleeps is woken when there is room'),
      async () => {
        const { sender, receiver, forward, sleep, poll } = start();
        for (let round = 0; round < 2; round++) {
          while (sender.sendControl(to, FINISH, 0, 0) === TAKEN);
          const isAwake = sleep!();
          while (receiver.poll(forward));
          await isAwake;
          expect(sender.sendControl(to, FINISH, 0, 0)).toBe(TAKEN);
        }
        // What bounds pieces is room as well.
        poll();
        forward.frames.length = 0;
        forward.isHolding = without.heldPieces === undefined;
        const bytes = new Uint8Array(8);
        while (sender.sendPiece(to, 0, bytes, 0, 0, 8) === TAKEN);
        if (forward.isHolding) while (receiver.poll(forward));
        const isAwake = sleep!();
        if (forward.isHolding) forward.frames[0]!.settle();
        else while (receiver.poll(forward));
        await isAwake;
        expect(sender.sendPiece(to, 0, bytes, 0, 0, 8)).toBe(TAKEN);
      },
    );

    test('payload that nobody takes is bounded; envelopes flow all the same', () => {
      const { sender, forward, poll } = start();
      forward.isHolding = true;
      const one = new Float64Array(1);
      const sends: (() => SendAnswer)[] = [
        () => sender.sendShort(to, 9, 0, 1, CONTEXT, one, 1, 8),
        () => sender.sendEager(to, 9, 0, 1, CONTEXT, one, 1, 8),
      ];
      for (const send of sends) {
        for (let round = 0; round < 3; round++) {
          let taken = 0;
          for (let answer: SendAnswer = TAKEN; taken < MANY && answer !== NO_CREDIT; poll()) {
            answer = send();
            if (answer === TAKEN) taken++;
          }
          expect(taken).toBeGreaterThanOrEqual(round === 0 ? 2 : 1);
          expect(taken).toBeLessThan(2000);
          // A thousand announcements find their way although no payload does.
          for (let k = 0; k < 1000; k++) {
            while (sender.sendAnnounce(to, 9, 0, 2, CONTEXT, 8, k, undefined) === BUSY) poll();
          }
          poll();
          const announced = forward.frames.filter(({ kind }) => kind === ANNOUNCE);
          expect(announced.map(({ aux }) => aux)).toEqual(Array.from({ length: 1000 }, (_, k) => k));
          expect(send()).toBe(NO_CREDIT);
          for (const { settle } of forward.frames.splice(0)) settle();
          poll();
        }
        expect(send()).toBe(TAKEN);
        poll();
        forward.frames.pop()!.settle();
      }
    });

    test.skipIf(without.pieces !== undefined)(
      lacks('pieces', 'pieces bring their bytes, offset and end, to their place or to be copied there'),
      () => {
        const { sender, forward, poll } = start();
        const { pieceBytes } = sender.capabilities;
        const data = elements(2, 3 * pieceBytes, 9) as Uint8Array;
        for (const isKnown of [false, true]) {
          forward.pieceTarget = isKnown ? new Uint8Array(data.byteLength) : undefined;
          for (const byteLength of [1, 7, Math.min(4096, pieceBytes), pieceBytes]) {
            for (const offset of [0, 1, pieceBytes + 3]) {
              expect(sender.sendPiece(to, 8, data, offset, offset, byteLength)).toBe(TAKEN);
              poll();
              const { kind, source, tag, byteLength: at, payload } = forward.frames.pop()!;
              expect([kind, source, tag, at]).toEqual([PIECE, 8, byteLength, offset]);
              expect(Buffer.compare(payload!.subarray(1, -1) as Uint8Array, data.subarray(offset, offset + byteLength))).toBe(0);
              expect([payload![0], payload!.at(-1)]).toEqual([0, 0]);
            }
          }
        }
        expect(sender.sendPiece(to, 8, data, 0, 0, -1)).toBe(TAKEN);
        poll();
        expect(forward.frames.pop()).toMatchObject({ kind: PIECE, source: 8, tag: -1 });
      },
    );

    test.skipIf(without.pieces !== undefined || without.heldPieces !== undefined)(
      lacks('heldPieces', 'buffers bound pieces that are not released'),
      () => {
        const { sender, forward, poll } = start();
        const data = elements(2, 1000, 9) as Uint8Array;
        forward.isHolding = true;
        for (let round = 0; round < 3; round++) {
          let taken = 0;
          for (; taken < MANY && sender.sendPiece(to, taken, data, taken, taken, 16) === TAKEN; taken++) poll();
          expect(taken).toBeGreaterThanOrEqual(2);
          expect(taken).toBeLessThan(MANY);
          expect(sender.sendPiece(to, 0, data, 0, 0, 16)).toBe(BUSY);
          for (const [k, { source, payload, settle }] of forward.frames.splice(0).entries()) {
            expect([source, payload![1]]).toEqual([k, data[k]]);
            settle();
          }
        }
      },
    );

    test.skipIf(without.fetch !== undefined)(lacks('fetch', 'announced memory is read from afar'), () => {
      const { sender, receiver, forward, poll } = start();
      expect(receiver.canFetch(from)).toBeUndefined();
      const data = elements(9, 100_000, 4) as Float64Array;
      sender.sendAnnounce(to, 9, 0, 0, CONTEXT, data.byteLength, 1, data);
      poll();
      const { address, byteLength } = forward.frames.pop()!;
      const into = new Uint8Array(byteLength + 16);
      const read = (at: number, count: number): number => receiver.fetch(from, address + at, into, 8 + at, count);
      let done = 0;
      while (done < byteLength) done += read(done, Math.min(300_000, byteLength - done));
      expect(new Float64Array(into.buffer, 8, data.length)).toEqual(data);
      expect([...into.subarray(0, 8), ...into.subarray(-8)]).toEqual(new Array(16).fill(0));
      // What cannot be read is an errno, not a death.
      expect(receiver.fetch(from, 8, into, 0, 64)).toBeLessThan(0);
    });

    test('says why memory cannot be read from afar where it cannot', () => {
      const { sender, receiver } = start();
      expect(sender.capabilities.canFetch).toBe(without.fetch === undefined);
      if (without.fetch !== undefined) expect(receiver.canFetch(from)).toMatch(/^[a-z].*[^.]$/);
    });
  });
}
