/**
 * History: the integrals four times a day, on rank 0.
 */

import type { Integrals } from './diagnostics.ts';

export interface Moment {
  readonly day: number;
  readonly integrals: Integrals;
}

export class History {
  readonly records: Moment[] = [];

  add(day: number, integrals: Integrals): void {
    this.records.push({ day, integrals });
  }

  /** Return history.csv: a row for each diagnostic. */
  format(): string {
    const first = this.records[0].integrals;
    const rows = this.records.map(({ day, integrals: { mass, energy, meanSurface, change } }) =>
      [
        ...[day, (mass - first.mass) / first.mass, (energy - first.energy) / first.energy],
        ...[meanSurface, change.l1, change.l2, change.lInfinity],
      ].join(),
    );
    return `day,mass_change,energy_change,mean_height,l1_change,l2_change,linf_change\n${rows.join('\n')}\n`;
  }
}
