/**
 * Which protocol a launcher speaks, found out from the variables that it has set.
 */

import type { Addon } from '../../native/addon.ts';
import type { Pmi, PmiVariables } from './pmi.ts';
import { Pmi1 } from './pmi-1.ts';
import { Pmi2 } from './pmi-2.ts';

/** Begin to speak with the launcher: PMI-2 where it names its job, as Slurm does, else PMI-1. */
export function openPmi(addon: Addon, variables: PmiVariables): Pmi {
  return variables.jobId === undefined ? new Pmi1(addon, variables) : new Pmi2(addon, variables);
}
