import { seconds } from '../clock.ts';
import type { Log } from './means.ts';

/** What was observed while waiting: told to the log where it changes, and counted to explain a timeout. */
export interface Journal {
  /** @param kind for counting, from a small set; @param text for people, logged unless it repeats the line before. */
  note(kind: string, text: string): void;
  /** e.g. `8 waiting for start_date, 2 HTTP 502`; `none` if nothing was noted. */
  tally(): string;
}

/** @param elapsedMs milliseconds since the restart was sent, to begin each line with; undefined before that. */
export function createJournal(log: Log, elapsedMs: () => number | undefined): Journal {
  const counts = new Map<string, number>();
  let lastText = '';
  return {
    note(kind, text) {
      counts.set(kind, (counts.get(kind) ?? 0) + 1);
      const line = `${formatElapsed(elapsedMs())}${text}`;
      if (text === lastText) log.debug(line);
      else log.info(line);
      lastText = text;
    },
    tally() {
      return [...counts].map(([kind, count]) => `${count} ${kind}`).join(', ') || 'none';
    },
  };
}

/** Right-aligned, so that lines stand below each other: `+  5.1 s  `. */
function formatElapsed(ms: number | undefined): string {
  return ms === undefined ? '' : `+${seconds(ms).padStart(7)}  `;
}
