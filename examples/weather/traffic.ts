/**
 * Traffic: what a rank has sent, and how long it has waited for others; the source of the summary's figures.
 */

import type { Exchange } from './exchange.ts';

export class Traffic {
  messages = 0;
  bytes = 0;
  /** Exchanges that ran beside computation, and the seconds in starting and finishing them. */
  exchanges = 0;
  exchangeSeconds = 0;
  /** Exchanges that ran alone, all ranks starting together, and their seconds. */
  samples = 0;
  sampleSeconds = 0;
  /** Diagnostics and results. */
  diagnosticSeconds = 0;
  outputSeconds = 0;

  addExchange(ms: number, { messages, bytes }: Exchange): void {
    this.exchanges += 1;
    this.exchangeSeconds += ms / 1000;
    this.messages += messages;
    this.bytes += bytes;
  }

  addSample(ms: number, { messages, bytes }: Exchange): void {
    this.samples += 1;
    this.sampleSeconds += ms / 1000;
    this.messages += messages;
    this.bytes += bytes;
  }
}
