/**
 * Barrier by messages that ends a communicator's use of its area.
 *
 * A barrier in the area would not do: it ends when all have arrived, and some may still look at its words. This one
 * first waits until this rank has finished its earlier turns, so whoever it releases knows that all ranks have.
 *
 * Cost: that of dissemination.
 * Needs: nothing; no turn may be taken afterwards.
 * Order: no data.
 * Wins when: it is not selected; for whoever frees a communicator.
 * See: area-turn.ts.
 */

import { finish, takeTurn, untilFinished } from '../area-turn.ts';
import type { Area, Port, Schedule } from '../schedule.ts';
import { dissemination } from './dissemination.ts';

/** Run the last barrier of a communicator. */
export function leave(port: Port): Schedule {
  const { area } = port;
  if (area === undefined) return dissemination(port, undefined);
  port.area = undefined;
  return run(port, area, takeTurn(area));
}

function* run(port: Port, area: Area, turn: number): Schedule {
  const previous = (turn - 1) | 0;
  if (area.finished !== previous) yield untilFinished(area, port, previous);
  if (area.bulk !== undefined && area.bulk.finished !== area.bulk.turn) {
    yield area.bulk.untilFinished(area, port, area.bulk.takeTurn() - 1);
  }
  finish(area, port, turn);
  yield* dissemination(port, undefined);
}
