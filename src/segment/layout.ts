/**
 * Where everything lies in a host's segment: pure arithmetic, no memory.
 *
 *     0            header         4 KiB   words below; written once by whoever makes the segment
 *     4096         description    the job as JSON (bootstrap/job.ts), rounded up to 4 KiB
 *                  control        2 KiB per place (picture below)
 *                  credits        4 bytes per ordered pair: row = receiver, column = sender; the receiver writes its row
 *                  peers          16 bytes per world rank, in jobs over several hosts only: Int32 port (0: not known yet, -1: it
 *                                 has no socket), state (finalizing or departed, of a rank of another host), held (1: the
 *                                 relay takes nothing more for it at present); the agent writes them, or the watch of
 *                                 mates. roomWanted: as of an inbox, of held
 *                  inboxes        cellCount x 64 bytes per place (inbox.ts)
 *                  small buffers  per place: smallCount x (64 + 16384) bytes: eager messages; owned by the sender
 *                  large buffers  per place: largeCount x (64 + 131072) bytes: pieces of long messages; owned by the sender
 *                  areas          areaCount x areaByteLength: memory of collectives, one area a communicator at most
 *
 * Places are the local ranks', and in jobs over several hosts one more behind them: the relay's (transport/relay).
 *
 *     control block of a rank (who writes)
 *     0     tail          producers, by compare-and-swap
 *     64    head          the consumer, every 64 cells; producers read it when the inbox looks full
 *     128   sleeping      1: ring me. The consumer raises it, whoever rings takes it down
 *     132   polling       the consumer: it waits for something that no cell announces
 *     136   roomWanted    producers that found this inbox full; the consumer takes it down and rings everybody
 *     192   position      the consumer: its own head, at each cell (the addon's watch reads it)
 *     196   calls, operation, peer, tag, context, journalCount        the consumer, at each call; the agent reads
 *     256   pid, threadId, state, exitCode, bell, stuckOn, core, port    claim and life of the rank; `bell`, `core` by the agent
 *     288   notice (by the agent: NOTICE below), heeds (by the rank, 1: it looks at notices)
 *     296   lostPeer, lostErrno     the rank: it has lost its connection with that one, and why
 *     320   probe address (Float64), probe word (Float64)             for the test of process_vm_readv
 *     512   text          Int32 byte length, then UTF-8: what the rank waits for, or why it aborted
 *     1024  journal       the last collectives it called, 64 bytes each (call-journal.ts)
 *
 * Linear in the ranks of the host but for the credits. A small buffer starts with a line of its own: word 0 is its state.
 */

export const CELL_BYTES = 64;
/** Bytes of a message that travel inside the cell. */
export const SHORT_BYTES = 32;
/** 16 KiB at once take a third of the time of announcing and fetching them, 32 KiB somewhat more than that (tsmpi bench latency). */
export const SMALL_BYTES = 16_384;
/** A piece costs about a microsecond beside its copy, in cells and states that change cores: 32 and 64 KiB were slower by a third (tsmpi bench bw). */
export const LARGE_BYTES = 131_072;
/** Line in front of each buffer; word 0: 0 free, 1 in use, 2 in use and the owner sleeps until it is free. */
export const BUFFER_HEADER_BYTES = 64;
/** Bytes that one rank contributes to an area's slot (collective/port.ts lays an area out). */
export const AREA_SLOT_BYTES = 512;

export const SEGMENT_MAGIC = 0x74736d70;
export const SEGMENT_VERSION = 3;

/** Int32 indices of the header. */
export const HEADER = {
  magic: 0,
  version: 1,
  localSize: 2,
  cellCount: 3,
  smallCount: 4,
  largeCount: 5,
  areaCount: 6,
  descriptionCapacity: 7,
  descriptionByteLength: 8,
  peerCount: 9,
  /** Descriptor in the agent that wakes it when a rank has written its port; 0: none. */
  agentBell: 10,
  /** areaCount words from here on would not fit 4 KiB with many areas, hence a bound: see MAX_AREAS. 1: taken. */
  areaTaken: 64,
} as const;
const MAX_AREAS = 512;

/** Byte offsets inside a rank's control block. */
export const CONTROL = {
  tail: 0,
  head: 64,
  sleeping: 128,
  polling: 132,
  roomWanted: 136,
  position: 192,
  calls: 196,
  operation: 200,
  peer: 204,
  tag: 208,
  context: 212,
  journalCount: 216,
  pid: 256,
  threadId: 260,
  state: 264,
  exitCode: 268,
  bell: 272,
  /** World rank + 1 of a departed rank that this rank waits for; 0: none. */
  stuckOn: 276,
  core: 280,
  /** TCP port on which the rank listens for other ranks; 0: not yet, or not at all. */
  port: 284,
  /** What the agent has to say of the job's end: one of NOTICE. */
  notice: 288,
  /** 1: the rank looks at notices, and is not to be ended by a signal without one. */
  heeds: 292,
  /** World rank + 1 of a rank the connection with which was lost; 0: none. */
  lostPeer: 296,
  lostErrno: 300,
  probeAddress: 320,
  probeWord: 328,
  text: 512,
  journal: 1024,
} as const;
export const CONTROL_BYTES = 2048;
export const TEXT_CAPACITY: number = CONTROL.journal - CONTROL.text - 4;
/** A collective in the journal, and how many are kept; a power of two. */
export const CALL_RECORD_BYTES = 64;
export const CALL_RECORDS: number = (CONTROL_BYTES - CONTROL.journal) / CALL_RECORD_BYTES;

