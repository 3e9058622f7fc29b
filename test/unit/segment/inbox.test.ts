/** The inbox under several producer processes: nothing lost, doubled or out of order, whatever happens to them. */

import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { loadAddon } from '../../../src/native/loader.ts';
import { InboxConsumer, InboxProducer, startInboxAt } from '../../../src/segment/inbox.ts';
import { CONTROL, layOut, shapesFor } from '../../../src/segment/layout.ts';
import { Segment } from '../../../src/segment/segment.ts';
import { isLong } from '../../long.ts';
import { bundle } from '../bundle.ts';

const { addon } = loadAddon();
const program = bundle(join(import.meta.dirname, 'programs/inbox-producer.ts'));
const NEAR_WRAP = 0x7fffffff - 5000;
/** Cells of a producer that goes on until it is killed. */
const ENDLESS = 0x7fffffff;

function createLocal(ranks: number): Segment {
  const shape = shapesFor(ranks, 2)[0]!;
  return Segment.create(new SharedArrayBuffer(layOut(shape).byteLength), shape, new TextEncoder().encode('{}'));
}

describe('in one thread', () => {
  test('a full inbox refuses, and takes again once the consumer has published its head', () => {
    const segment = createLocal(2);
    startInboxAt(segment, 0, NEAR_WRAP);
    const producer = new InboxProducer(segment);
    const consumer = new InboxConsumer(segment, 0);
    const { cellCount } = segment.layout;
    for (let k = 0; k < cellCount; k++) {
      const cell = producer.claim(0);
      segment.i32[cell + 1] = k;
      producer.publish(cell);
    }
    expect(producer.claim(0)).toBe(-1);
    let published = false;
    for (let k = 0; k < 64 || !published; k++) {
      const cell = consumer.next();
      expect(segment.i32[cell + 1]).toBe(k);
      published = consumer.advance() || published;
    }
    expect(producer.claim(0)).toBeGreaterThan(0);
  });

  test('a claimed cell that is not published yet holds back those behind it', () => {
    const segment = createLocal(1);
    const producer = new InboxProducer(segment);
    const other = new InboxProducer(segment);
    const consumer = new InboxConsumer(segment, 0);
    const first = producer.claim(0);
    const second = other.claim(0);
    other.publish(second);
    expect(consumer.next()).toBe(-1);
    producer.publish(first);
    expect(consumer.next()).toBe(first);
    consumer.advance();
    expect(consumer.next()).toBe(second);
  });
});

