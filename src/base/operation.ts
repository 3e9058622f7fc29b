/**
 * Names of the calls of tsmpi as a rank writes them into its control word `operation` and the agent reads them back.
 *
 * The word holds an index into this list; a rank and its agent are always of one version.
 */

export const OPERATION_NAMES: readonly string[] = [
  '',
  'send',
  'ssend',
  'recv',
  'sendrecv',
  'sendrecvReplace',
  'probe',
  'mprobe',
  'sendObject',
  'recvObject',
  'start',
  'barrier',
  'bcast',
  'reduce',
  'allreduce',
  'gather',
  'gatherv',
  'scatter',
  'scatterv',
  'allgather',
  'allgatherv',
  'alltoall',
  'alltoallv',
  'reduceScatterBlock',
  'reduceScatter',
  'scan',
  'exscan',
  'bcastObject',
  'gatherObject',
  'allgatherObject',
  'scatterObject',
  'alltoallObject',
  'reduceObject',
  'allreduceObject',
  'neighborAllgather',
  'neighborAllgatherv',
  'neighborAlltoall',
  'neighborAlltoallv',
  'cartesian',
  'graph',
  'distGraph',
  'sub',
  'intercommCreate',
  'merge',
  'dup',
  'split',
  'splitShared',
  'create',
  'createGroup',
  'free',
  'finalize',
];

const CODES: ReadonlyMap<string, number> = new Map(OPERATION_NAMES.map((name, code) => [name, code]));

/** Return the code of a call's name; 0 for one that is not listed. */
export function operationCode(name: string): number {
  return CODES.get(name) ?? 0;
}
