/**
 * PmiJob: a rank's part of a job that srun or mpiexec started without tsmpirun, so without agents.
 *
 * The idea: the lowest rank of each host keeps what an agent keeps elsewhere, the segment and the doorbells, so it leaves
 * last there; world rank 0 leaves last of all. A native thread in each rank watches over the others (native/src/mates.c), and
 * the launcher is told of failures, since by itself it may do nothing about them. How a rank comes here is in join.ts.
 */

import { MpiError } from '../../base/errors.ts';
import type { JobDescription } from '../../bootstrap/job.ts';
import type { Pmi } from '../../bootstrap/pmi/pmi.ts';
import type { Addon } from '../../native/addon.ts';
import { CONTROL, CONTROL_BYTES, PEER, PEER_BYTES, RANK_STATE } from '../../segment/layout.ts';
import type { Segment } from '../../segment/segment.ts';
import type { Meeting } from './host-meeting.ts';
import { PmiAddressBook } from './pmi-address-book.ts';

/** What launchers get to read a rank's last words, in milliseconds. */
const READING_MS = 50;
/** Longest sleep of a rank that has departed and stays for the others, in milliseconds. */
const LINGER_MS = 100;

/** What a rank's watch of its mates takes over. */
export interface Watch {
  /** Descriptor of the segment. */
  readonly memory: number;
  /** Write end of this rank's line. */
  readonly line: number;
  readonly lines: readonly { readonly fd: number; readonly local: number }[];
  readonly sockets: Meeting['sockets'];
  readonly bells: readonly number[];
}

export class PmiJob {
  readonly segment: Segment;
  readonly localRank: number;
  readonly worldRank: number;
  /** The lowest rank of this host. */
  readonly holderPid: number;
  readonly #addon: Addon;
  readonly #pmi: Pmi;
  readonly #description: JobDescription;
  #book: PmiAddressBook | undefined;

  /** For a rank that has joined (join.ts). `holderPid`: the lowest rank of this host. */
  constructor(addon: Addon, pmi: Pmi, segment: Segment, holderPid: number, watch: Watch) {
    this.#addon = addon;
    this.#pmi = pmi;
    this.segment = segment;
    this.holderPid = holderPid;
    this.worldRank = pmi.rank;
    this.#description = JSON.parse(segment.description()) as JobDescription;
    this.localRank = this.#description.localRanks.indexOf(pmi.rank);
    this.#startWatch(watch);
  }

  /** Return where ranks of other hosts listen. */
  addressBook(): PmiAddressBook {
    const { addresses, hostOfRank } = this.#description;
    this.#book = new PmiAddressBook(this.#pmi, this.segment, addresses, hostOfRank);
    return this.#book;
  }

  /** This rank listens, if it has to. */
  complete(): void {
    this.#book?.complete();
  }

  /** This rank has departed: stay for those who rely on it, then leave. */
  leave(): void {
    if (this.localRank === 0) this.#linger();
    this.#addon.stopMates();
    try {
      this.#pmi.finalize();
    } catch {
      // The launcher is gone: nobody is left to be told.
    }
  }

  /** This rank has failed: end the job. */
  fail(code: number): void {
    // So that nobody takes its end for a death of which nobody knows why.
    this.segment.setState(this.localRank, RANK_STATE.aborted);
    // Hydra kills without reading what lies in the pipes: the reason of the end would be lost once in ten times.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, READING_MS);
    if (this.#pmi.keepsCode) this.#pmi.abort(code);
    this.#addon.endMates();
  }

  #linger(): void {
    const { i32 } = this.segment;
    const bell = i32[this.segment.control(0, CONTROL.bell)]!;
    const flag = this.segment.control(0, CONTROL.sleeping);
    const epoll = this.#addon.createEpoll(bell);
    for (;;) {
      Atomics.store(i32, flag, 1); // pairs with the flag's load of whoever departs and rings
      if (this.#areOthersGone()) break;
      this.#addon.park(epoll, bell, LINGER_MS);
    }
    this.#addon.close(epoll);
  }

  /** Whether all have departed who rely on this rank: those of its host, and for world rank 0 those of all hosts. */
  #areOthersGone(): boolean {
    const { hosts, localRanks, hostOfRank, hostIndex } = this.#description;
    if (!localRanks.every((_, local) => this.segment.state(local) === RANK_STATE.departed)) return false;
    if (hosts.length === 1 || this.worldRank !== 0) return true;
    return hostOfRank.every((host, rank) => host === hostIndex || this.segment.peerState(rank) === RANK_STATE.departed);
  }

  #startWatch({ memory, line, lines, sockets, bells }: Watch): void {
    const { layout } = this.segment;
    const outcome = this.#addon.startMates({
      memory,
      byteLength: layout.byteLength,
      controlOffset: layout.controlOffset,
      controlByteLength: CONTROL_BYTES,
      peerOffset: layout.peerOffset,
      peerByteLength: PEER_BYTES,
      state: CONTROL.state,
      sleeping: CONTROL.sleeping,
      calls: CONTROL.calls,
      stuckOn: CONTROL.stuckOn,
      pid: CONTROL.pid,
      text: CONTROL.text,
      peerState: PEER.state,
      finalizingState: RANK_STATE.finalizing,
      departedState: RANK_STATE.departed,
      abortedState: RANK_STATE.aborted,
      localRank: this.localRank,
      localRanks: Int32Array.from(this.#description.localRanks),
      hostOfRank: Int32Array.from(this.#description.hostOfRank),
      ownLine: line,
      lines: Int32Array.from(lines.flatMap(({ fd, local }) => [fd, local])),
      sockets: Int32Array.from(sockets.flatMap(({ fd, host }) => [fd, host])),
      bells: Int32Array.from(bells),
      launcher: this.#pmi.fd,
      farewell: this.#pmi.farewell,
    });
    if (outcome < 0)
      throw new MpiError('ERR_MPI_OTHER', `the watch of this rank's mates could not be started: errno ${-outcome}`);
  }
}
