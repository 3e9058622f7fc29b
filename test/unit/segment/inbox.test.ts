/** The inbox under several producer processes: nothing lost, doubled or out of order, whatever happens to them. */

import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { loadAddon } from '../../../src/native/loader.ts';
import { InboxConsumer, InboxProducer, startInboxAt } from '../../../src/segment/inbox.ts';
import { layOut, shapesFor } from '../../../src/segment/layout.ts';
import { Segment } from '../../../src/segment/segment.ts';
import { bundle } from '../bundle.ts';

const { addon } = loadAddon();
const program = bundle(join(import.meta.dirname, 'programs/inbox-producer.ts'));
const NEAR_WRAP = 0x7fffffff - 5000;

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

  /** Start producers and wait until each has attached. */
  async function start(count: number, cells: number): Promise<void> {
    const { byteLength } = segment.layout;
    await Promise.all(
      Array.from({ length: count }, (_, k) => {
        const args = [program, process.pid, fd, byteLength, k + 1, cells].map(String);
        const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
        producers.push(child);
        return new Promise<void>((resolve, reject) => {
          child.stdout.once('data', () => resolve());
          child.once('exit', (code, signal) => reject(new Error(`producer ${k + 1} ended early: ${code ?? signal}`)));
        });
      }),
    );
  }

  /** Take cells until `total` came or nothing has come for `quietMs`. Return the next number expected of each producer. */
  function consume(total: number, quietMs: number, stallMs: number): Int32Array {
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
      taken++;
      if ((taken & 1023) === 0) last = performance.now();
      random = (Math.imul(random, 1103515245) + 12345) | 0;
      if (stallMs > 0 && (random & 0x3ffff) === 7) {
        const end = performance.now() + stallMs;
        while (performance.now() < end);
      }
    }
    return expected;
  }

  test('10^7 cells of 3 producers, counters wrapping, a consumer that stalls', async () => {
    const each = 3_333_334;
    await start(3, each);
    const expected = consume(3 * each, 20_000, 3);
    expect(Array.from(expected.subarray(1, 4))).toEqual([each, each, each]);
  }, 120_000);

  test.each([1, 2, 3, 4, 5])(
    'a producer killed at any point leaves whole cells in order (seed %i)',
    async (seed) => {
      const each = 400_000;
      await start(3, each);
      setTimeout(() => producers[0]!.kill('SIGKILL'), 0);
      // The kill is delivered by the event loop; it strikes wherever the producer is by then.
      await new Promise((resolve) => setTimeout(resolve, seed * 7));
      const expected = consume(3 * each, 1000, 0);
      const [, killed, second, third] = expected;
      expect(killed).toBeLessThanOrEqual(each);
      // Either the dead one left no hole and the others got through, or all stand behind its hole, each with a prefix.
      if (second === each || third === each) expect([second, third]).toEqual([each, each]);
    },
    60_000,
  );
});
