/**
 * PMI-1 in its simple form, as MPICH's Hydra speaks it (and Slurm's pmi2 plugin too): a line for a question, one for its answer.
 *
 *     cmd=init pmi_version=1 pmi_subversion=1        cmd=response_to_init pmi_version=1 pmi_subversion=1 rc=0
 *     cmd=get_maxes                                  cmd=maxes kvsname_max=256 keylen_max=64 vallen_max=1024
 *     cmd=get_appnum                                 cmd=appnum appnum=0
 *     cmd=get_my_kvsname                             cmd=my_kvsname kvsname=K
 *     cmd=put kvsname=K key=A value=B                cmd=put_result rc=0 msg=success
 *     cmd=barrier_in                                 cmd=barrier_out
 *     cmd=get kvsname=K key=A                        cmd=get_result rc=0 msg=success value=B
 *     cmd=finalize                                   cmd=finalize_ack
 *     cmd=abort exitcode=N
 */

import type { Addon } from '../../native/addon.ts';
import type { FenceWatch, Pmi, PmiVariables } from './pmi.ts';
import { FENCE_MS, FENCE_WORDS, type Fields, malformed, PmiWire, readAnswer, readNumber, requireGood } from './wire.ts';

export class Pmi1 implements Pmi {
  readonly rank: number;
  readonly size: number;
  readonly program: number;
  readonly valueCapacity: number;
  readonly fd: number;
  readonly farewell = 'cmd=abort exitcode=1\n';
  readonly keepsCode = true;
  readonly #wire: PmiWire;
  readonly #store: string;

  /** Begin to speak. Throws an MpiError that says what the launcher answered and what was expected. */
  constructor(addon: Addon, { fd, rank, size }: PmiVariables, wire: PmiWire = new PmiWire(addon, fd)) {
    this.#wire = wire;
    this.fd = fd;
    this.rank = rank;
    this.size = size;
    const init = this.#ask('init pmi_version=1 pmi_subversion=1', 'response_to_init');
    if (readNumber(init, 'pmi_version', 'init') !== 1) {
      throw malformed('init', `pmi_version=${init.get('pmi_version')}`, 'version 1 of PMI');
    }
    this.valueCapacity = readNumber(this.#ask('get_maxes', 'maxes'), 'vallen_max', 'get_maxes') - 1;
    this.program = Math.max(0, readNumber(this.#ask('get_appnum', 'appnum'), 'appnum', 'get_appnum'));
    const store = this.#ask('get_my_kvsname', 'my_kvsname').get('kvsname');
    if (store === undefined || store === '') throw malformed('get_my_kvsname', 'no kvsname', 'the name of a key-value store');
    this.#store = store;
  }

  put(key: string, value: string): void {
    this.#ask(`put kvsname=${this.#store} key=${key} value=${value}`, 'put_result');
  }

  fence(watch: FenceWatch = {}): void {
    this.#wire.send('cmd=barrier_in\n');
    const line = this.#wire.watching(watch, () => this.#wire.readLine(FENCE_WORDS, FENCE_MS));
    requireGood(readAnswer(line.trim(), ' ', 'barrier_out', 'barrier_in'), 'barrier_in');
  }

  get(key: string): string | undefined {
    const fields = this.#exchange(`get kvsname=${this.#store} key=${key}`, 'get_result', 'get');
    // What is not there is refused, in words that differ between launchers.
    return fields.get('rc') === '0' ? fields.get('value') : undefined;
  }

  abort(code: number): void {
    this.#wire.send(`cmd=abort exitcode=${code}\n`);
  }

  finalize(): void {
    this.#ask('finalize', 'finalize_ack');
    this.#wire.close();
  }

  #ask(question: string, answer: string): Fields {
    const name = question.split(' ', 1)[0]!;
    const fields = this.#exchange(question, answer, name);
    requireGood(fields, name);
    return fields;
  }

  #exchange(question: string, answer: string, name: string): Fields {
    this.#wire.send(`cmd=${question}\n`);
    return readAnswer(this.#wire.readLine(name).trim(), ' ', answer, name);
  }
}
