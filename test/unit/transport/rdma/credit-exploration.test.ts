/**
 * The credit protocol in every order of events: two ranks with windows of three receives, the real connections
 * (src/transport/rdma/connection.ts) over a device that does one thing at a time, and all that can happen next tried from
 * every state: a message is sent, a frame arrives, a completion is looked at, what is owed is said, a rank says goodbye.
 *
 * The device ends the exploration with the path that led there when a frame finds no receive, when a send's buffer changes
 * before the send has completed, or when more is under way than the queues hold. A state from which nothing can happen
 * must be the end: all messages there in order, both goodbyes heard. No state may be reached again from itself.
 *
 * A state cannot be copied, so a path is walked again from its start for each branch.
 */

import { describe, expect, test } from 'vitest';
import { BYTES } from '../../../../src/datatype/element-type.ts';
import type { Addon } from '../../../../src/native/addon.ts';
import { SHORT } from '../../../../src/transport/frame.ts';
import { Connection, type ConnectionOwner, Ring } from '../../../../src/transport/rdma/connection.ts';
import type { CreditWindow } from '../../../../src/transport/rdma/credit-window.ts';
import type { Limits } from '../../../../src/transport/rdma/limits.ts';
import type { RegionCache } from '../../../../src/transport/rdma/region-cache.ts';
import { Shared } from '../../../../src/transport/rdma/shared.ts';
import { type FrameHandler, TAKEN, type Transport } from '../../../../src/transport/transport.ts';
import { isLong } from '../../../long.ts';

const WINDOW = 3;
const BUFFER_BYTES = 128;
const NOTHING = new Uint8Array(0);
const SENDERS = [0, 1] as const;

interface Frame {
  readonly at: number;
  readonly bytes: Uint8Array;
  readonly id: number;
  readonly isSignalled: boolean;
}

/** One rank: its connection, and its side of the device. */
class Side {
  readonly connection: Connection;
  /** Receives that are posted, oldest first. */
  readonly receives: number[] = Array.from({ length: WINDOW }, (_, k) => k);
  /** Frames on their way to the other side. */
  readonly wire: Frame[] = [];
  /** Receives that have completed and not been looked at. */
  readonly arrived: { readonly buffer: number; readonly byteLength: number }[] = [];
  /** Signalled sends that have arrived and whose completion has not been looked at. */
  readonly sent: number[] = [];
  readonly memory: Uint8Array;
  toSend: number;
  nextTag = 0;
  got = 0;
  completed = 0;
  /** Messages taken off since the last frame left: what it owes in units. */
  unitsOwed = 0;
  readonly #shared: Shared;
  readonly #sendCount: number;

