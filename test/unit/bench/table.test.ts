/** Tables of a comparison: medians over launches, ratios of times, marks of disturbance. */

import { expect, test } from 'vitest';
import type { JobLine, RowLine } from '../../../bench/records.ts';
import type { CampaignResult, LaunchRecord } from '../../../bench/run/campaign.ts';
import { footerOf, lineOf } from '../../../bench/run/columns.ts';
import { compareSides, formatTables } from '../../../bench/run/table.ts';

function row(us: number, disturbed: string[] = []): RowLine {
  return {
    ...{ kind: 'row', program: 'bw', size: 1000, us, megabytesPerSecond: 1000 / us, messagesPerSecond: 1e6 / us, batch: 4 },
    tail: { min: us, p50: 2 * us, p90: us, p99: us, p999: us, max: us },
    ...{ iterations: 10, repetitions: [{ us, reference: [1, 1] }], rejectedShare: 0, disturbed, isSettled: true },
    ...{ firstUs: us, firstHundredUs: us },
  };
}

const job: JobLine = {
  ...{ kind: 'job', program: 'bw', ranks: 2, library: 'tsmpi', hosts: 1, cores: 2, isOversubscribed: false, isPinned: true },
  ...{ rankKind: 'process', reference: 'C ping-pong' },
};
const launch = (side: string, us: number, disturbed: string[] = []): LaunchRecord => ({
  ...{ side, program: 'bw', ranks: 2, job, rows: [row(us, disturbed)], wallSeconds: 1, cpuSeconds: 2 },
});
const busy = ['others took 1.0 cores'];
const result: CampaignResult = {
  ...{ title: '', startedAt: '', machine: { cpu: '', cores: 2, system: '' }, command: '', sides: ['ours', 'theirs'] },
  ...{ leftOut: ['mpich: not here'], settings: {} as never, launchesPerSide: 3, fieldDifferences: [] },
  records: [
    ...[launch('ours', 1), launch('ours', 2), launch('ours', 3)],
    ...[launch('theirs', 4, busy), launch('theirs', 4, busy), launch('theirs', 4)],
    { ...launch('ours', 99), failure: 'exit code 1', rows: [] },
  ],
};

test('medians of launches, the ratio of times', () => {
  const [compared] = compareSides(result, 'mean');
  const [ours, theirs] = compared!.rows[0]!.cells;
  expect(ours).toMatchObject({ us: 2, megabytesPerSecond: 500, launches: 3, disturbed: 0, ratio: undefined });
  expect(theirs).toMatchObject({ us: 4, disturbed: 2, ratio: { ratio: 0.5 } });
  expect(compared!.cpuSeconds).toEqual([2, 2]);
  expect(compareSides(result, 'p50')[0]!.rows[0]!.cells[0]!.us).toBe(4);
});

test('a figure of disturbed launches bears a mark, what is left out is said', () => {
  const text = formatTables(result, 'mean');
  expect(text).toMatch(/^1000 +500 +250! +0\.50 \(0\.25-0\.75\)$/m);
  expect(text).toContain('# bw, 2 ranks (pinned), MB/s; ratios are of times');
  expect(text).toContain('# left out: mpich: not here');
});

test('a flow: the time in messages, and how far apart the fields are', () => {
  const flow = (side: string, us: number, share: number): LaunchRecord => ({
    ...launch(side, us),
    program: 'cavity',
    rows: [{ ...row(us), program: 'cavity', size: 128, messageShare: share }],
  });
  const fieldDifferences = [{ program: 'cavity', ranks: 2, size: 128, side: 'theirs', largest: 1e-15 }];
  const text = formatTables(
    { ...result, records: [flow('ours', 3000, 0.1), flow('theirs', 1500, 0.05)], fieldDifferences },
    'p50',
  );
  expect(text).toContain('# cavity, 2 ranks (pinned), ms');
  expect(text).toContain('# time in messages at 128, mean of the ranks: ours 10.0 %, theirs 5.0 %');
  expect(text).toContain('# largest difference of fields at 128 from ours: theirs 1e-15');
});

test('a row says that it is of a disturbed run, and of batches', () => {
  const line = lineOf(row(2, busy), { isFull: false, percentiles: [50] });
  expect(line).toMatch(/^1000 +500\.00 +4\.00 {3}! percentiles of batches of 4; disturbed: others took 1\.0 cores$/);
  const repetitions = [{ us: 1, reference: [1, 2] as const, rejected: 'reference moved' }, ...row(1).repetitions];
  expect(footerOf(job, [{ ...row(2, busy), repetitions }])).toEqual([
    '# 1 of 2 repetitions rejected (reference moved 1); judged by: C ping-pong, steal time, throttling',
    '# 1 of 1 rows are of a disturbed run: marked with !',
  ]);
});
