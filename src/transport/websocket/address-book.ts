/**
 * AddressBook: where the listeners of the job's ranks are, as the websocket transport asks for it.
 *
 * The transport listens, publishes its port, and asks for a peer's address when it first sends to that peer. Who carries
 * addresses from rank to rank (the segment on one host, agents between hosts) is behind this interface.
 */

/** Where a rank listens, or why it cannot be reached rank to rank. */
export type Address =
  | { readonly host: string; readonly port: number }
  /** hasDeparted: it could be reached while it was there, so its route is no other than that of the living. */
  | { readonly refused: string; readonly hasDeparted?: boolean };

export interface AddressBook {
  /** This rank listens on that port, at those addresses (numbers, as the transport was told to bind). Once. */
  publish(port: number, addresses: readonly string[]): void;
  /**
   * Return a rank's address; undefined: not known yet. Then frames for that rank stay BUSY, and it is asked again whenever the
   * rank polls: whoever learns of an address rings the ranks that may wait for it. `host` is a number, IPv4 or IPv6.
   */
  addressOf(worldRank: number): Address | undefined;
}
