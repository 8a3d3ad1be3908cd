import { minutes, seconds } from './clock.ts';

/** The log. One module writes it; everything else is passed one of these. */
export interface Log {
  info(line: string): void;
  debug(line: string): void;
  warning(line: string): void;
}

/**
 * The log of one VM among many: each line begins with the VM's name.
 * @param isQuiet while it returns true, info lines go to the debug log: hundreds of VMs are read before the first is restarted.
 */
export function createVmLog(log: Log, name: string, isQuiet: () => boolean = () => false): Log {
  const named = (line: string) => `${name}: ${line}`;
  return {
    info: (line) => (isQuiet() ? log.debug : log.info)(named(line)),
    debug: (line) => log.debug(named(line)),
    warning: (line) => log.warning(named(line)),
  };
}

/** An attempt that got no usable answer. */
export interface FailedAttempt {
  /** For counting, from a small set, e.g. `HTTP 502`. */
  readonly kind: string;
  /** For the log. */
  readonly reason: string;
  /** What can be done about it. */
  readonly hint: string;
  /** The log already has it: it is only counted. */
  readonly isLogged?: boolean;
  /** How much longer it is retried, in milliseconds; 0 if it is not, undefined if unknown. */
  readonly leftMs?: number | undefined;
}

/** The observations while waiting: logged when they change, and counted to explain a timeout. */
export interface ProgressLog {
  /** @param kind for counting, from a small set; @param text for the log. */
  note(kind: string, text: string, manner?: Manner): void;
  /** Counts and logs an attempt that got no usable answer. Warns once if there were only faults for a while. */
  readonly fault: (fault: FailedAttempt) => void;
  /** Notes a usable answer that needs no log line. */
  answered(): void;
  /** e.g. `8 waiting for start_date, 2 HTTP 502`; `none` if nothing was noted. */
  tally(): string;
}

/** How a line is written. */
export interface Manner {
  /** Added to the line but ignored when deciding whether the line changed, such as the time left. */
  readonly rest?: string;
  /** Goes to the debug log. */
  readonly isDetail?: boolean;
}

/** Repeat an unchanged message after this long, in milliseconds. */
const LONGEST_SILENCE_MS = 30_000;
/** Warn after this long with nothing but failed attempts, in milliseconds. */
const WARN_AFTER_MS = 30_000;

export interface ProgressLogOptions {
  readonly log: Log;
  readonly now: () => number;
  /** When the restart was sent: each line begins with the time since. Undefined before that. */
  readonly sentAt: number | undefined;
  /** The name of the server. */
  readonly server?: string;
  /** What the requests are about, if there are several such things. */
  readonly about?: string;
}

export function createProgressLog({
  log,
  now,
  sentAt,
  server = 'The controller',
  about,
}: ProgressLogOptions): ProgressLog {
  const usableAnswer = about === undefined ? 'no usable answer' : `no usable answer about ${about}`;
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
    fault({ kind, reason, hint, isLogged = false, leftMs }) {
      count(kind);
      if (isLogged) return;
      write(`${server} gave ${usableAnswer}: ${reason}`);
      faultsSince ??= now();
      if (hasWarned || leftMs === 0 || now() - faultsSince < WARN_AFTER_MS) return;
      hasWarned = true;
      log.warning(
        `${server} has given ${usableAnswer} for ${seconds(now() - faultsSince)}: ${reason}. Still retrying${givesUpIn(leftMs)}. ${hint}`,
      );
    },
    tally() {
      return [...counts].map(([kind, count]) => `${count} ${kind}`).join(', ') || 'none';
    },
  };
}

function givesUpIn(leftMs: number | undefined): string {
  return leftMs === undefined ? '' : `, gives up in ${minutes(leftMs)}`;
}

/** Right-aligned, so that the lines align: `+  5.1 s  `. */
function formatElapsed(ms: number): string {
  return `+${seconds(ms).padStart(7)}  `;
}
