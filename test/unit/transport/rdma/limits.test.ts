/** What is used of a device: bounds of our own, lowered by what it says and by variables. */

import { expect, test } from 'vitest';
import type { RdmaDevice } from '../../../../src/native/rdma.ts';
import { limitsOf } from '../../../../src/transport/rdma/limits.ts';

const DEVICE: RdmaDevice = {
  ...{ name: 'mlx5_0', nodeType: 'infiniband', linkLayer: 'infiniband', firmware: '1', vendorId: 1, partId: 2, portState: 4 },
  ...{ maxMessage: 2 ** 30, maxWorkRequests: 32_768, maxCompletions: 4_194_303, maxRegions: 16_777_216 },
  ...{ maxRegionBytes: 2 ** 60, maxParts: 30, maxReadsIn: 16, maxReadsOut: 16 },
};
/** The strictest that there is to be. */
const SMALL: RdmaDevice = {
  ...DEVICE,
  ...{ maxMessage: 4096, maxWorkRequests: 16, maxCompletions: 63, maxRegions: 32, maxParts: 1, maxReadsIn: 1, maxReadsOut: 1 },
};

test.each([
  ['a usual device', DEVICE],
  ['a small one', SMALL],
  [
    'one that says nothing',
    { ...DEVICE, maxMessage: 0, maxWorkRequests: 0, maxCompletions: 0, maxRegions: 0, maxRegionBytes: 0 },
  ],
])('%s: at most 128 KiB pinned for a peer, all works in one queue', (_, device) => {
  const limits = limitsOf(device, {});
  expect((limits.receiveCount + limits.sendCount) * limits.bufferBytes).toBeLessThanOrEqual(128 << 10);
  expect(limits.receiveCount + limits.sendCount + limits.oneSidedCount).toBeLessThanOrEqual(limits.queueCapacity);
  expect(limits.workBytes).toBeLessThanOrEqual(1 << 20);
  expect(limits.regionBytes).toBeLessThanOrEqual(4 << 20);
  expect(limits.bufferBytes % 16).toBe(0);
});

test('a small device is not asked for more than it has', () => {
  const limits = limitsOf(SMALL, {});
  expect(limits.receiveCount).toBeLessThanOrEqual(16);
  expect(limits.sendCount + limits.oneSidedCount).toBeLessThanOrEqual(16);
  expect(limits.queueCapacity).toBe(63);
  expect(limits).toMatchObject({ bufferBytes: 4096, workBytes: 4096, regionCount: 32, readsIn: 1, readsOut: 1 });
});

test('variables are read, and refused with what was expected', () => {
  const set = { TSMPI_RDMA_BUFFERS: '5', TSMPI_RDMA_BUFFER_BYTES: '1024', TSMPI_RDMA_CACHE_BYTES: '0' };
  expect(limitsOf(DEVICE, set)).toMatchObject({
    receiveCount: 5,
    bufferBytes: 1024,
    cacheBytes: 0,
    hasEvents: true,
    verifies: false,
  });
  expect(limitsOf(DEVICE, { TSMPI_RDMA_EVENTS: 'off', TSMPI_RDMA_VERIFY: '1' })).toMatchObject({
    hasEvents: false,
    verifies: true,
  });
  expect(() => limitsOf(DEVICE, { TSMPI_RDMA_BUFFERS: '2' })).toThrow(
    'TSMPI_RDMA_BUFFERS is "2": expected a number from 3 to 4096',
  );
  expect(() => limitsOf(DEVICE, { TSMPI_RDMA_BUFFER_BYTES: '4k' })).toThrow('TSMPI_RDMA_BUFFER_BYTES is "4k"');
});
