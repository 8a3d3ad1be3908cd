import { arrivalOf, type ReportTiming } from './report-timing.ts';

// When to poll the VM. With `auto`:
//
// 1. There is about one poll per second. Heartbeats are whole seconds apart, so reports come in the same part of each second.
//    A poll just after that part shows a new report at once.
// 2. While that part is not known well enough, polls serve to learn it (report-timing.ts). Such a poll is made when the header
//    Date would turn to a new second if the middle of the open range were right. The answer rules out one half.
// 3. If a report is due before such a poll, the poll is made at the end of the open range instead: it shows the report.
// 4. If there is nothing to learn from, polls are a second apart. After minutes without a report they become less frequent.
//
// If reports come irregularly, polls are still about a second apart. None of this affects the verdict: it applies the same rules to
// the answers, whenever they come.

/** `auto`, or a fixed time between two polls in milliseconds, or a function that draws such a time for each. */
export type PollInterval = 'auto' | number | (() => number);

/** Moments are milliseconds on the clock's scale. */
export interface Progress {
  readonly sentAt: number;
  /** When the last poll began; at first, when the restart was sent. */
  readonly lastPollAt: number;
  readonly timing: ReportTiming;
}

/** When to poll next, on the clock's scale. Pure. poll.ts applies the deadline. */
export function nextPollAt(pollInterval: PollInterval, progress: Progress): number {
  return pollInterval === 'auto' ? nextInStep(progress) : progress.lastPollAt + pauseOf(pollInterval);
}

function pauseOf(pollInterval: number | (() => number)): number {
  return typeof pollInterval === 'number' ? pollInterval : pollInterval();
}

const SECOND_MS = 1_000;
const SHORTEST_PAUSE_MS = 300;
/** A poll may reach the controller a little sooner than usual. */
const ARRIVAL_MARGIN_MS = 10;
/** If the open range is no longer than this, another poll for learning would gain nothing. */
const WELL_KNOWN_MS = 50;

/** Moments in here are when the answer arrives; the poll starts earlier by the time that it takes. */
function nextInStep({ sentAt, lastPollAt, timing }: Progress): number {
  const { tripMs, aheadMs, gapMs } = timing;
  const arrival = arrivalOf(timing);
  const silentMs = lastPollAt - Math.max(sentAt, arrival?.to ?? sentAt);
  if (arrival === undefined) return lastPollAt + SECOND_MS + calmMs(silentMs);

  const earliest = lastPollAt + SHORTEST_PAUSE_MS + calmMs(silentMs) + tripMs;
  const isKnown = arrival.to - arrival.from <= WELL_KNOWN_MS;
  const due = { at: arrival.to + ARRIVAL_MARGIN_MS, everyMs: isKnown ? SECOND_MS : gapMs };
  const dueAt = firstFrom(earliest, due);
  const middleAt = firstFrom(earliest, { at: (aheadMs.from + aheadMs.to) / 2, everyMs: SECOND_MS });
  const isForLearning = !isKnown && middleAt + SHORTEST_PAUSE_MS <= dueAt;
  return (isForLearning ? middleAt : dueAt) - tripMs;
}

/** Something that happens at regular intervals, for example at this moment. */
interface Recurring {
  readonly at: number;
  readonly everyMs: number;
}

function firstFrom(earliest: number, { at, everyMs }: Recurring): number {
  return at + Math.ceil((earliest - at) / everyMs) * everyMs;
}

const MINUTE_MS = 60_000;
const MOST_CALM_MS = 4_000;

/** How much longer pauses are after a silence: by a second after two minutes, by two after three, and so on. */
function calmMs(silentMs: number): number {
  return Math.min(MOST_CALM_MS, Math.max(0, Math.floor(silentMs / MINUTE_MS) - 1) * SECOND_MS);
}
