/** What `npm test` leaves out for the sake of time, and TSMPI_LONG_TESTS=1 adds: repetitions in other words, sizes and places. */

export const isLong = process.env.TSMPI_LONG_TESTS === '1';

/** The first so many cases, or all of them in the long tests. */
export function firstOf<T>(count: number, cases: readonly T[]): readonly T[] {
  return isLong ? cases : cases.slice(0, count);
}
