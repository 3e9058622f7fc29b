/**
 * Persistent collectives: set up once, with all checks, and started many times.
 */

import { MpiError } from '../../base/errors.ts';
import { CollectiveOperation } from '../../collective/port.ts';
import { type Persistent, PersistentOperation } from '../persistent.ts';
import { type CollectiveHost, checkCall } from './call.ts';

/**
 * Set up what `call` would post. Each start is a collective of its own: all ranks start in the same order. Standard: 6.13.
 *
 * @throws MpiError ERR_MPI_TYPE for a number, which has no place to be sent from again.
 */
export function setUpCollective<T>(
  host: CollectiveHost,
  name: string,
  data: unknown,
  call: (host: CollectiveHost) => unknown,
): Persistent<T> {
  if (typeof data === 'number' || typeof data === 'bigint') {
    throw new MpiError('ERR_MPI_TYPE', `${name}Init got a ${typeof data}: expected a typed array, which is read at each start`);
  }
  const { call: checkedCall, begin, result } = checkCall(host, call);
  return new PersistentOperation(() => {
    host.checkOpen();
    return new CollectiveOperation(host.space, checkedCall, begin, result as () => T);
  });
}
