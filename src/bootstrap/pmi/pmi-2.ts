/**
 * PMI-2 as Slurm speaks it (`srun --mpi=pmi2`): a first line as in PMI-1, then messages, each behind its length in six characters.
 *
 *     cmd=init pmi_version=2 pmi_subversion=0                      cmd=response_to_init rc=0 pmi_version=2 pmi_subversion=0
 *     cmd=fullinit;pmijobid=J;pmirank=R;threaded=FALSE;            cmd=fullinit-response;rc=0;…;rank=R;size=N;appnum=-1;…
 *     cmd=kvs-put;key=A;value=B;                                   cmd=kvs-put-response;rc=0;
 *     cmd=kvs-fence;                                               cmd=kvs-fence-response;rc=0;
 *     cmd=kvs-get;jobid=J;srcid=-1;key=A;                          cmd=kvs-get-response;rc=0;found=TRUE;value=B;
 *     cmd=finalize;                                                cmd=finalize-response;rc=0;
 *     cmd=abort;isworld=TRUE;exitcode=N;
 */

import type { Addon } from '../../native/addon.ts';
import type { FenceWatch, Pmi, PmiVariables } from './pmi.ts';
import { FENCE_MS, FENCE_WORDS, type Fields, malformed, PmiWire, readAnswer, readNumber, requireGood } from './wire.ts';

/** As the protocol has it; launchers do not tell. */
const VALUE_CAPACITY = 1023;

export class Pmi2 implements Pmi {
  readonly rank: number;
  readonly size: number;
  readonly program: number;
  readonly valueCapacity: number = VALUE_CAPACITY;
  readonly fd: number;
  readonly farewell: string = withLength(abortion(1));
  readonly keepsCode = false;
  readonly #wire: PmiWire;
  readonly #jobId: string;

  /** Begin to speak. Throws an MpiError that says what the launcher answered and what was expected. */
  constructor(addon: Addon, { fd, rank, size, jobId = '' }: PmiVariables, wire: PmiWire = new PmiWire(addon, fd)) {
    this.#wire = wire;
    this.#jobId = jobId;
    this.fd = fd;
    wire.send('cmd=init pmi_version=2 pmi_subversion=0\n');
    const init = readAnswer(wire.readLine('init').trim(), ' ', 'response_to_init', 'init');
    requireGood(init, 'init');
    if (readNumber(init, 'pmi_version', 'init') !== 2) {
      throw malformed('init', `pmi_version=${init.get('pmi_version')}`, 'version 2 of PMI');
    }
    const full = this.#ask(`fullinit;pmijobid=${jobId};pmirank=${rank};threaded=FALSE;`);
    this.rank = readNumber(full, 'rank', 'fullinit');
    this.size = readNumber(full, 'size', 'fullinit');
    this.program = Math.max(0, readNumber(full, 'appnum', 'fullinit'));
    if (this.rank !== rank || this.size !== size) {
      throw malformed('fullinit', `rank ${this.rank} of ${this.size}`, `rank ${rank} of ${size}, as the environment says`);
    }
  }

  put(key: string, value: string): void {
    this.#ask(`kvs-put;key=${key};value=${value};`);
  }

  fence(watch: FenceWatch = {}): void {
    this.#wire.watching(watch, () => this.#ask('kvs-fence;', FENCE_WORDS, FENCE_MS));
  }

  get(key: string): string | undefined {
    const fields = this.#ask(`kvs-get;jobid=${this.#jobId};srcid=-1;key=${key};`);
    return fields.get('found') === 'TRUE' ? fields.get('value') : undefined;
  }

  abort(code: number): void {
    this.#wire.sendMessage(abortion(code));
  }

  finalize(): void {
    this.#ask('finalize;');
    this.#wire.close();
  }

  #ask(question: string, words?: string, deadlineMs?: number): Fields {
    const name = question.split(';', 1)[0]!;
    this.#wire.sendMessage(`cmd=${question}`);
    const fields = readAnswer(this.#wire.readMessage(words ?? name, deadlineMs), ';', `${name}-response`, name);
    requireGood(fields, name);
    return fields;
  }
}

function abortion(code: number): string {
  return `cmd=abort;isworld=TRUE;exitcode=${code};`;
}

function withLength(text: string): string {
  return `${String(text.length).padStart(6)}${text}`;
}
