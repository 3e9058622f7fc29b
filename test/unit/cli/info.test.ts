/** tsmpi info names every variable that there is. */

import { expect, test } from 'vitest';
import { collectInfo, formatInfo } from '../../../src/cli/info.ts';
import { OPTIONS, variableOf, WITHOUT_VARIABLE } from '../../../src/cli/option-table.ts';
import { listCatalogue } from '../../../src/collective/catalogue.ts';
import { forceVariable } from '../../../src/collective/selection.ts';

test('every variable: of options, of collectives, of ranks, with its value', () => {
  process.env.TSMPI_COLLECTIVE_BCAST = 'binomial';
  try {
    const info = collectInfo();
    const expected = new Set([
      ...OPTIONS.filter(({ name }) => !WITHOUT_VARIABLE.has(name)).map(variableOf),
      ...listCatalogue().map(({ operation }) => forceVariable(operation)),
      ...['TSMPI_NATIVE', 'TSMPI_CALL_SITES', 'TSMPI_RANK', 'TSMPI_SIZE', 'TSMPI_LOCAL_RANK'],
      ...['ADDRESS', 'BUFFERS', 'BUFFER_BYTES', 'CACHE_BYTES', 'EVENTS', 'VERIFY', 'PROOF'].map((name) => `TSMPI_RDMA_${name}`),
      ...['TSMPI_RDMA_VERBS_LIBRARY', 'TSMPI_RDMA_CM_LIBRARY'],
    ]);
    expect(new Set(info.variables.map(({ name }) => name))).toEqual(expected);
    expect(formatInfo(info)).toMatch(/^ {2}TSMPI_COLLECTIVE_BCAST +=? ?binomial {2}the algorithm/m);
  } finally {
    delete process.env.TSMPI_COLLECTIVE_BCAST;
  }
});
