/**
 * Programs of two ranks, or of pairs: latency, multi_lat, bw, bibw, mbw_mr, and their persistent forms.
 *
 * A rank sends to and receives from one peer; what a message is (an array, a persistent operation, an object) lies in
 * `Endpoint`, how messages follow each other in `Operation`.
 */

import { type Communicator, type Request, waitAll, whenAll } from 'tsmpi';
import type { Settings } from '../records.ts';
import { assertTouched, createBuffers, touch } from './buffers.ts';
import type { Operation } from './measure.ts';

const TAG = 1;
const ACK = 2;

/** Operation k of this rank with its peer. */
interface Endpoint {
  send(k: number): Request<unknown>;
  recv(k: number): Request<unknown>;
  /** What follows a receive that has completed, within the time. */
  received(k: number): void;
  /** Throw unless the last message held what the peer sent. */
  verify(): void;
}

/** Iterations of a message of that size: as many bytes as take about 20 ms. */
export const iterationsOf = (size: number): number => Math.max(10, Math.min(20_000, Math.floor(2e8 / (size + 10_000))));
/** Windows of messages of that size. */
export const windowsOf = (size: number, window: number): number =>
  Math.max(2, Math.min(500, Math.floor(4e8 / ((size + 2000) * window))));

/** Return the operation of a program for messages of a size. All ranks call this. */
export function createPointToPoint(comm: Communicator, settings: Settings, size: number): Operation {
  const { rank, size: ranks } = comm;
  const stem = settings.program.replace('_persistent', '');
  const isPairs = stem === 'multi_lat' || stem === 'mbw_mr';
  const half = isPairs ? ranks / 2 : 1;
  const isSender = rank < half;
  const takesPart = rank < 2 * half;
  const peer = isSender ? rank + half : rank - half;
  const idle: Endpoint = { send: () => comm.barrier(), recv: () => comm.barrier(), received: () => {}, verify: () => {} };
  const isPersistent = stem !== settings.program;
  const endpoint = !takesPart
    ? idle
    : settings.isObject
      ? objects(comm, size, peer)
      : isPersistent
        ? persistent(comm, settings, size, peer, stem === 'latency' ? 1 : settings.window)
        : arrays(comm, settings, size, peer);
  const shared = { isCollective: false, isTimed: takesPart };
  if (stem === 'latency' || stem === 'multi_lat') {
    return {
      ...shared,
      run: !takesPart ? () => {} : exchange(endpoint, isSender, settings.isAwaited),
      parts: 2,
      clock: stem === 'latency' ? 'rank 0' : 'mean',
      iterations: iterationsOf(size),
    };
  }
  const { window } = settings;
  const ack = { data: new Uint8Array(1), send: () => comm.send(ack.data, peer, ACK), recv: () => comm.recv(ack.data, peer, ACK) };
  const run =
    stem === 'bibw'
      ? bothWays(endpoint, window, settings.isAwaited)
      : oneWay(endpoint, ack, isSender, window, settings.isAwaited);
  return {
    ...shared,
    run: !takesPart ? () => {} : run,
    parts: stem === 'bibw' ? 2 * window : window,
    clock: stem === 'mbw_mr' ? 'slowest' : 'rank 0',
    isTimed: isSender,
    iterations: windowsOf(size, window),
  };
}

/** Messages of bytes. */
export function arrays(comm: Communicator, settings: Settings, size: number, peer: number): Endpoint {
  const out = createBuffers(size, comm.rank + 1, settings.isRotating);
  const into = createBuffers(size, 0, settings.isRotating);
  return {
    send: (k) => comm.send(out.views[k & out.mask]!, peer, TAG),
    recv: (k) => comm.recv(into.views[k & into.mask]!, peer, TAG),
    received: settings.isTouched ? (k) => touch(into.views[k & into.mask]!) : () => {},
    verify: () => verify(into.views[0]!, peer),
  };
}

