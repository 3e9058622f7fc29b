/**
 * Shared: what all connections of a port share.
 */

import { ElementViews } from '../../datatype/element-views.ts';
import type { Addon } from '../../native/addon.ts';
import { EagerPool } from '../eager-pool.ts';
import type { FrameHandler, Transport } from '../transport.ts';
import type { Limits } from './limits.ts';
import type { RegionCache } from './region-cache.ts';

export class Shared {
  readonly addon: Addon;
  readonly transport: Transport;
  readonly limits: Limits;
  readonly regions: RegionCache;
  /** Where eager payload waits until it is matched. */
  readonly pool: EagerPool = new EagerPool();
  /** The payload of an announcement as the engine sees it. */
  readonly announced: ElementViews = new ElementViews(new ArrayBuffer(64));
  /** Whom frames go to, during poll(). */
  handler: FrameHandler | undefined = undefined;
  /** The buffers that a piece lies in while the handler is told of it. */
  piece: Uint8Array | undefined = undefined;
  /** Bytes copied to send buffers, and out of receive buffers into the pool. */
  copiedIn = 0;
  copiedOut = 0;

  constructor(addon: Addon, transport: Transport, limits: Limits, regions: RegionCache) {
    this.addon = addon;
    this.transport = transport;
    this.limits = limits;
    this.regions = regions;
  }
}
