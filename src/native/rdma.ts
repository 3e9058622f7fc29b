/**
 * RDMA by the addon (native/src/rdma): devices, ports, connections, regions, each known by a number.
 *
 * A *port* is a device opened by an IPv4 address of its own; it listens. A *connection* is one queue pair with its ring of
 * buffers. A *region* is registered memory. What can fail returns -errno; a number that stands for nothing throws a RangeError.
 * All calls come from the process's main thread. Without libraries or headers rdmaProblem() says what is missing and the
 * others throw or return -ENOSYS.
 */

/** Kinds of completed work; in the low byte of a result's second word. */
export const WORK = { send: 0, receive: 1, read: 2, write: 3 } as const;
/** Words of one result of rdmaPoll: connection, kind | status << 8, id (of a receive: its buffer), bytes received. */
export const RESULT_WORDS = 4;

/** Events of rdma_cm (enum rdma_cm_event_type). */
export const CM_EVENT = {
  addressResolved: 0,
  addressError: 1,
  routeResolved: 2,
  routeError: 3,
  request: 4,
  connectError: 6,
  unreachable: 7,
  rejected: 8,
  established: 9,
  disconnected: 10,
  deviceRemoval: 11,
} as const;

/** Asynchronous events after which nothing moves any more (enum ibv_event_type). */
export const ASYNC_EVENT = { queueError: 0, pairFatal: 1, pairRequestError: 2, pairAccessError: 3, deviceFatal: 8 } as const;

/** Places of the counters: calls of the verbs, and bytes registered. */
export const COUNTER = {
  send: 0,
  receive: 1,
  read: 2,
  write: 3,
  poll: 4,
  completion: 5,
  arm: 6,
  register: 7,
  deregister: 8,
  registeredBytes: 9,
  event: 10,
} as const;
export const COUNTER_COUNT = 11;

/** What a device says of itself; some drivers say the same of all devices. */
export interface RdmaDevice {
  readonly name: string;
  /** iwarp: connections of TCP, with rules of their own. */
  readonly nodeType: 'infiniband' | 'iwarp' | 'other';
  readonly linkLayer: 'ethernet' | 'infiniband' | 'unspecified';
  readonly firmware: string;
  readonly vendorId: number;
  readonly partId: number;
  /** 4: active. */
  readonly portState: number;
  /** Bytes. */
  readonly maxMessage: number;
  readonly maxWorkRequests: number;
  readonly maxCompletions: number;
  readonly maxRegions: number;
  readonly maxRegionBytes: number;
  readonly maxParts: number;
  /** READs of a peer that it answers at a time, and READs that it may have in flight. */
  readonly maxReadsIn: number;
  readonly maxReadsOut: number;
}

/** An open port: its device, where it listens, and descriptors that are readable when there is something. */
export interface RdmaPort extends RdmaDevice {
  readonly port: number;
  readonly eventsFd: number;
  readonly completionsFd: number;
  readonly asyncFd: number;
}

export interface RdmaAddon {
  /** Load libibverbs and librdmacm once. undefined: they are there; else what is missing. */
  rdmaProblem(): string | undefined;
  /** Write the counters of this process (COUNTER) into `into`. */
  rdmaCounters(into: Float64Array): void;
  /** The devices of this host, or -errno. */
  rdmaDevices(): RdmaDevice[] | number;
  /** The device that an IPv4 address of this host belongs to; -ENODEV: none. */
  rdmaDeviceAt(host: string): string | number;
  /**
   * Open a port and listen (port 0: any). Completion queues get that capacity; rdmaPoll writes into `results`. `hugePages`:
   * ordinary memory may lie in huge pages. Return its number, or why it could not be opened.
   */
  rdmaOpen(host: string, port: number, queueCapacity: number, results: Int32Array, hugePages: boolean): number | string;
  rdmaDescribePort(port: number): RdmaPort | number;
  /** Its connections and regions were given back before. */
  rdmaClosePort(port: number): void;
  /** Write what completed into the results. Return how many, or -errno. */
  rdmaPoll(port: number): number;
  /** Let the next completion make completionsFd readable, as far as the driver does that. What came before must be polled once more. */
  rdmaArm(port: number): number;
  /** The next asynchronous event of the device: its number, its name, and the connection that it is about (-1: none alone). */
  rdmaAsyncEvent(port: number): [kind: number, name: string, connection: number] | undefined;
  /** A completion's status in words. */
  rdmaStatusText(status: number): string;
  /** Begin to connect: addressResolved or addressError follows. Return the connection's number. */
  rdmaDial(port: number, host: string, portNumber: number): number;
  /** After addressResolved: routeResolved or routeError follows. */
  rdmaFindRoute(connection: number): number;
  /** Make the queue pair and post `receiveCount` buffers of `bufferBytes`, the first bytes of the ring. The ring is held until rdmaDestroy. */
  rdmaPrepare(connection: number, ring: Uint8Array, bufferBytes: number, receiveCount: number, sendDepth: number): number;
  /** After routeResolved and rdmaPrepare: ask for the connection. established, rejected, unreachable or connectError follows. */
  rdmaRequest(connection: number, privateData: Uint8Array, readsOut: number, readsIn: number, rnrRetries: number): number;
  /** After a request and rdmaPrepare: say yes. */
  rdmaAccept(connection: number, privateData: Uint8Array, readsOut: number, readsIn: number, rnrRetries: number): number;
  /** Say no to a request. */
  rdmaRefuse(connection: number): number;
  /** Disconnect: what is posted completes as flushed. */
  rdmaHangUp(connection: number): number;
  /** Give a connection back, queue pair first. */
  rdmaDestroy(connection: number): void;
  /** The next event of rdma_cm: kind, connection (-1: the port itself), status, private data (padded), reads out, reads in. */
  rdmaNextEvent(
    port: number,
  ):
    | [kind: number, connection: number, status: number, data: Uint8Array | undefined, readsOut: number, readsIn: number]
    | undefined;
  /** Send bytes of the ring. */
  rdmaPostSend(connection: number, offset: number, byteLength: number, id: number, isSignalled: boolean): number;
  /** Let that buffer receive again. */
  rdmaPostReceive(connection: number, buffer: number): number;
  /** READ from the peer's memory into a region. Always signalled. */
  rdmaPostRead(
    connection: number,
    region: number,
    offset: number,
    byteLength: number,
    remoteAddress: number,
    remoteKey: number,
    id: number,
  ): number;
  /** WRITE from a region into the peer's memory. Always signalled. */
  rdmaPostWrite(
    connection: number,
    region: number,
    offset: number,
    byteLength: number,
    remoteAddress: number,
    remoteKey: number,
    id: number,
  ): number;
  /** Register memory, which the caller holds until rdmaDeregister: [region, address, remote key] or -errno. */
  rdmaRegister(
    port: number,
    memory: ArrayBufferView | ArrayBufferLike,
    offset: number,
    byteLength: number,
  ): [region: number, address: number, remoteKey: number] | number;
  rdmaDeregister(region: number): number;
  /** CRC-32C (Castagnoli) of bytes, going on from `seed` (0: a new one). Return it as an Int32. */
  crc32c(data: ArrayBufferView, offset: number, byteLength: number, seed: number): number;
}
