/**
 * Standard streams of a rank that is a thread, on descriptors of its own.
 *
 * A worker's own process.stdout hands its bytes to the main thread by messages, so a rank that prints and then computes
 * delivers nothing until it turns its event loop. Here each write is a write(2) that returns when the pipe has taken all.
 */

import { createReadStream, fstatSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { Readable, Writable } from 'node:stream';

/** Pause before a full pipe is tried again, where somebody made it non-blocking. */
const RETRY_MS = 1;
const nap = new Int32Array(new SharedArrayBuffer(4));

/** Write all bytes, blocking this thread. */
export function writeAll(fd: number, bytes: Uint8Array): void {
  for (let offset = 0; offset < bytes.byteLength; ) {
    try {
      offset += writeSync(fd, bytes, offset);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      Atomics.wait(nap, 0, 0, RETRY_MS);
    }
  }
}

class SyncOutput extends Writable {
  readonly fd: number;

  constructor(fd: number) {
    super({ decodeStrings: true });
    this.fd = fd;
  }

  override _write(bytes: Buffer, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    try {
      writeAll(this.fd, bytes);
      callback();
    } catch (error) {
      callback(error as Error);
    }
  }
}

/** Replace this thread's process.stdin, stdout and stderr; stdin -1: at its end from the start. */
export function replaceStdio(stdin: number, stdout: number, stderr: number): void {
  const define = (name: string, make: () => Readable | Writable): void => {
    let stream: Readable | Writable | undefined;
    const get = (): Readable | Writable => {
      stream ??= make();
      return stream;
    };
    Object.defineProperty(process, name, { configurable: true, enumerable: true, get });
  };
  define('stdin', () => openInput(stdin));
  define('stdout', () => new SyncOutput(stdout));
  define('stderr', () => new SyncOutput(stderr));
}

function openInput(fd: number): Readable {
  if (fd < 0) return Readable.from([]);
  const facts = fstatSync(fd);
  if (facts.isFIFO() || facts.isSocket()) {
    // Not read until the program asks, so that an unused input keeps no rank alive.
    return new Socket({ fd, readable: true, writable: false, manualStart: true } as ConstructorParameters<typeof Socket>[0]);
  }
  return createReadStream('', { fd, autoClose: false });
}
