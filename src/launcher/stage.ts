/**
 * Stage: what is sent to other hosts for --stage, and the sending of it.
 *
 * On other hosts a temporary folder stands for the current directory: what lies below that keeps its relative path, the
 * working directory too, and anything else lies at the top. Programs of Node go as bundles with their packages, made once;
 * executables that are named by a path, and data, as they are. The launcher's own host has it all already.
 * A chunk goes to all hosts before the next is read, and no host has more than a window of bytes under way.
 */

import { createReadStream } from 'node:fs';
import type { AgentProgram, ToAgent } from '../agent/protocol.ts';
import { STAGE_WINDOW_BYTES } from '../agent/protocol.ts';
import type { StagePlan } from './stage-plan.ts';

const CHUNK_BYTES = 256 << 10;

/** A host that files are sent to. */
export interface StagedHost {
  readonly index: number;
  send(message: ToAgent, body?: Uint8Array): void;
}

export class Stage {
  readonly #plan: StagePlan;
  readonly #jobId: string;
  /** Bytes on their way to each host. */
  readonly #underWay = new Map<StagedHost, number>();
  #onChange: () => void = () => {};
  #isGivenUp = false;

  constructor(plan: StagePlan, jobId: string) {
    this.#plan = plan;
    this.#jobId = jobId;
  }

  /** Name of the folder on a host: hosts may share their temporary folder. */
  folderOf(hostIndex: number): string {
    return `tsmpi-${this.#jobId}.${hostIndex}`;
  }

  /** Return the programs as other hosts find them. */
  locate(programs: readonly AgentProgram[]): AgentProgram[] {
    return programs.map((program, index) => ({ ...program, ...this.#plan.programs[index]!, isStaged: true }));
  }

  /** Send everything to those hosts; resolve when all was sent, or the job was given up. Throws in words. */
  async send(hosts: readonly StagedHost[]): Promise<void> {
    for (const { path, mode, content } of this.#plan.files) {
      for (const host of hosts) {
        host.send({ kind: 'stage', jobId: this.#jobId, folder: this.folderOf(host.index), path, mode });
      }
      for await (const bytes of chunksOf(content)) {
        for (const host of hosts) await this.#sendTo(host, bytes);
        if (this.#isGivenUp) return;
      }
    }
  }

  /** That many bytes are written there. */
  giveBack(host: StagedHost, byteLength: number): void {
    this.#underWay.set(host, this.#underWay.get(host)! - byteLength);
    this.#onChange();
  }

  /** The job has come to its end: send() is over. */
  giveUp(): void {
    this.#isGivenUp = true;
    this.#onChange();
  }

  async #sendTo(host: StagedHost, bytes: Uint8Array): Promise<void> {
    const underWay = (): number => this.#underWay.get(host) ?? 0;
    while (!this.#isGivenUp && underWay() > 0 && underWay() + bytes.byteLength > STAGE_WINDOW_BYTES) {
      await new Promise<void>((resolve) => {
        this.#onChange = resolve;
      });
    }
    if (this.#isGivenUp) return;
    this.#underWay.set(host, underWay() + bytes.byteLength);
    host.send({ kind: 'stageData' } satisfies ToAgent, bytes);
  }
}

/** Yield the bytes of a text in memory, or of a file. */
async function* chunksOf(content: Uint8Array | string): AsyncGenerator<Uint8Array> {
  if (typeof content !== 'string') {
    for (let at = 0; at < content.byteLength; at += CHUNK_BYTES) yield content.subarray(at, at + CHUNK_BYTES);
    return;
  }
  try {
    yield* createReadStream(content, { highWaterMark: CHUNK_BYTES }) as AsyncIterable<Buffer>;
  } catch (error) {
    throw new Error(`--stage cannot read ${content}: ${(error as Error).message}`);
  }
}
