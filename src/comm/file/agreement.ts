/**
 * Agreement: how all ranks of a communicator come to know that something failed on one of them, and why.
 *
 * The idea: each tells how long its reason is, 0 for none; the lowest rank that has one hands it to all. So a collective
 * that fails anywhere fails everywhere with the same words, and nobody goes on with half of it.
 */

import { MpiError, type MpiErrorCode } from '../../base/errors.ts';
import type { Collectives } from '../../collective/collectives.ts';
import type { Port, Step } from '../../collective/schedule.ts';

/** A phase of a schedule. */
export type Phase<T> = Generator<Step, T, void>;

/** Have all ranks learn of the first failure among them. Return it, as an error of this rank's own; undefined: all is well. */
export function* agree(port: Port, collectives: Collectives, mine: unknown): Phase<MpiError | undefined> {
  const own = mine === undefined ? new Uint8Array(0) : encode(mine);
  const lengths = new Int32Array(port.size);
  yield* collectives.internal.allgather(port, { data: Int32Array.of(own.byteLength), into: lengths, count: 1 });
  const peer = lengths.findIndex((length) => length > 0);
  if (peer < 0) return undefined;
  const bytes = peer === port.rank ? own : new Uint8Array(lengths[peer]!);
  yield* collectives.internal.bcast(port, { data: bytes, root: peer });
  if (peer === port.rank && mine instanceof MpiError) return mine;
  const { code, message } = JSON.parse(new TextDecoder().decode(bytes)) as { code: MpiErrorCode; message: string };
  return new MpiError(code, message, { rank: port.rank, peer });
}

/** Hand the bytes of the root to all ranks. */
export function* shareBytes(port: Port, collectives: Collectives, mine: Uint8Array | undefined, root = 0): Phase<Uint8Array> {
  const length = Float64Array.of(mine?.byteLength ?? 0);
  yield* collectives.internal.bcast(port, { data: length, root });
  const bytes = port.rank === root ? mine! : new Uint8Array(length[0]!);
  if (bytes.byteLength > 0) yield* collectives.internal.bcast(port, { data: bytes, root });
  return bytes;
}

function encode(error: unknown): Uint8Array {
  const { code, message } = error instanceof MpiError ? error : { code: 'ERR_MPI_OTHER', message: String(error) };
  return new TextEncoder().encode(JSON.stringify({ code, message }));
}
