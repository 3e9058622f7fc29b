/**
 * Input: what becomes of the launcher's standard input.
 *
 * One rank's input that is no terminal is handed over as it is: the rank reads the very file or pipe, so nothing is
 * taken that no rank wants (`while read line; do tsmpirun …; done`). A terminal, or input for all ranks, is read here
 * and forwarded, only as fast as it is taken. A terminal is read only while we are in the foreground: reading it from
 * the background would stop the job.
 */

import { readFileSync } from 'node:fs';
import { INPUT_WINDOW_BYTES } from '../agent/protocol.ts';

/** How often a job in the background looks whether it has come to the foreground. */
const FOREGROUND_LOOK_MS = 500;

export class InputForwarder {
  readonly #send: (bytes: Uint8Array) => void;
  readonly #end: () => void;
  readonly #isTerminal: boolean;
  #inFlight = 0;
  #isStarted = false;
  #isOver = false;
  #look: NodeJS.Timeout | undefined;

  constructor(isTerminal: boolean, send: (bytes: Uint8Array) => void, end: () => void) {
    this.#isTerminal = isTerminal;
    this.#send = send;
    this.#end = end;
  }

  /** Begin, or go on after a stop, if we may. */
  resume(): void {
    if (this.#isOver) return;
    clearTimeout(this.#look);
    if (this.#isTerminal && !isInForeground()) {
      this.pause();
      this.#look = setTimeout(() => this.resume(), FOREGROUND_LOOK_MS);
      this.#look.unref();
      return;
    }
    if (!this.#isStarted) this.#start();
    if (this.#inFlight < INPUT_WINDOW_BYTES) process.stdin.resume();
  }

  pause(): void {
    if (this.#isStarted) process.stdin.pause();
  }

  /** That much has reached the ranks. */
  giveBack(byteLength: number): void {
    this.#inFlight -= byteLength;
    if (this.#inFlight < INPUT_WINDOW_BYTES) this.resume();
  }

  /** Nobody reads any more. */
  stop(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#look);
    if (this.#isStarted) process.stdin.destroy();
  }

  #start(): void {
    this.#isStarted = true;
    process.stdin.on('data', (bytes: Buffer) => {
      if (this.#isOver) return;
      this.#inFlight += bytes.byteLength;
      if (this.#inFlight >= INPUT_WINDOW_BYTES) process.stdin.pause();
      this.#send(bytes);
    });
    process.stdin.on('end', () => {
      if (!this.#isOver) this.#end();
    });
    // A terminal that went away reads as an error; for the ranks it is the end.
    process.stdin.on('error', () => {
      if (!this.#isOver) this.#end();
    });
  }
}

/** Whether our process group is the one that its terminal listens to. */
export function isInForeground(): boolean {
  try {
    const stat = readFileSync('/proc/self/stat', 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    // Fields from the state on: state, ppid, pgrp, session, tty, tpgid.
    return fields[2] === fields[5];
  } catch {
    return true;
  }
}
