/**
 * The native addon as TypeScript sees it.
 *
 * Every call is a thin layer over one or two system calls. A function that can fail returns a negative errno instead
 * of throwing (`-ENOMEM`), so that callers choose the words; a wrong argument type throws a TypeError.
 * The addon is optional: without it ranks are threads. Nothing here is on the path of a short message.
 */

import type { RdmaAddon } from './rdma.ts';

/** Where the loop watch finds, in the mapped segment, what it must look at just before the loop blocks. Byte offsets. */
export interface WatchLayout {
  /** Int32: 1 while the rank is asleep or its event loop has control. */
  readonly sleepingOffset: number;
  /** First cell of the rank's inbox; a cell's first Int32 is its publish mark. */
  readonly cellsOffset: number;
  /** Int32: the consumer's position, mirrored by the engine at each cell it takes. */
  readonly headOffset: number;
  /**
   * Int32: nonzero while the engine waits for something that no cell announces; then the callback runs at each turn of
   * the loop. Bit 0 (value 1) also keeps the loop from blocking; without it (value 2) the engine must have arranged to be rung.
   */
  readonly pollingOffset: number;
  readonly cellByteLength: number;
  /** A power of two. */
  readonly cellCount: number;
}

/** What watchDescriptor() watches for and listReady() found. */
export const INTEREST_READ = 1;
export const INTEREST_WRITE = 4;

/** What the watch of mates looks at: offsets in bytes, those of fields within a rank's control block or entry among the peers. */
export interface MatesOptions {
  /** The segment's descriptor, of which the thread makes a mapping of its own, and its size. */
  readonly memory: number;
  readonly byteLength: number;
  readonly controlOffset: number;
  readonly controlByteLength: number;
  readonly peerOffset: number;
  readonly peerByteLength: number;
  readonly state: number;
  readonly sleeping: number;
  readonly calls: number;
  readonly stuckOn: number;
  readonly pid: number;
  readonly text: number;
  readonly peerState: number;
  /** Values of a rank's state. */
  readonly finalizingState: number;
  readonly departedState: number;
  readonly abortedState: number;
  readonly localRank: number;
  /** World ranks of this host, in local-rank order. */
  readonly localRanks: Int32Array;
  /** Host of each world rank. */
  readonly hostOfRank: Int32Array;
  /** Write end of this rank's own line. The thread's from now on, as are those of `lines` and `sockets`. */
  readonly ownLine: number;
  /** Pairs: read end of a mate's line, its local rank. */
  readonly lines: Int32Array;
  /** Pairs: a connected socket, the host at its other end. */
  readonly sockets: Int32Array;
  /** Write ends of all doorbells of the host, in its lowest rank; elsewhere empty. */
  readonly bells: Int32Array;
  /** The launcher's descriptor, whose end is the job's; and what is written to it to have the job killed, up to 255 bytes. */
  readonly launcher: number;
  readonly farewell: string;
}

export interface Addon extends RdmaAddon {
  /** The constants that the C side was compiled with; a test compares them with layout.ts. */
  readonly constants: { readonly cellByteLength: number };

  // ---- segment -----------------------------------------------------------------------------
  /** Make an anonymous memfd of that size and reserve every page of it (fallocate). Return the descriptor or -errno. */
  createMemory(name: string, byteLength: number): number;
  /** Map a descriptor shared and writable. Throws an Error whose code is the errno's name (EINVAL: the descriptor holds less). */
  map(fd: number, byteLength: number): ArrayBuffer;
  /** Detach the buffer, then unmap it, so that a stale view throws instead of crashing. Once more: nothing happens. Throws EBUSY while the watch looks into it. */
  unmap(buffer: ArrayBuffer): void;
  /** open(2) with O_CLOEXEC; flags as fs.constants. Return the descriptor or -errno. Opens /proc/<pid>/fd/<n> too. */
  open(path: string, flags: number): number;
  close(fd: number): number;
  /** Page-aligned private memory for `alloc()`; huge: MADV_HUGEPAGE. Freed with the ArrayBuffer. */
  allocate(byteLength: number, huge: boolean): ArrayBuffer;
  /** Size of a page in bytes. */
  readonly pageByteLength: number;

  // ---- files -------------------------------------------------------------------------------
  // Read-only, over the file's own pages; or -errno, -EINVAL for an empty file. load-bundle.mjs uses them before all else.
  /** Text of a Latin-1 file; a page is read when it is looked at. -ENOSYS: this Node has no such strings. */
  mapText(path: string): string | number;
  /** Bytes of a file, all its pages there at once. Writing to them ends the process. */
  mapBytes(path: string): ArrayBuffer | number;

