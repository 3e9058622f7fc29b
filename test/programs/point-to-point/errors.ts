/** Messages that do not fit their receive: each is named on the receiver, consumed, and its sender completes. */

import assert from 'node:assert/strict';
import { type MpiError, type Request, world } from 'tsmpi';

/** One length for each protocol: short, eager, announced. */
const LENGTHS = [3, 900, 50_000];

async function failure(request: Request<unknown>, isBlocking: boolean): Promise<MpiError> {
  try {
    if (isBlocking) request.wait();
    else await request;
  } catch (error) {
    return error as MpiError;
  }
  throw new Error('nothing failed');
}

for (const length of LENGTHS) {
  for (const isPosted of [true, false]) {
    if (world.rank === 0) {
      const data = new Float64Array(length).fill(1);
      for (let k = 0; k < 4; k++) {
        await world.recv(new Int32Array(1), 1, 99);
        if (k === 3) await world.sendObject({ data }, 1, 7);
        else await world.send(k === 2 ? Buffer.alloc(8 * length + 1) : data, 1, 7);
      }
    } else {
      const into = new Float64Array(length).fill(-1);
      const bytes = 8 * length;
      const take = async (call: () => Request<unknown>): Promise<MpiError> => {
        let request = isPosted ? call() : undefined;
        await world.send(new Int32Array(1), 0, 99);
        if (request === undefined) {
          await world.probe(0, 7);
          request = call();
        }
        return failure(request, isPosted);
      };

      const wrong = await take(() => world.recv(new Int32Array(2 * length), 0, 7));
      assert.equal(
        wrong.message,
        `rank 0 sent ${bytes} bytes of f64 with tag 7 to rank 1, which receives i32: expected the same element type on both sides`,
      );
      assert.deepEqual([wrong.code, wrong.peer, wrong.rank, wrong.tag], ['ERR_MPI_TYPE', 0, 1, 7]);

      const short = await take(() => world.recv(into.subarray(1), 0, 7));
      assert.equal(
        short.message,
        `rank 0 sent ${bytes} bytes of f64 with tag 7 to rank 1, whose buffer holds ${bytes - 8} bytes: expected a buffer at least as long as the message`,
      );
      assert.equal(short.code, 'ERR_MPI_TRUNCATE');

      const odd = await take(() => world.recv(new Float64Array(length + 1), 0, 7));
      assert.equal(
        odd.message,
        `rank 0 sent ${bytes + 1} bytes of bytes with tag 7, which are no whole number of f64 (8 bytes each) on rank 1`,
      );

      const object = await take(() => world.recv(into, 0, 7));
      assert.equal(object.message, 'rank 0 sent an object with tag 7 to rank 1, which receives f64: use recvObject');
      assert.ok(into.every((value) => value === -1));
      assert.equal(world.tryProbe(), undefined, 'all of them are consumed');
    }
  }
}
await world.barrier();
console.log(`rank ${world.rank}: errors`);
