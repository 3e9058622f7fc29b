/**
 * tsmpi: what programs import.
 */

export type { MpiErrorCode, MpiErrorContext } from './base/errors.ts';
export { MpiError } from './base/errors.ts';
export type { JobHost } from './bootstrap/job.ts';
export { APPNUM, createKeyval, TAG_UB, UNIVERSE_SIZE, WTIME_IS_GLOBAL } from './comm/attributes.ts';
export type { ArrayPart, ArrayParts, Checkpoint, LoadedStep, SavedStep } from './comm/checkpoint/checkpoint.ts';
export type {
  Cartesian,
  CartesianOptions,
  Communicator,
  DistGraphOptions,
  DupOptions,
  Edge,
  Graph,
  GraphOptions,
  Intercommunicator,
  Neighbor,
  RecvOptions,
  SendOptions,
  SendrecvOptions,
} from './comm/communicator.ts';
export type { FileMode, MpiFile } from './comm/file/mpi-file.ts';
export type { Comparison, Group, RankRange } from './comm/group.ts';
export { IN_PLACE, type InPlace } from './comm/in-place.ts';
export { ROOT } from './comm/inter/cross.ts';
export type { InterCollectives } from './comm/inter-collectives.ts';
export type { Message } from './comm/message.ts';
export { type Persistent, startAll } from './comm/persistent.ts';
export type { ErrorHandling, Info, Keyval, KeyvalOptions, Properties } from './comm/properties.ts';
export type {
  Allgather,
  AllgatherInit,
  Allgatherv,
  AllgathervInit,
  Alltoall,
  Alltoallv,
  AlltoallvInit,
  Alltoallw,
  AlltoallwInit,
  ExclusiveScan,
  Gather,
  GatherInit,
  Gatherv,
  GathervInit,
  ReduceAll,
  ReduceInit,
  ReduceScatter,
  ReduceScatterBlock,
  ReduceScatterInit,
  ReduceToRoot,
  ReduceToRootInit,
  RootOptions,
  Scatter,
  ScatterInit,
  Scatterv,
  ScattervInit,
} from './comm/signatures.ts';
export { dimsCreate } from './comm/topology/dims.ts';
export type { Kernel, KernelHandle } from './compute/kernel.ts';
export type { Range } from './compute/loop-plan.ts';
export { team } from './compute/open-team.ts';
export type { Team } from './compute/team.ts';
export type { Data, FilledParts, Fresh, Into, Parts, Reducible, SendData } from './datatype/data.ts';
export {
  contiguous,
  darray,
  f32,
  f64,
  hindexed,
  hindexedBlock,
  hvector,
  i8,
  i16,
  i32,
  i64,
  indexed,
  indexedBlock,
  subarray,
  u8,
  u16,
  u32,
  u64,
  vector,
} from './datatype/derived/construct.ts';
export type { BaseType, Datatype, Element, Layout } from './datatype/derived/datatype.ts';
export { pack, packSize, unpack } from './datatype/derived/pack.ts';
export { type Field, type Fields, type Struct, type StructValue, struct, type ValueOf } from './datatype/derived/struct.ts';
export type { ElementType, Scalar, TypedArray } from './datatype/element-type.ts';
export {
  type ArithOp,
  BAND,
  type BitOp,
  BOR,
  BXOR,
  createOp,
  LAND,
  LOR,
  type Located,
  type LocOp,
  LXOR,
  MAX,
  MAXLOC,
  MIN,
  MINLOC,
  NO_OP,
  type Op,
  type OpFor,
  PROD,
  REPLACE,
  SUM,
} from './datatype/operator.ts';
export { ANY_SOURCE, ANY_TAG, PROC_NULL } from './p2p/matching-queue.ts';
export type { Options, Request } from './p2p/request.ts';
export {
  type Completed,
  type ResultOf,
  type Results,
  testAll,
  testAny,
  testSome,
  waitAll,
  waitAny,
  waitSome,
  whenAll,
  whenAny,
  whenSome,
} from './p2p/request-list.ts';
export type { Status } from './p2p/status.ts';
export { alloc, type Over } from './runtime/alloc.ts';
export { wtime } from './runtime/clock.ts';
export { abort, type Job, job, profile, region, self, startProfile, world } from './runtime/init.ts';
export type { ProfiledOperation, ProfiledRegion, ProfileReport } from './runtime/profile-report.ts';
