/**
 * tsmpi doctor with hosts: its options read as tsmpirun reads them, and the report.
 */

import { resolve } from 'node:path';
import { parseHosts, readHostfile } from '../launcher/hosts/host-list.ts';
import { findOwnHost } from '../launcher/hosts/own-host.ts';
import { UsageError } from '../launcher/usage-error.ts';
import { CommandLineError, ports as parsePorts, splitWords } from './command-line.ts';
import { examine } from './doctor.ts';
import { examineHosts, formatHostFindings } from './doctor-hosts.ts';
import { runProbe } from './doctor-probe.ts';

/** Options as they were typed. */
export interface DoctorOptions {
  readonly host?: string | undefined;
  readonly hostfile?: string | undefined;
  readonly rsh?: string | undefined;
  readonly ports?: string | undefined;
}

/** Examine hosts, or be the probe on one; resolve with the exit code: 1 when something is wrong, 2 for wrong options. */
export async function doctorHosts(options: DoctorOptions, asJson: boolean, isProbe: boolean): Promise<number> {
  const { host, hostfile, rsh } = options;
  try {
    const ports = options.ports === undefined ? undefined : parsePorts({ spelling: '--ports', values: [options.ports] });
    if (isProbe) {
      await runProbe(ports);
      return 0;
    }
    if (host !== undefined && hostfile !== undefined) throw new UsageError('--host and --hostfile are both given: expected one');
    const hosts = host === undefined ? readHostfile(resolve(hostfile!), '--hostfile') : parseHosts(host, '--host');
    const names = hosts.map(({ name }) => name);
    const plan = { hosts, rsh: rsh === undefined ? undefined : splitWords(rsh), ports };
    const findings = await examineHosts(plan, await findOwnHost(names, process.env), examine);
    console.log(asJson ? JSON.stringify(findings, null, 2) : formatHostFindings(findings));
    return findings.some(({ state }) => state === 'fail') ? 1 : 0;
  } catch (error) {
    if (!(error instanceof UsageError) && !(error instanceof CommandLineError)) throw error;
    process.stderr.write(`tsmpi doctor: ${error.message}\n`);
    return 2;
  }
}