describe.skipIf(addon === undefined)('with producer processes (needs the native addon)', () => {
  let segment: Segment;
  let fd: number;
  let producers: ChildProcess[];

  beforeEach(() => {
    const shape = shapesFor(8, 2)[0]!;
    const { byteLength } = layOut(shape);
    fd = addon!.createMemory('tsmpi-test', byteLength);
    expect(fd).toBeGreaterThan(0);
    segment = Segment.create(addon!.map(fd, byteLength), shape, new TextEncoder().encode('{}'));
    startInboxAt(segment, 0, NEAR_WRAP);
    producers = [];
  });

  afterEach(() => {
    for (const producer of producers) producer.kill('SIGKILL');
    addon!.close(fd);
  });

  /** Start producers and wait until each has attached; the first one gets `lastWords` (inbox-producer.ts). */
  async function start(count: number, cells: number, ...lastWords: (string | number)[]): Promise<void> {
    const { byteLength } = segment.layout;
    await Promise.all(
      Array.from({ length: count }, (_, k) => {
        const args = [program, process.pid, fd, byteLength, k + 1, cells, ...(k === 0 ? lastWords : [])].map(String);
        const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
        producers.push(child);
        return new Promise<void>((resolve, reject) => {
          child.stdout.once('data', () => resolve());
          child.once('exit', (code, signal) => reject(new Error(`producer ${k + 1} ended early: ${code ?? signal}`)));
        });
      }),
    );
  }

  /** How to consume, besides to the end. */
  interface Ways {
    /** Stop when nothing has come for so long. */
    readonly quietMs: number;
    /** Stall for so long now and then. */
    readonly stallMs?: number;
    /** Kill the first producer once so many cells were taken. */
    readonly killAfter?: number;
  }

  /** Take cells until `total` came or nothing comes any more. Return the next number expected of each producer. */
  function consume(total: number, { quietMs, stallMs = 0, killAfter = -1 }: Ways): Int32Array {
    const consumer = new InboxConsumer(segment, 0);
    const { i32, f64 } = segment;
    const expected = new Int32Array(9);
    let random = 12345;
    let last = performance.now();
    for (let taken = 0; taken < total; ) {
      const cell = consumer.next();
      if (cell < 0) {
        addon!.yield();
        if (performance.now() - last > quietMs) break;
        continue;
      }
      const rank = i32[cell + 1]!;
      const k = i32[cell + 2]!;
      if (
        k !== expected[rank] ||
        i32[cell + 3] !== (Math.imul(k, 0x9e3779b1) ^ rank) ||
        f64[(cell + 8) >> 1] !== rank * 1e9 + k
      ) {
        throw new Error(`cell ${k} of producer ${rank} came where ${expected[rank]} was expected, or its payload is wrong`);
      }
      expected[rank] = k + 1;
      consumer.advance();
      // A signal is sent at once; no turn of the event loop is needed.
      if (++taken === killAfter) producers[0]!.kill('SIGKILL');
      if ((taken & 1023) === 0) last = performance.now();
      random = (Math.imul(random, 1103515245) + 12345) | 0;
      if (stallMs > 0 && (random & 0x3ffff) === 7) {
        const end = performance.now() + stallMs;
        while (performance.now() < end);
      }
    }
    return expected;
  }

  /** The producers left go on until no cell is free: all of them stand behind a hole. */
  function waitUntilFull(): void {
    const word = (field: number) => Atomics.load(segment.i32, segment.control(0, field));
    const limit = performance.now() + 20_000;
    for (let used = -1; used !== segment.layout.cellCount; used = (word(CONTROL.tail) - word(CONTROL.head)) | 0) {
      if (performance.now() > limit)
        throw new Error(`${used} cells are in use where all ${segment.layout.cellCount} were expected`);
      addon!.yield();
    }
  }

  test('10^7 cells of 3 producers, counters wrapping, a consumer that stalls', async () => {
    const each = 3_333_334;
    await start(3, each);
    const expected = consume(3 * each, { quietMs: 20_000, stallMs: 3 });
    expect(Array.from(expected.subarray(1, 4))).toEqual([each, each, each]);
  }, 120_000);

  /** Where a producer may stand when it dies, in the order in which it passes there, and whether it leaves a hole. */
  test.each([
    ['unclaimed', false],
    ['claimed', true],
    ['half filled', true],
    ['filled', true],
    ['published', false],
  ])(
    'a producer that dies with its last cell %s: what it published is whole',
    async (point, leavesHole) => {
      const last = 40_000;
      // Behind a hole the others must not come to their end before the dead one gets there.
      const each = leavesHole ? ENDLESS : 100_000;
      await start(3, each, last, point);
      const expected = consume(3 * each, { quietMs: 1500 });
      const [, dead, second, third] = expected;
      expect(dead).toBe(point === 'published' ? last + 1 : last);
      // All stand behind the hole; nothing was taken for the cell that was never published.
      if (leavesHole) waitUntilFull();
      else expect([second, third]).toEqual([each, each]);
    },
    60_000,
  );

  test.each(Array.from({ length: isLong ? 8 : 3 }, (_, k) => k + 1))(
    'a producer killed while all of them send leaves whole cells in order (seed %i)',
    async (seed) => {
      await start(3, ENDLESS);
      const killAfter = Math.imul(seed, 0x9e3779b1) >>> 15;
      const total = killAfter + 300_000;
      const expected = consume(total, { quietMs: 1500, killAfter });
      const taken = expected.reduce((sum, count) => sum + count, 0);
      // Either the dead one left no hole and the others get through, or all stand behind its hole.
      if (taken < total) {
        expect(taken).toBeGreaterThanOrEqual(killAfter);
        waitUntilFull();
      }
    },
    60_000,
  );
});
