/**
 * Signals: how ranks arrange a connection before there is one, by a way that is there already (shared memory, the agents).
 *
 * The idea: some drivers cannot say no to a request, and only one side may dial, the lower world rank. So it asks where the
 * other one listens; that one says it, or that it takes no connection. The higher one says it unasked when it wants to send.
 *
 *     lower    ASK ->                    <- HERE, address, port     then it dials
 *     lower                              <- REFUSED                 never
 */

export const SIGNAL = { ask: 1, here: 2, refused: 3 } as const;

export interface Signals {
  /** Tell a rank; `address`: IPv4 as an Int32. Return false where there is no room now. */
  tell(peer: number, what: number, address: number, port: number): boolean;
}

/** An IPv4 address as an Int32, and back. */
export function addressWord(host: string): number {
  return host.split('.').reduce((word, part) => (word << 8) | Number(part), 0);
}

export function addressText(word: number): string {
  return [word >>> 24, (word >>> 16) & 255, (word >>> 8) & 255, word & 255].join('.');
}
