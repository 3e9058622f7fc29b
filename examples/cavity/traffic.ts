/**
 * Traffic: what a rank has sent, and how long it has waited for others; the source of the summary's figures.
 */

export class Traffic {
  messages = 0;
  bytes = 0;
  /** Halo exchanges: one for each time the neighbours trade edges. */
  exchanges = 0;
  exchangeSeconds = 0;
  /** Collectives: the maximum norm and the gathered coarse grids. */
  reductions = 0;
  reductionSeconds = 0;

  /** Count an exchange that began at `startMs` (performance.now). */
  addExchange(startMs: number): void {
    this.exchanges += 1;
    this.exchangeSeconds += (performance.now() - startMs) / 1000;
  }

  addReduction(startMs: number, bytes: number): void {
    this.reductions += 1;
    this.messages += 1;
    this.bytes += bytes;
    this.reductionSeconds += (performance.now() - startMs) / 1000;
  }
}