  // ---- parking -----------------------------------------------------------------------------
  /** pipe2(O_CLOEXEC | (nonBlocking ? O_NONBLOCK : 0)): [read end, write end], or -errno. */
  pipe(nonBlocking: boolean): [number, number] | number;
  /** Make an epoll descriptor that watches the doorbell (EPOLLIN); -1: nothing yet. Return it or -errno. */
  createEpoll(bell: number): number;
  /** Sleep until a byte is in the doorbell or the time is over (-1: no limit). Empties the doorbell. 1 rung, 0 timed out, or -errno. */
  park(epoll: number, bell: number, timeoutMs: number): number;
  /** Write one byte to a doorbell; a full pipe (EAGAIN) counts as rung. 0 or -errno. */
  ring(bell: number): number;
  /** Empty a doorbell. */
  drain(bell: number): void;
  /**
   * Watch the epoll descriptor and the inbox from libuv's loop. uv_prepare: raise the sleeping flag (sequentially
   * consistent), then, if the next cell is published or bit 0 of the polling word is set, keep the loop from blocking (uv_idle).
   * uv_check: lower the flag; if the doorbell rang, the next cell is published or the polling word is set, call `wake`
   * (napi_make_callback). All handles are unref'ed until refWatch(handle, true). One per environment.
   */
  startWatch(segment: ArrayBuffer, layout: WatchLayout, epoll: number, bell: number, wake: () => void): object;
  /** Keep the process alive (or not) by the watch. */
  refWatch(watch: object, isReferenced: boolean): void;
  stopWatch(watch: object): void;
  /** sched_yield(2). */
  yield(): void;

  // ---- sockets -----------------------------------------------------------------------------
  // TCP that never blocks. Addresses are numbers, IPv4 or IPv6, as text; -EINVAL: it is none. What would wait is -EAGAIN.
  /** Listen on that address, port 0: any (SO_REUSEADDR, IPV6_V6ONLY). Return the descriptor or -errno. */
  listenTcp(host: string, port: number): number;
  /** Take the next connection of a listener (TCP_NODELAY). Return its descriptor or -errno. */
  acceptTcp(listener: number): number;
  /** Begin to connect (TCP_NODELAY); connectOutcome tells how it goes. Return the descriptor or -errno. */
  connectTcp(host: string, port: number): number;
  /**
   * Have the kernel probe a connection on which nothing comes for half of that time; it is lost (ETIMEDOUT) once probes had no
   * answer for the whole of it. 0 or -errno.
   */
  keepAlive(fd: number, silenceMs: number): number;
  /** 0: connected; -EINPROGRESS: not yet; else why not. Writable (INTEREST_WRITE) once it is decided. */
  connectOutcome(fd: number): number;
  /** Return the bytes taken (may be fewer) or -errno. */
  send(fd: number, data: ArrayBufferView, offset: number, byteLength: number): number;
  /** Send a header and what follows it in one call. Return the bytes taken of both together or -errno. */
  sendTwo(
    fd: number,
    head: ArrayBufferView,
    headOffset: number,
    headLength: number,
    data: ArrayBufferView,
    offset: number,
    byteLength: number,
  ): number;
  /** Return the bytes received, 0 when the other side sends no more, or -errno. */
  receive(fd: number, into: ArrayBufferView, offset: number, byteLength: number): number;
  /** Say that no more is sent (shutdown(SHUT_WR)). 0 or -errno. */
  shutdownSend(fd: number): number;
  /** Bytes that the other side's host has not acknowledged yet (SIOCOUTQ), or -errno. */
  unacknowledged(fd: number): number;
  /** Milliseconds without a word from the peer's kernel while bytes wait for its acknowledgement; 0: none do. Or -errno. */
  unansweredMs(fd: number): number;
  /** [host, port] of this side or of the peer, or -errno. */
  socketAddress(fd: number, isPeer: boolean): [host: string, port: number] | number;
  /** Watch a descriptor in an epoll descriptor, level-triggered, for those of INTEREST_READ and INTEREST_WRITE; 0: no more. 0 or -errno. */
  watchDescriptor(epoll: number, fd: number, interest: number): number;
  /** Write what is ready now as pairs of descriptor and interest into `into`; errors count as both. Return how many, or -errno. */
  listReady(epoll: number, into: Int32Array): number;
  /** timerfd_create: a descriptor that is readable once its time has come. Return it or -errno. */
  createTimer(): number;
  /** Let the timer expire after so many milliseconds; -1: not at all. 0 or -errno. */
  setTimer(timer: number, afterMs: number): number;

