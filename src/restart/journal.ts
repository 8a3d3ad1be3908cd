import { seconds } from '../clock.ts';
import type { ReadFault } from '../controller/controller.ts';
import type { Log } from './context.ts';

/** What was observed while waiting: told to the log where it changes, and counted to explain a timeout. */
export interface Journal {
  /** @param kind for counting, from a small set; @param text for people. */
  note(kind: string, text: string, manner?: Manner): void;
  /** Notes a try that got no usable answer. Once there is nothing else for a while, it warns of that. */
  readonly fault: (fault: ReadFault) => void;
  /** There was a usable answer, of which there is nothing to note. */
  answered(): void;
  /** e.g. `8 waiting for start_date, 2 HTTP 502`; `none` if nothing was noted. */
  tally(): string;
}

/** How something is told. */
export interface Manner {
  /** Is told with it, though it is another each time and no news, such as the time that is left. */
  readonly rest?: string;
  /** It goes into the debug log. */
  readonly isDetail?: boolean;
}

/** So long a log may be silent before it says the same once more: in milliseconds. */
const LONGEST_SILENCE_MS = 30_000;
/** So long there may be nothing but faults before that is worth a warning: in milliseconds. */
const WARN_AFTER_MS = 30_000;

export interface JournalOptions {
  readonly log: Log;
  readonly now: () => number;
  /** When the restart was sent, for each line to begin with the time since; undefined before that. */
  readonly sentAt: number | undefined;
  /** Who is asked. */
  readonly server?: string;
}

export function createJournal({ log, now, sentAt, server = 'The controller' }: JournalOptions): Journal {
  const counts = new Map<string, number>();
  let last: { readonly text: string; readonly at: number } | undefined;
  let faultsSince: number | undefined;
  let hasWarned = false;

  function count(kind: string): void {
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }

  function write(text: string, { rest = '', isDetail = false }: Manner = {}): void {
    const line = `${sentAt === undefined ? '' : formatElapsed(now() - sentAt)}${text}${rest}`;
    if (text === last?.text && now() - last.at < LONGEST_SILENCE_MS) {
      log.debug(line);
      return;
    }
    (isDetail ? log.debug : log.info)(line);
    last = { text, at: now() };
  }

  function answered(): void {
    faultsSince = undefined;
  }

  return {
    answered,
    note(kind, text, manner) {
      answered();
      count(kind);
      write(text, manner);
    },
    fault({ kind, reason, hint, isTold = false }) {
      count(kind);
      if (isTold) return;
      write(`${server} gave no usable answer: ${reason}`);
      faultsSince ??= now();
      if (hasWarned || now() - faultsSince < WARN_AFTER_MS) return;
      hasWarned = true;
      log.warning(
        `${server} has given no usable answer for ${seconds(now() - faultsSince)}, and is asked on until the time is over: ${reason}. ${hint}`,
      );
    },
    tally() {
      return [...counts].map(([kind, count]) => `${count} ${kind}`).join(', ') || 'none';
    },
  };
}

/** Right-aligned, so that lines stand below each other: `+  5.1 s  `. */
function formatElapsed(ms: number): string {
  return `+${seconds(ms).padStart(7)}  `;
}
