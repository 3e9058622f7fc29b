/**
 * Each rank says that it listens on port 40000 + its rank, waits until it knows the addresses of all ranks, and prints
 * them: `ports.ts`. Then rank 0 ends, and the others wait until they know that.
 */

import type { JobDescription } from '../../src/bootstrap/job.ts';
import { loadAddon } from '../../src/native/loader.ts';
import { JobAddressBook } from '../../src/runtime/job-address-book.ts';
import { RANK_STATE } from '../../src/segment/layout.ts';
import { Segment } from '../../src/segment/segment.ts';

const DEADLINE_MS = 60_000;
const { agentPid, memoryFd, byteLength, localRank, worldRank } = JSON.parse(process.env.TSMPI_BOOTSTRAP as string);
const addon = loadAddon().addon!;
const fd = addon.open(`/proc/${agentPid}/fd/${memoryFd}`, 2);
const segment = Segment.attach(addon.map(fd, byteLength));
const description = JSON.parse(segment.description()) as JobDescription;
const book = new JobAddressBook(addon, segment, localRank, description);

async function until(condition: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + DEADLINE_MS;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`rank ${worldRank} waited in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

const ranks = Array.from({ length: description.size }, (_, rank) => rank);
book.publish(40_000 + worldRank);
await until(() => ranks.every((rank) => book.addressOf(rank) !== undefined), 'all addresses are known');
const addresses = ranks.map((rank) => book.addressOf(rank) as { host: string; port: number });
console.log(
  `rank ${worldRank} with a key of ${Buffer.from(description.key, 'base64').length} bytes:`,
  ...addresses.map(({ host, port }) => `${host}:${port}`),
);
if (worldRank !== 0) {
  await until(() => segment.peerState(0) === RANK_STATE.departed, 'rank 0 has departed');
  console.log(`rank ${worldRank} knows that rank 0 has departed`);
}
