/** The relay keeps to the transport contract: two ranks of two hosts, whose relays run in another thread and speak TLS. */

import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterAll, describe, onTestFinished } from 'vitest';
import type { JobDescription } from '../../src/bootstrap/job.ts';
import type { Addon } from '../../src/native/addon.ts';
import { layOut } from '../../src/segment/layout.ts';
import { Segment } from '../../src/segment/segment.ts';
import { ThreadParking } from '../../src/segment/thread-parking.ts';
import { FINISH } from '../../src/transport/frame.ts';
import { RelayTransport } from '../../src/transport/relay/relay-transport.ts';
import { ShmTransport } from '../../src/transport/shm/shm-transport.ts';
import { BUSY, type FrameHandler, type SendAnswer, TAKEN, UNDER_WAY } from '../../src/transport/transport.ts';
import { bundle } from '../unit/bundle.ts';
import { addon, missing, named } from '../unit/native/native-addon.ts';
import { Arrivals } from './arrivals.ts';
import { conformance, type Ends } from './transport.ts';

const HOST_OF_RANK = [0, 1, 0];
const SHAPE = { cellCount: 128, smallCount: 8, largeCount: 4, areaCount: 1, descriptionCapacity: 4096, peerCount: 3 };
/** So long nothing moves before the relays count as still. */
const STILL_MS = 150;
const DEADLINE_MS = 10_000;
const nobody = new Int32Array(new SharedArrayBuffer(4));
const pause = (ms: number): unknown => Atomics.wait(nobody, 0, 0, ms);

const hubs = bundle(`${import.meta.dirname}/programs/relay-hubs.ts`, true);
afterAll(() => rmSync(dirname(hubs), { recursive: true }));

interface Host {
  readonly buffer: SharedArrayBuffer;
  readonly segment: Segment;
  readonly localOf: Int32Array;
}

function makeHost(hostIndex: number): Host {
  const localRanks = HOST_OF_RANK.flatMap((host, rank) => (host === hostIndex ? [rank] : []));
  const description: Partial<JobDescription> = {
    ...{ id: 'job', size: 3, key: Buffer.alloc(32, 7).toString('base64'), heartbeatMs: 10_000 },
    hosts: ['a', 'b'].map((name) => ({ name, slots: 2 })),
    addresses: ['127.0.0.1', '127.0.0.1'],
    ...{ hostOfRank: HOST_OF_RANK, hostIndex, localRanks },
  };
  const shape = { ...SHAPE, localSize: localRanks.length };
  const buffer = new SharedArrayBuffer(layOut(shape).byteLength);
  const segment = Segment.create(buffer, shape, new TextEncoder().encode(JSON.stringify(description)));
  return { buffer, segment, localOf: Int32Array.from(HOST_OF_RANK, (_, rank) => localRanks.indexOf(rank)) };
}

/** A rank's end, with the transport that empties its inbox. */
class End extends RelayTransport {
  readonly parking: ThreadParking;
  readonly #shm: ShmTransport;
  #isStill = false;
  wake: () => void = () => {};

  static open({ segment, localOf }: Host, worldRank: number, addon: Addon | undefined): End {
    const localRank = localOf[worldRank]!;
    segment.claim(localRank, process.pid, worldRank);
    const sleeper = { poll: () => false, prepareSleep: () => end.prepareSleep(), onTurn: () => end.wake() };
    const parking = new ThreadParking(segment, localRank, sleeper, undefined);
    const shm = new ShmTransport(segment, localRank, localOf, parking, undefined);
    const end = new End(segment, worldRank, localOf, parking, shm, addon);
    shm.onRelayed = (handler, cell) => end.handle(handler, cell);
    onTestFinished(() => parking.stop());
    return end;
  }

  private constructor(
    segment: Segment,
    worldRank: number,
    localOf: Int32Array,
    parking: ThreadParking,
    shm: ShmTransport,
    addon: Addon | undefined,
  ) {
    const { small, large } = shm;
    super({ segment, worldRank, size: 3, isLocal: (rank) => localOf[rank]! >= 0, parking, small, large, addon });
    this.parking = parking;
    this.#shm = shm;
  }

