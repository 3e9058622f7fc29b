/** A rank of a job that performs a batch of random programs; the batch lies in the file that is its argument. */

import { readFileSync } from 'node:fs';
import { abort, world } from 'tsmpi';
import { type Batch, BatchError, performBatch } from '../batch.ts';

const batch = JSON.parse(readFileSync(process.argv[2]!, 'utf8')) as Batch;
try {
  await performBatch(world, batch, true, (word, index) => console.log(`${word} ${index}`));
} catch (error) {
  const index = error instanceof BatchError ? error.index : -1;
  console.log(`failed ${JSON.stringify({ index, message: (error as Error).message })}`);
  abort(9, `random program ${index}: ${(error as Error).message}`);
}