  // ---- copies ------------------------------------------------------------------------------
  // Views and ArrayBuffers are the cheap arguments here; a bare SharedArrayBuffer costs a microsecond more on Node 20 and 22.
  /** Address of the first byte of a view or buffer, as a number (53 bits are enough for user space). */
  addressOf(data: ArrayBufferView | ArrayBufferLike): number;
  /** memcpy between two views or buffers, offsets in bytes from their starts. Checked against both lengths (throws RangeError). */
  copy(
    target: ArrayBufferView | ArrayBufferLike,
    targetOffset: number,
    source: ArrayBufferView | ArrayBufferLike,
    sourceOffset: number,
    byteLength: number,
  ): void;
  /**
   * Copy `count` blocks, each `targetStride` and `sourceStride` bytes behind (or, below 0, before) the last. Blocks of
   * source and target must not overlap. Checked against both lengths (throws RangeError).
   */
  copyBlocks(
    target: ArrayBufferView,
    targetOffset: number,
    targetStride: number,
    source: ArrayBufferView,
    sourceOffset: number,
    sourceStride: number,
    blockByteLength: number,
    count: number,
  ): void;
  /** process_vm_readv of one piece. Return the bytes read (may be fewer) or -errno. */
  readMemory(
    pid: number,
    address: number,
    target: ArrayBufferView | ArrayBufferLike,
    targetOffset: number,
    byteLength: number,
  ): number;
  /** process_vm_writev, likewise. */
  writeMemory(
    pid: number,
    address: number,
    source: ArrayBufferView | ArrayBufferLike,
    sourceOffset: number,
    byteLength: number,
  ): number;
  /** prctl(PR_SET_PTRACER, pid): let that process and its descendants read this one's memory under Yama. 0 or -errno (EINVAL without Yama: ignore). */
  setPtracer(pid: number): number;

  // ---- reductions --------------------------------------------------------------------------
  /**
   * inout[inoutIndex + i] = input[inputIndex + i] ∘ inout[inoutIndex + i] for `count` elements of that code, with the bits of
   * datatype/reduce-kernels.ts. `op` is an operator's id there. The two ranges may not overlap, and views are not asked
   * for their type: the caller knows it. With `copy` the result is also written there, from copyIndex on, while the core's
   * cache holds it; that range may be the input's. Throws RangeError for ranges outside, or an operator that does not take the type.
   */
  reduce(
    op: number,
    code: number,
    input: ArrayBufferView,
    inputIndex: number,
    inout: ArrayBufferView,
    inoutIndex: number,
    count: number,
    copy?: ArrayBufferView,
    copyIndex?: number,
  ): void;

  // ---- process -----------------------------------------------------------------------------
  /** Cores that this thread may run on. */
  getAffinity(): number[];
  /** Pin this thread and those it starts later. 0 or -errno. */
  setAffinity(cores: readonly number[]): number;
  /**
   * Start a native thread (small stack, all signals blocked) that waits for hang-up of the descriptor, then kill(0, SIGKILL):
   * the process must lead a group of its own. One per process (-EALREADY). The descriptor stays the caller's. 0 or -errno.
   */
  startLifeline(fd: number): number;
  /** End that thread's watch: closing the job in order. When this returns, a hang-up harms nobody any more. */
  stopLifeline(): void;
  /**
   * The process is about to leave with that code: start a native thread that ends it so if it then uses no CPU time for a
   * second. 0 or -errno.
   */
  guardExit(code: number): number;
  /**
   * Start the native thread by which a rank without an agent knows of the end of its mates (native/src/mates.c): an end that
   * is not in order ends this process with code 1. One per process (-EALREADY). 0 or -errno.
   */
  startMates(options: MatesOptions): number;
  /** This rank has departed and leaves: end that thread in order. Waits 2 s at the most until other hosts have heard so. */
  stopMates(): void;
  /** This rank has failed: end that thread so that the job ends. Waits until the others have followed, 4 s at the most. */
  endMates(): void;
  /** prctl(PR_SET_CHILD_SUBREAPER). */
  setSubreaper(): number;
  /** waitpid(pid, WNOHANG) for adopted children: [pid, status] of one that ended, 0 if none did, or -errno. Never call it for children of Node's own. */
  reap(pid: number): [number, number] | number;
  /** Thread id (gettid). */
  threadId(): number;

  // ---- bare references for benchmarks (native/src/reference) ----------------------------------
  /** Cache-line ping-pong of two processes over two flags 128 bytes apart; side 0 starts. Return ns per half round trip. Both ends pass equal iterations. */
  referencePingPong(segment: ArrayBuffer, byteOffset: number, side: number, iterations: number): number;
  /**
   * Copy through `slots` slots of `slotByteLength` in the segment, side 0 in, side 1 out. Return ns for all repetitions.
   * Takes slots x (64 + slotByteLength) bytes from a multiple of 64 on, zeroed before the first run.
   */
  referencePipeline(
    segment: ArrayBuffer,
    byteOffset: number,
    side: number,
    user: ArrayBufferView,
    byteLength: number,
    slots: number,
    slotByteLength: number,
    repetitions: number,
  ): number;
  /**
   * Add two arrays of float64 into two others by two threads, the caller's and one that is pinned to `core` (-1: not pinned),
   * each its half of all four. Return ns for all repetitions.
   */
  referenceAllreduce(
    firstInput: Float64Array,
    secondInput: Float64Array,
    firstOutput: Float64Array,
    secondOutput: Float64Array,
    repetitions: number,
    core: number,
  ): number;
}
