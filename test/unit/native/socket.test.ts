/** Sockets of the addon: never a wait, errnos for failures, readiness that is level-triggered, no descriptor left. */

import { constants } from 'node:os';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { INTEREST_READ, INTEREST_WRITE } from '../../../src/native/addon.ts';
import { addon, countDescriptors, missing, named, until } from './native-addon.ts';

const { EAGAIN, EINVAL, EBADF, EADDRINUSE, ECONNREFUSED, EINPROGRESS, EPIPE, EADDRNOTAVAIL } = constants.errno;

describe.skipIf(missing)(named('socket'), () => {
  let before = 0;
  let open: number[] = [];
  const kept = (fd: number): number => {
    expect(fd).toBeGreaterThan(0);
    open.push(fd);
    return fd;
  };

  beforeEach(() => {
    before = countDescriptors();
    open = [];
  });
  afterEach(() => {
    for (const fd of open) addon.close(fd);
    expect(countDescriptors()).toBe(before);
  });

  /** Two ends of a connection. */
  async function connect(host = '127.0.0.1'): Promise<[client: number, server: number]> {
    const listener = kept(addon.listenTcp(host, 0));
    const [, port] = addon.socketAddress(listener, false) as [string, number];
    const client = kept(addon.connectTcp(host, port));
    await until(() => addon.connectOutcome(client) === 0, 'it connects');
    let server = -EAGAIN;
    await until(() => {
      server = addon.acceptTcp(listener);
      return server !== -EAGAIN;
    }, 'it is accepted');
    return [client, kept(server)];
  }

  const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

  test.each(['127.0.0.1', '::1'])('both ways over %s', async (host) => {
    const [client, server] = await connect(host);
    expect(addon.socketAddress(client, true)).toEqual(addon.socketAddress(server, false));
    expect((addon.socketAddress(client, false) as [string, number])[0]).toBe(host);
    const into = new Uint8Array(8);
    expect(addon.receive(server, into, 0, 8)).toBe(-EAGAIN);
    expect(addon.send(client, bytes(1, 2, 3, 4), 1, 2)).toBe(2);
    expect(addon.sendTwo(client, bytes(5, 6, 7), 1, 1, bytes(8, 9, 10), 1, 2)).toBe(3);
    let got = 0;
    await until(() => {
      const count = addon.receive(server, into, 1 + got, 7 - got);
      if (count > 0) got += count;
      return got === 5;
    }, 'all is received');
    expect([...into]).toEqual([0, 2, 3, 6, 9, 10, 0, 0]);
    await until(() => addon.unacknowledged(client) === 0, 'all is acknowledged');
    expect(addon.shutdownSend(client)).toBe(0);
    let count = -1;
    await until(() => {
      count = addon.receive(server, into, 0, 8);
      return count !== -EAGAIN;
    }, 'the end arrives');
    expect(count).toBe(0);
    expect(addon.send(client, into, 0, 1)).toBe(-EPIPE);
  });

  test('a full socket takes part, then nothing, and is writable again once there is room', async () => {
    const [client, server] = await connect();
    const epoll = kept(addon.createEpoll(-1));
    const ready = new Int32Array(2);
    const chunk = new Uint8Array(1 << 20);
    let sent = 0;
    for (let count = 0; count >= 0; sent += Math.max(count, 0)) count = addon.send(client, chunk, 0, chunk.byteLength);
    expect(sent).toBeGreaterThan(0);
    expect(addon.watchDescriptor(epoll, client, INTEREST_READ | INTEREST_WRITE)).toBe(0);
    expect(addon.listReady(epoll, ready)).toBe(0);
    await until(() => {
      addon.receive(server, chunk, 0, chunk.byteLength);
      return addon.listReady(epoll, ready) === 1;
    }, 'it is writable');
    expect([...ready]).toEqual([client, INTEREST_WRITE]);
    expect(addon.listReady(epoll, ready)).toBe(1);
    expect(addon.watchDescriptor(epoll, client, INTEREST_READ)).toBe(0);
    expect(addon.listReady(epoll, ready)).toBe(0);
  });

  test('a descriptor inside another wakes who sleeps on the outer one, as long as there is something', async () => {
    const [client, server] = await connect();
    const inner = kept(addon.createEpoll(-1));
    const [bell, ringer] = addon.pipe(true) as [number, number];
    kept(bell);
    kept(ringer);
    const outer = kept(addon.createEpoll(bell));
    expect(addon.watchDescriptor(inner, server, INTEREST_READ)).toBe(0);
    expect(addon.watchDescriptor(outer, inner, INTEREST_READ)).toBe(0);
    expect(addon.park(outer, bell, 0)).toBe(0);
    addon.send(client, bytes(1), 0, 1);
    expect(addon.park(outer, bell, 10_000)).toBe(1);
    expect(addon.park(outer, bell, 10_000)).toBe(1);
    addon.receive(server, new Uint8Array(1), 0, 1);
    expect(addon.park(outer, bell, 0)).toBe(0);
    expect(addon.watchDescriptor(outer, inner, 0)).toBe(0);
    addon.send(client, bytes(1), 0, 1);
    expect(addon.park(outer, bell, 20)).toBe(0);
  });

  test('a timer is readable when its time has come, until it is set anew', async () => {
    const timer = kept(addon.createTimer());
    const epoll = kept(addon.createEpoll(-1));
    const ready = new Int32Array(2);
    addon.watchDescriptor(epoll, timer, INTEREST_READ);
    const start = performance.now();
    expect(addon.setTimer(timer, 200)).toBe(0);
    expect(addon.listReady(epoll, ready)).toBe(0);
    await until(() => addon.listReady(epoll, ready) === 1, 'the time has come');
    expect(performance.now() - start).toBeGreaterThanOrEqual(199);
    expect(addon.listReady(epoll, ready)).toBe(1);
    addon.setTimer(timer, -1);
    expect(addon.listReady(epoll, ready)).toBe(0);
    addon.setTimer(timer, 0);
    await until(() => addon.listReady(epoll, ready) === 1, 'it is due at once');
  });

  test('failures are errnos', async () => {
    const listener = kept(addon.listenTcp('127.0.0.1', 0));
    const [, port] = addon.socketAddress(listener, false) as [string, number];
    expect(addon.listenTcp('127.0.0.1', port)).toBe(-EADDRINUSE);
    expect(addon.listenTcp('192.0.2.1', 0)).toBe(-EADDRNOTAVAIL);
    expect(addon.listenTcp('localhost', 0)).toBe(-EINVAL);
    expect(addon.connectTcp('not an address', 1)).toBe(-EINVAL);
    expect(addon.acceptTcp(listener)).toBe(-EAGAIN);
    const refused = addon.connectTcp('127.0.0.1', 1);
    if (refused < 0) expect(refused).toBe(-ECONNREFUSED);
    else {
      kept(refused);
      let outcome = 0;
      await until(() => {
        outcome = addon.connectOutcome(refused);
        return outcome !== -EINPROGRESS;
      }, 'it is decided');
      expect(outcome).toBe(-ECONNREFUSED);
    }
    const closed = addon.createTimer();
    addon.close(closed);
    const view = new Uint8Array(4);
    const failures = [
      addon.send(closed, view, 0, 4),
      addon.sendTwo(closed, view, 0, 4, view, 0, 4),
      addon.receive(closed, view, 0, 4),
      addon.shutdownSend(closed),
      addon.unacknowledged(closed),
      addon.socketAddress(closed, true),
      addon.connectOutcome(closed),
      addon.watchDescriptor(closed, listener, INTEREST_READ),
      addon.listReady(closed, new Int32Array(2)),
      addon.setTimer(closed, 1),
    ];
    expect(failures).toEqual(failures.map(() => -EBADF));
  });

  test('what lies outside the memory is refused', () => {
    const view = new Uint8Array(4);
    expect(() => addon.send(0, view, 2, 3)).toThrow('bytes 2 to 5 lie outside data, which has 4 bytes');
    expect(() => addon.receive(0, view, 5, 0)).toThrow('lie outside into');
    expect(() => addon.sendTwo(0, view, 0, 5, view, 0, 4)).toThrow('lie outside head');
    expect(() => addon.sendTwo(0, view, 0, 4, view, 1, 4)).toThrow('lie outside data');
    expect(() => addon.listenTcp('127.0.0.1', 65_536)).toThrow('port is not from 0 to 65535');
    expect(() => addon.connectTcp(7 as unknown as string, 1)).toThrow('host is not a string');
  });
});