/** `inFlight`: how many of them may be started at a time, each of which needs its own. */
function persistent(comm: Communicator, settings: Settings, size: number, peer: number, inFlight: number): Endpoint {
  const out = createBuffers(size, comm.rank + 1, settings.isRotating);
  const into = createBuffers(size, 0, settings.isRotating);
  const count = Math.max(inFlight, out.views.length);
  const sends = Array.from({ length: count }, (_, k) => comm.sendInit(out.views[k & out.mask]!, peer, TAG));
  const receives = Array.from({ length: count }, (_, k) => comm.recvInit(into.views[k & into.mask]!, peer, TAG));
  return {
    send: (k) => sends[k % count]!.start(),
    recv: (k) => receives[k % count]!.start(),
    received: settings.isTouched ? (k) => touch(into.views[k & into.mask]!) : () => {},
    verify: () => verify(into.views[0]!, peer),
  };
}

function objects(comm: Communicator, size: number, peer: number): Endpoint {
  const value = { step: 1, name: 'field', values: new Float64Array(size >> 3).fill(comm.rank + 1) };
  return {
    send: () => comm.sendObject(value, peer, TAG),
    recv: () => comm.recvObject(peer, TAG),
    received: () => {},
    verify: () => {},
  };
}

/** Every message is of bytes of the peer's number. */
function verify(view: Uint8Array, peer: number): void {
  assertTouched();
  const wanted = (peer + 1) & 255;
  if (view.length > 0 && (view[0] !== wanted || view[view.length - 1] !== wanted)) {
    throw new Error(`${view.length} bytes from rank ${peer} hold ${view[0]} … ${view[view.length - 1]}: expected ${wanted}`);
  }
}

/** Round trips. */
export function exchange({ send, recv, received, verify }: Endpoint, isSender: boolean, isAwaited: boolean): Operation['run'] {
  if (isAwaited) {
    return async (count) => {
      for (let k = 0; k < count; k++) {
        if (isSender) await send(k);
        await recv(k);
        received(k);
        if (!isSender) await send(k);
      }
      verify();
    };
  }
  return (count) => {
    for (let k = 0; k < count; k++) {
      if (isSender) send(k).wait();
      recv(k).wait();
      received(k);
      if (!isSender) send(k).wait();
    }
    verify();
  };
}

interface Ack {
  send(): Request<unknown>;
  recv(): Request<unknown>;
}

/** Windows of messages, each answered by a byte. */
function oneWay(
  { send, recv, received, verify }: Endpoint,
  ack: Ack,
  isSender: boolean,
  window: number,
  isAwaited: boolean,
): Operation['run'] {
  const requests: Request<unknown>[] = new Array(window);
  let done = 0;
  const post = (): void => {
    for (let k = 0; k < window; k++) requests[k] = isSender ? send(done + k) : recv(done + k);
  };
  const look = (): void => {
    if (!isSender) for (let k = 0; k < window; k++) received(done + k);
    done += window;
  };
  if (isAwaited) {
    return async (count) => {
      for (let k = 0; k < count; k++) {
        post();
        await whenAll(requests);
        look();
        await (isSender ? ack.recv() : ack.send());
      }
      if (!isSender) verify();
    };
  }
  return (count) => {
    for (let k = 0; k < count; k++) {
      post();
      waitAll(requests);
      look();
      (isSender ? ack.recv() : ack.send()).wait();
    }
    if (!isSender) verify();
  };
}

/** Windows of messages in both directions at once. */
function bothWays({ send, recv, received, verify }: Endpoint, window: number, isAwaited: boolean): Operation['run'] {
  const requests: Request<unknown>[] = new Array(2 * window);
  let done = 0;
  const post = (): void => {
    for (let k = 0; k < window; k++) requests[k] = recv(done + k);
    for (let k = 0; k < window; k++) requests[window + k] = send(done + k);
  };
  const look = (): void => {
    for (let k = 0; k < window; k++) received(done + k);
    done += window;
  };
  if (isAwaited) {
    return async (count) => {
      for (let k = 0; k < count; k++) {
        post();
        await whenAll(requests);
        look();
      }
      verify();
    };
  }
  return (count) => {
    for (let k = 0; k < count; k++) {
      post();
      waitAll(requests);
      look();
    }
    verify();
  };
}
