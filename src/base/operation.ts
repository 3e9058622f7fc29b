/**
 * Names of calls, element types and operators, in the order of the codes that stand for them in frames and control blocks.
 *
 * A rank writes indices into these lists and its agent reads them back; both are always of one version.
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
  'openFile',
  'readAt',
  'writeAt',
  'readAtAll',
  'writeAtAll',
  'setSize',
  'sync',
  'closeFile',
  'checkpoint',
  'save',
  'load',
  'finalize',
  'profile',
];

const CODES: ReadonlyMap<string, number> = new Map(OPERATION_NAMES.map((name, code) => [name, code]));

/** Return the code of a call's name; 0 for one that is not listed. */
export function operationCode(name: string): number {
  return CODES.get(name) ?? 0;
}

/** What a message may consist of, by element code (datatype/element-type.ts). */
export const ELEMENT_NAMES = [
  'bytes',
  'i8',
  'u8',
  'u8c',
  'i16',
  'u16',
  'i32',
  'u32',
  'f32',
  'f64',
  'i64',
  'u64',
  'object',
] as const;

/** The standard's operators, by id: the order of rows in datatype/reduce-kernels.ts. */
export const OP_NAMES = [
  'SUM',
  'PROD',
  'MIN',
  'MAX',
  'LAND',
  'LOR',
  'LXOR',
  'BAND',
  'BOR',
  'BXOR',
  'MINLOC',
  'MAXLOC',
  'REPLACE',
  'NO_OP',
] as const;
