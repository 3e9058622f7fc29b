/**
 * Progress of a long run on stderr: on a terminal one line that is written over, else a line at each tenth.
 */

import type { WriteStream } from 'node:tty';
import type { Progress } from './campaign.ts';

export interface ProgressReport {
  readonly report: Progress;
  /** Leave the terminal's line clean. Idempotent. */
  end(): void;
}

export function createProgress(stream: Pick<WriteStream, 'write' | 'isTTY' | 'columns'>): ProgressReport {
  const start = performance.now();
  let tenth = -1;
  let isOpen = false;
  return {
    report: (done, total, what) => {
      const text = `${done}/${total}${remaining(done - 1, total, performance.now() - start)}  ${what}`;
      if (stream.isTTY) {
        stream.write(`\r\x1b[K${text.slice(0, (stream.columns || 80) - 1)}`);
        isOpen = true;
      } else if (Math.floor((10 * done) / total) > tenth) {
        tenth = Math.floor((10 * done) / total);
        stream.write(`tsmpi bench: ${text}\n`);
      }
    },
    end: () => {
      if (isOpen) stream.write('\r\x1b[K');
      isOpen = false;
    },
  };
}

/** Say how long the rest will take, by what is done. */
function remaining(done: number, total: number, ms: number): string {
  if (done < 2) return '';
  const seconds = Math.round(((ms / done) * (total - done)) / 1000);
  return seconds < 90 ? `, ${seconds} s left` : `, ${Math.round(seconds / 60)} min left`;
}