/** States of a rank (control word `state`). */
export const RANK_STATE = { unclaimed: 0, active: 1, finalizing: 2, departed: 3, aborted: 4 } as const;

/** Control word `notice`: the job is to go, in its own time; it has failed and ends. */
export const NOTICE = { none: 0, evicted: 1, ended: 2 } as const;

/** Sizes that whoever makes a segment may choose. */
export interface SegmentShape {
  readonly localSize: number;
  readonly cellCount: number;
  readonly smallCount: number;
  readonly largeCount: number;
  readonly areaCount: number;
  readonly descriptionCapacity: number;
  /** World ranks of a job over several hosts; 0 or left out: the job has one host. */
  readonly peerCount?: number;
}

/** Bytes of one rank's entry among the peers, and where its words are. */
export const PEER_BYTES = 16;
export const PEER = { port: 0, state: 4, held: 8, roomWanted: 12 } as const;

/** Byte offsets of everything in a segment of one shape. */
export interface SegmentLayout extends SegmentShape {
  /** The local ranks, and the relay where there is one. */
  readonly placeCount: number;
  readonly descriptionOffset: number;
  readonly controlOffset: number;
  readonly creditOffset: number;
  readonly peerCount: number;
  readonly peerOffset: number;
  readonly inboxOffset: number;
  readonly smallOffset: number;
  readonly largeOffset: number;
  readonly areaOffset: number;
  readonly areaByteLength: number;
  readonly byteLength: number;
}

const align = (value: number, to: number): number => Math.ceil(value / to) * to;

/** V8 counts a mapped segment as memory of its own, and above 64 MiB collects garbage: 5 ms in the start of each rank. */
const CHEAP_BYTES = 60 << 20;

/** Return the shapes to try for that many ranks, the usual one first, then smaller ones for hosts short of memory. */
export function shapesFor(localSize: number, descriptionByteLength: number, peerCount: number = 0): SegmentShape[] {
  const descriptionCapacity = align(Math.max(descriptionByteLength, 1), 4096);
  const shape = (cellCount: number, smallCount: number, largeCount: number, areaCount: number): SegmentShape => ({
    localSize,
    cellCount,
    smallCount,
    largeCount,
    areaCount,
    descriptionCapacity,
    peerCount,
  });
  const usual = [shape(1024, 32, 8, 32), shape(1024, 32, 4, 32), shape(1024, 32, 2, 32), shape(1024, 16, 2, 32)];
  const cheap = usual.find((each) => layOut(each).byteLength <= CHEAP_BYTES) ?? usual.at(-1)!;
  return [cheap, shape(256, 8, 4, 8), shape(128, 2, 2, 2)];
}

/** Lay out a segment of that shape. */
export function layOut(shape: SegmentShape): SegmentLayout {
  if (shape.areaCount > MAX_AREAS) throw new RangeError(`${shape.areaCount} areas: expected ${MAX_AREAS} at most`);
  const { localSize, cellCount, smallCount, largeCount, areaCount, descriptionCapacity, peerCount = 0 } = shape;
  const descriptionOffset = 4096;
  const placeCount = localSize + (peerCount === 0 ? 0 : 1);
  const controlOffset = descriptionOffset + descriptionCapacity;
  const creditOffset = controlOffset + placeCount * CONTROL_BYTES;
  const peerOffset = align(creditOffset + 4 * localSize * localSize, 64);
  const inboxOffset = align(peerOffset + PEER_BYTES * peerCount, 4096);
  const smallOffset = inboxOffset + placeCount * cellCount * CELL_BYTES;
  const largeOffset = smallOffset + placeCount * smallCount * (BUFFER_HEADER_BYTES + SMALL_BYTES);
  const areaOffset = align(largeOffset + placeCount * largeCount * (BUFFER_HEADER_BYTES + LARGE_BYTES), 4096);
  // Two lines of counters, then for each of two turns a result slot and one slot a rank.
  const areaByteLength = align(256 + 2 * (localSize + 1) * AREA_SLOT_BYTES, 4096);
  const byteLength = areaOffset + areaCount * areaByteLength;
  return {
    ...shape,
    placeCount,
    descriptionOffset,
    controlOffset,
    creditOffset,
    peerCount,
    peerOffset,
    inboxOffset,
    smallOffset,
    largeOffset,
    areaOffset,
    areaByteLength,
    byteLength,
  };
}
