/**
 * What Node users have without tsmpi, timed by the same method: latency and bw between two processes over process.send or a
 * WebSocket of the ws package, or two threads over MessagePort. One side measures; the other echoes, or answers windows.
 *
 *     node dist/bench-node.js process-send '{"program":"latency", …}'
 *
 * A message is a Buffer, copied as these ways do; process.send uses the advanced serialization, which knows bytes.
 */

import { fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { self } from 'tsmpi';
import { WebSocket, WebSocketServer } from 'ws';
import type { JobLine, RowLine, Settings } from '../records.ts';
import { GarbageWatch } from './garbage.ts';
import { measure, type Operation, type Rig } from './measure.ts';
import { iterationsOf, windowsOf } from './point-to-point.ts';
import { createReference } from './reference.ts';

/** One end of a way between two. */
interface End {
  send(data: Uint8Array): void;
  /** Called for each message that comes. */
  onMessage(listener: (data: Uint8Array) => void): void;
}

const FILE = fileURLToPath(import.meta.url);
const [kind, argument] = isMainThread
  ? process.argv.slice(2)
  : [(workerData as { kind: string }).kind, (workerData as { argument: string }).argument];
const settings = JSON.parse(argument!) as Settings;
const isEcho = !isMainThread || process.argv[4] === 'echo';

if (isEcho) echo(await openEcho());
else await measureAll();

/** Answer each message, or the last of each window by a byte. */
function echo(end: End): void {
  const isLatency = settings.program === 'latency';
  let count = 0;
  end.onMessage((data) => {
    if (isLatency) end.send(data);
    else if (++count % settings.window === 0) end.send(new Uint8Array(1));
  });
}

async function openEcho(): Promise<End> {
  if (parentPort !== null) {
    const port = parentPort;
    return { send: (data) => port.postMessage(data), onMessage: (listener) => port.on('message', listener) };
  }
  if (kind === 'process-send') {
    return {
      send: (data) => process.send!(data),
      onMessage: (listener) => process.on('message', (data) => listener(data as Uint8Array)),
    };
  }
  const socket = new WebSocket(`ws://127.0.0.1:${process.argv[5]}`, { perMessageDeflate: false });
  socket.on('close', () => process.exit());
  return socketEnd(socket);
}

function socketEnd(socket: WebSocket): End {
  return { send: (data) => socket.send(data), onMessage: (listener) => socket.on('message', (data) => listener(data as Buffer)) };
}

/** Start the other side. Returns this side's end, and what ends the other. */
async function open(): Promise<{ end: End; close: () => void }> {
  if (kind === 'message-port') {
    const worker = new Worker(new URL(import.meta.url), { workerData: { kind, argument } });
    const end: End = { send: (data) => worker.postMessage(data), onMessage: (listener) => worker.on('message', listener) };
    return { end, close: () => void worker.terminate() };
  }
  if (kind === 'process-send') {
    const child = fork(FILE, [kind, argument!, 'echo'], { serialization: 'advanced' });
    const end: End = {
      send: (data) => child.send(data),
      onMessage: (listener) => child.on('message', (data) => listener(data as Uint8Array)),
    };
    return { end, close: () => child.disconnect() };
  }
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false });
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as { port: number };
  fork(FILE, [kind!, argument!, 'echo', String(port)]).disconnect();
  const socket = await new Promise<WebSocket>((resolve) => server.once('connection', resolve));
  const close = (): void => {
    socket.terminate();
    server.close();
  };
  return { end: socketEnd(socket), close };
}

async function measureAll(): Promise<void> {
  const { end, close } = await open();
  let wake = (): void => {};
  let received = new Uint8Array(0);
  end.onMessage((data) => {
    received = data as Uint8Array<ArrayBuffer>;
    wake();
  });
  const answer = (): Promise<void> =>
    new Promise((resolve) => {
      wake = resolve;
    });
  const reference = await createReference(self, false);
  const rig: Rig = { control: self, reference, garbage: new GarbageWatch(), isThread: true };
  print({
    ...{ kind: 'job', program: settings.program, ranks: 2, library: `Node's ${kind}`, node: process.version, hosts: 1 },
    ...{ cores: availableParallelism(), isOversubscribed: availableParallelism() < 2, isPinned: false },
    ...{ rankKind: kind === 'message-port' ? 'thread' : 'process', reference: reference.name },
  });
  for (const size of settings.sizes) {
    const data = Buffer.alloc(size, 1);
    const isLatency = settings.program === 'latency';
    const operation: Operation = {
      run: async (count) => {
        for (let k = 0; k < count; k++) {
          const answered = answer();
          for (let message = 0; message < (isLatency ? 1 : settings.window); message++) end.send(data);
          await answered;
        }
      },
      ...{ parts: isLatency ? 2 : settings.window, clock: 'rank 0', isTimed: true, isCollective: false },
      iterations: isLatency ? iterationsOf(size) : windowsOf(size, settings.window),
    };
    const row = await measure(operation, settings, rig);
    if (isLatency && received.byteLength !== size) throw new Error(`${received.byteLength} bytes came back: expected ${size}`);
    const rates = isLatency ? {} : { megabytesPerSecond: size / row!.us, messagesPerSecond: 1e6 / row!.us };
    print({ kind: 'row', program: settings.program, size, ...row!, ...rates });
  }
  rig.garbage.close();
  close();
}

function print(line: JobLine | RowLine): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