  override poll(handler: FrameHandler): boolean {
    const hasMoved = this.#shm.poll(handler);
    return super.poll(handler) || hasMoved;
  }

  override prepareSleep(): boolean {
    const isNew = this.#shm.prepareSleep();
    return super.prepareSleep() || isNew;
  }

  override sendShort(...args: Parameters<RelayTransport['sendShort']>): SendAnswer {
    return this.#settled(() => super.sendShort(...args));
  }

  override sendEager(...args: Parameters<RelayTransport['sendEager']>): SendAnswer {
    return this.#settled(() => super.sendEager(...args));
  }

  override sendAnnounce(...args: Parameters<RelayTransport['sendAnnounce']>): SendAnswer {
    return this.#settled(() => super.sendAnnounce(...args));
  }

  override sendControl(...args: Parameters<RelayTransport['sendControl']>): SendAnswer {
    return this.#settled(() => super.sendControl(...args));
  }

  override sendPiece(...args: Parameters<RelayTransport['sendPiece']>): SendAnswer {
    return this.#settled(() => super.sendPiece(...args));
  }

  /** The suite reads at once. */
  override fetch(peer: number, ...where: [address: number, into: Uint8Array, offset: number, byteLength: number]): number {
    const deadline = performance.now() + DEADLINE_MS;
    for (;;) {
      const read = super.fetch(peer, ...where);
      if (read !== UNDER_WAY) return read;
      if (performance.now() > deadline) throw new Error('a pull does not end');
      this.poll(new Arrivals(peer));
    }
  }

  /** Sleep until a peer or the relay rings. */
  sleep(): Promise<void> {
    return new Promise((resolve) => {
      this.#isStill = false;
      this.wake = resolve;
      this.parking.hold(true);
      this.parking.enterLoop(true, false);
    });
  }

  /** The suite asks at once whether a refusal stands, so it is given only when the relays cannot take more. */
  #settled(send: () => SendAnswer): SendAnswer {
    const limit = performance.now() + STILL_MS;
    for (;;) {
      const answer = send();
      if (answer === TAKEN) this.#isStill = false;
      if (answer !== BUSY || this.#isStill) return answer;
      if (performance.now() > limit) this.#isStill = true;
      pause(1);
    }
  }
}

function open(from: number, to: number, addon: Addon | undefined, onReceiver: FrameHandler): Ends {
  const hosts = [makeHost(0), makeHost(1)];
  const relays = new Worker(hubs, { workerData: { buffers: hosts.map(({ buffer }) => buffer) } });
  onTestFinished(async () => {
    const ended = once(relays, 'exit');
    relays.postMessage('stop');
    await ended;
  });
  const [sender, receiver] = [from, to].map((rank) => End.open(hosts[HOST_OF_RANK[rank]!]!, rank, addon)) as [End, End];
  const isUnderWay = (): boolean => {
    const [there, here] = [sender.traffic(to), receiver.traffic(from)];
    return there.sent !== here.received || here.sent !== there.received;
  };
  const sleep = async (): Promise<void> => {
    // What makes room is that the receiver goes on.
    const polling = setInterval(() => receiver.poll(onReceiver), 1);
    await sender.sleep();
    clearInterval(polling);
  };
  // The relays meet at the first frame, which takes longer than a full inbox.
  const first = new Arrivals(from);
  const deadline = performance.now() + DEADLINE_MS;
  for (sender.sendControl(to, FINISH, 0, 0); first.frames.length === 0; receiver.poll(first)) {
    if (performance.now() > deadline) throw new Error('the relays do not meet');
    pause(1);
  }
  return { sender, receiver, sleep, isUnderWay };
}

const heldPieces = 'what finds no buffer at the receiver waits in its relay, within a window';

conformance({
  name: 'relay without the addon',
  ranks: [1, 0, 1],
  open: (_, onReceiver) => open(1, 0, undefined, onReceiver),
  without: { heldPieces, fetch: 'reading and writing memory of ranks needs the addon' },
});

describe.skipIf(missing)(named('memory that agents read and write'), () => {
  conformance({
    name: 'relay with the addon',
    ranks: [0, 1, 2],
    open: (_, onReceiver) => open(0, 1, addon, onReceiver),
    without: { heldPieces },
  });
});