  constructor(rank: number, messages: number, sendCount: number) {
    this.toSend = messages;
    this.#sendCount = sendCount;
    const device = {
      allocate: (byteLength: number) => new ArrayBuffer(byteLength),
      rdmaPostReceive: (_: number, buffer: number) => {
        if (this.receives.push(buffer) > WINDOW) throw new Error('more receives than there are buffers');
        return 0;
      },
      rdmaPostSend: (_: number, at: number, byteLength: number, id: number, isSignalled: boolean) => {
        if (id - this.completed > this.#sendCount) throw new Error('more sends than the queue holds');
        this.wire.push({ at, bytes: this.memory.slice(at, at + byteLength), id, isSignalled });
        this.unitsOwed = 0;
        return 0;
      },
      crc32c: () => 0,
      rdmaStatusText: String,
    };
    const limits = { receiveCount: WINDOW, sendCount, bufferBytes: BUFFER_BYTES, readsOut: 1, oneSidedCount: 1, workBytes: 4096 };
    this.#shared = new Shared(device as unknown as Addon, {} as Transport, limits as Limits, {} as RegionCache);
    this.#shared.handler = {
      onEnvelope: (_: Transport, kind: number, __: number, ___: number, tag: number) => {
        if (kind !== SHORT || tag !== this.got) throw new Error(`message ${tag} arrives where ${this.got} was due`);
        this.got++;
        this.unitsOwed++;
        this.connection.giveBack(1);
      },
    } as unknown as FrameHandler;
    const ring = new Ring(this.#shared);
    this.memory = ring.views.u8;
    const owner: ConnectionOwner = {
      onConfirmed: () => {},
      onEnd: ({ end, reason }) => {
        if (end === 'lost') throw new Error(reason);
      },
      onNotice: () => {},
    };
    const offer = { receiveCount: WINDOW, bufferBytes: BUFFER_BYTES, readsIn: 1 };
    this.connection = new Connection(this.#shared, 1 - rank, 0, ring, offer, undefined, owner);
  }

  /** What tells this side's state from others, numbers that only count aside. */
  key(): string {
    const { window, sentFrames, isLeaving, hasBeenHeard, end, uncompleted } = this.connection;
    const wire = this.wire.map(({ bytes, isSignalled }) => {
      const head = new Int32Array(bytes.buffer, 0, 8);
      return `${head[0]}.${head[1]}.${head[2]}.${head[4]}.${isSignalled}`;
    });
    const arrived = this.arrived.map(({ buffer }) => new Int32Array(this.memory.buffer, buffer * BUFFER_BYTES, 5).join('.'));
    const sent = this.sent.map((id) => id - this.completed);
    const counts = [window.credits, window.owed, sentFrames - this.completed, uncompleted, sentFrames % this.#sendCount];
    const words = [...counts, this.toSend, this.got, this.unitsOwed, this.receives.length, isLeaving, hasBeenHeard, end];
    return `${words}|${wire}|${arrived}|${sent}`;
  }
}

type Move = readonly [what: 'send' | 'arrive' | 'receive' | 'complete' | 'flush' | 'goodbye', rank: number];
const MOVES: readonly Move[] = (['send', 'arrive', 'receive', 'complete', 'flush', 'goodbye'] as const).flatMap((what) =>
  SENDERS.map((rank): Move => [what, rank]),
);

class World {
  readonly sides: readonly [Side, Side];

  constructor(messages: readonly [number, number], sendCount: number, change: (window: CreditWindow) => void) {
    this.sides = [new Side(0, messages[0], sendCount), new Side(1, messages[1], sendCount)];
    for (const { connection } of this.sides) change(connection.window);
  }

  /** Make a move; return whether it can be made here. */
  make([what, rank]: Move): boolean {
    const side = this.sides[rank]!;
    const other = this.sides[1 - rank]!;
    const { connection } = side;
    switch (what) {
      case 'send': {
        if (side.toSend === 0) return false;
        if (connection.sendShort(BYTES, rank, side.nextTag, 0, NOTHING, 0, 0) !== TAKEN) return false;
        side.nextTag++;
        side.toSend--;
        return true;
      }
      case 'arrive': {
        const frame = other.wire.shift();
        if (frame === undefined) return false;
        const buffer = side.receives.shift();
        if (buffer === undefined) throw new Error('a frame finds no receive');
        const now = other.memory.subarray(frame.at, frame.at + frame.bytes.length);
        if (Buffer.compare(now, frame.bytes) !== 0) throw new Error('the buffer of a send is used again before it has completed');
        side.memory.set(frame.bytes, buffer * BUFFER_BYTES);
        side.arrived.push({ buffer, byteLength: frame.bytes.length });
        if (frame.isSignalled) other.sent.push(frame.id);
        return true;
      }
      case 'receive': {
        const first = side.arrived.shift();
        if (first === undefined) return false;
        connection.onReceive(first.buffer, first.byteLength);
        return true;
      }
      case 'complete': {
        const id = side.sent.shift();
        if (id === undefined) return false;
        side.completed = id;
        connection.onSent(id);
        return true;
      }
      case 'flush':
        return connection.flush();
      case 'goodbye':
        // Finalize waits for what is still to come.
        return (
          side.toSend === 0 &&
          side.got === other.nextTag &&
          other.toSend === 0 &&
          !connection.isLeaving &&
          connection.sendGoodbye()
        );
    }
  }

  key(): string {
    return `${this.sides[0].key()} / ${this.sides[1].key()}`;
  }

  /** What is still to be done in a state from which nothing can happen. */
  unfinished(messages: readonly [number, number]): string[] {
    return this.sides.flatMap((side, rank) => {
      const { connection, got } = side;
      const left: string[] = [];
      if (got !== messages[1 - rank]) left.push(`rank ${rank} has got ${got} of ${messages[1 - rank]} messages`);
      if (!connection.hasBeenHeard && connection.end === undefined) left.push(`rank ${rank}'s goodbye was not heard`);
      return left;
    });
  }
}

/** Try all that can happen, from every state. Return how many states there are, and how many ends. */
function explore(
  messages: readonly [number, number],
  sendCount: number,
  change: (window: CreditWindow) => void = () => {},
): { states: number; ends: number } {
  const seen = new Set<string>();
  const onPath = new Set<string>();
  const path: Move[] = [];
  let ends = 0;

  const walk = (): World => {
    const world = new World(messages, sendCount, change);
    for (const move of path) world.make(move);
    return world;
  };
  const visit = (start: World): void => {
    let world: World | undefined = start;
    const key = start.key();
    seen.add(key);
    onPath.add(key);
    let isEnd = true;
    for (const move of MOVES) {
      world ??= walk();
      path.push(move);
      if (!world.make(move)) {
        path.pop();
        continue;
      }
      isEnd = false;
      const next = world.key();
      if (onPath.has(next)) throw new Error('a state is reached again from itself');
      if (!seen.has(next)) visit(world);
      path.pop();
      world = undefined;
    }
    if (isEnd) {
      ends++;
      const left = start.unfinished(messages);
      if (left.length > 0) throw new Error(`nothing can happen, but ${left.join(', ')}`);
    }
    onPath.delete(key);
  };
  try {
    visit(new World(messages, sendCount, change));
  } catch (error) {
    const steps = path.map(([what, rank]) => `${what} ${rank}`).join(', ');
    throw new Error(`${(error as Error).message} after: ${steps}`, { cause: error });
  }
  return { states: seen.size, ends };
}

describe('credits of two ranks with windows of three, in every order', () => {
  test.each([
    { messages: [6, 0], sendCount: 3 },
    { messages: [3, 2], sendCount: 3 },
    { messages: [2, 2], sendCount: 8 },
    // Minutes on a busy machine.
    ...(isLong ? [{ messages: [4, 4], sendCount: 3 } as const] : []),
  ] as const)(
    '$messages messages, send queues of $sendCount',
    ({ messages, sendCount }) => {
      const { states, ends } = explore(messages, sendCount);
      expect(states).toBeGreaterThan(500);
      expect(ends).toBeGreaterThan(0);
    },
    300_000,
  );

  test('would find two ranks that wait for each other, if the last credit were not kept', () => {
    const spendAll = (window: CreditWindow): void => {
      Object.defineProperty(window, 'canSend', { get: () => window.credits > 0 });
    };
    expect(() => explore([3, 3], 3, spendAll)).toThrow(
      /^nothing can happen, but rank 0's goodbye was not heard, .* after: send 0/,
    );
  });

  test('would find a frame without a receive, if one credit more were spent', () => {
    const spendMore = (window: CreditWindow): void => {
      Object.defineProperty(window, 'canSend', { get: () => window.credits > -1 });
    };
    expect(() => explore([6, 0], 6, spendMore)).toThrow(/^a frame finds no receive after: send 0/);
  });

  test('would find ranks that thank each other for ever, if one credit went back at once', () => {
    const thank = (window: CreditWindow): void => {
      Object.defineProperty(window, 'mustReturn', { get: () => window.owed > 0 });
    };
    expect(() => explore([1, 0], 3, thank)).toThrow(/^a state is reached again from itself after: send 0/);
  });
});
