/**
 * Network: the addresses that --iface allows, as 10.0.0.0/8 or fd00::/8.
 */

import { BlockList, isIP } from 'node:net';
import { UsageError } from '../usage-error.ts';

export class Network {
  readonly #text: string;
  readonly #list: BlockList = new BlockList();

  /** Throws UsageError. */
  constructor(text: string) {
    const [, address = '', prefix] = /^([^/]+)\/(\d{1,3})$/.exec(text) ?? [];
    const version = isIP(address);
    if (version === 0 || Number(prefix) > (version === 4 ? 32 : 128)) {
      throw new UsageError(`--iface got ${text}: expected a network as 10.0.0.0/8`);
    }
    this.#text = text;
    this.#list.addSubnet(address, Number(prefix), version === 4 ? 'ipv4' : 'ipv6');
  }

  has(address: string): boolean {
    return this.#list.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
  }

  toString(): string {
    return this.#text;
  }
}
