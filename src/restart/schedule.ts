import { arrivalOf, type Expected, expectNext, type Rhythm, type Span } from './rhythm.ts';

/** `auto`, or a fixed time between two looks in milliseconds, or what draws such a time for each. */
export type PollInterval = 'auto' | number | (() => number);

/** Moments are milliseconds on the clock's scale. */
export interface Progress {
  readonly sentAt: number;
  /** When the last look began; at first, when the restart had been sent. */
  readonly lastLookAt: number;
  /** Looks since the restart was sent. */
  readonly looks: number;
  readonly deadline: number;
  readonly rhythm: Rhythm;
}

/** A look this short before the deadline might be cut off by it: the one at the deadline is worth more. */
const SHORTEST_LOOK_MS = 500;

/** When to look next, on the clock's scale; never after the deadline, where the last look is due. Pure. */
export function nextLookAt(pollInterval: PollInterval, progress: Progress): number {
  const { lastLookAt, deadline } = progress;
  const lookAt = pollInterval === 'auto' ? nextInRhythm(progress) : lastLookAt + pauseOf(pollInterval);
  return lookAt + SHORTEST_LOOK_MS > deadline ? deadline : lookAt;
}

function pauseOf(pollInterval: number | (() => number)): number {
  return typeof pollInterval === 'number' ? pollInterval : pollInterval();
}

// ---- auto ----

const SECOND_MS = 1_000;
/** Five looks a second are the most. */
const SHORTEST_PAUSE_MS = 200;
/** To stop a VM and to start it takes about a second each: no report proves a restart sooner. Until then looks are for learning. */
const QUIET_MS = 2_000;
/** After sending: when agents that report right after the deed have done so, if all goes as usual. */
const EARLY_LOOK_MS = 2_600;
/** As good: a look that teaches something, too. */
const EARLY_ENOUGH_MS: Span = { from: 2_300, to: 2_950 };
const EARLY_UNTIL_MS = 2_500;
/** Where nothing is expected; and where there is something to learn, which waits for a moment of its own. */
const IDLE_PAUSE_MS = 2_000;
const LEARNING_PAUSE_MS = 700;
/** Timers are late by a little. */
const MARGIN_MS = 5;
/** A look so soon after the moment that counts was the one that was made for it. */
const JUST_MS = 20;
/** What is left over at the end of the time in which a report is possible: few come there. */
const SPARED_MS = 200;
/** How well the moment of a report has to be known, where it may be early or late anyway, and where it is on time. */
const COARSE_MS = 130;
const FINE_MS = 50;

/**
 * There are as many looks as seconds, and no more: what is not spent where no report can come is spent around the moment where
 * one is expected. So the next look is at the first occasion that leaves one for that moment.
 */
function nextInRhythm(progress: Progress): number {
  const { lastLookAt, sentAt, looks, rhythm } = progress;
  const earliest = Math.max(lastLookAt + SHORTEST_PAUSE_MS, sentAt + looks * SECOND_MS + 1);
  const arrival = arrivalOf(rhythm);
  if (arrival === undefined) return Math.max(earliest, lastLookAt + calmPauseMs(lastLookAt - sentAt));
  const plan = planFor(progress, { arrival, earliest });
  const occasions = [
    whenExpected(plan),
    whenSurprised(plan),
    whenOverdue(plan),
    whenEarly(plan),
    whenIdle(plan),
  ];
  return Math.max(earliest, Math.min(...occasions.filter((at) => at !== undefined)) - plan.thereMs);
}

/** What the next look is chosen by. Moments are those when a look is with the controller. */
interface Plan {
  /** From here to the controller. */
  readonly thereMs: number;
  readonly now: number;
  readonly sentAt: number;
  readonly lastAt: number;
  /** When the last look was there that was not answered by a replica that lags behind. */
  readonly freshAt: number;
  readonly looks: number;
  readonly rhythm: Rhythm;
  /** Of the newest report. */
  readonly arrival: Span;
  readonly expected: Expected;
  /** When the next report is most likely to come, of those that count; a look at its end shows it. */
  readonly beat: Span;
  /** When the next report may come at all. */
  readonly range: Span;
  /** A better idea of when reports come is to be had, and of use. */
  readonly isLearning: boolean;
}

interface Start {
  readonly arrival: Span;
  readonly earliest: number;
}

function planFor({ rhythm, sentAt, lastLookAt, looks }: Progress, { arrival, earliest }: Start): Plan {
  const thereMs = rhythm.tripMs / 2;
  const expected = expectNext(rhythm);
  const freshAt = rhythm.lookedAt + thereMs;
  const quietUntil = sentAt + QUIET_MS + thereMs;
  const { likelyMs, possibleMs } = expected;
  // Hardly any report comes at the very end of a long time.
  const marginMs = arrival.to - arrival.from > COARSE_MS ? 0 : MARGIN_MS;
  const beats = Math.max(
    1,
    Math.ceil((freshAt + 1 - marginMs - arrival.to) / likelyMs.to),
    Math.ceil((quietUntil - (arrival.from + arrival.to) / 2) / likelyMs.from),
  );
  return {
    ...{ thereMs, sentAt, looks, rhythm, arrival, expected, freshAt },
    now: earliest + thereMs,
    lastAt: lastLookAt + thereMs,
    beat: { from: arrival.from + beats * likelyMs.from, to: arrival.to + beats * likelyMs.to + marginMs },
    range: { from: arrival.from + possibleMs.from, to: arrival.to + possibleMs.to },
    isLearning: rhythm.trustsDates && arrival.to - arrival.from > FINE_MS + thereMs,
  };
}

/** Looks that may still be made until then. */
function looksBy({ thereMs, sentAt, looks }: Plan, at: number): number {
  return Math.floor((at - thereMs - sentAt) / SECOND_MS) + 1 - looks;
}

/** A look then leaves one for the moment that counts; two where the first may meet a replica that lags behind. */
function isFree(plan: Plan, at: number): boolean {
  return at >= plan.beat.to || looksBy(plan, plan.beat.from) > (plan.rhythm.hasLaggards ? 2 : 1);
}

function isOnTime({ expected: { likelyMs, possibleMs } }: Plan): boolean {
  return likelyMs === possibleMs;
}

/** Around the next report: at the end of the likely moment, or evenly over all that is possible. */
function whenExpected(plan: Plan): number | undefined {
  const { beat, range, now, lastAt } = plan;
  if (isOnTime(plan) || now > range.to) {
    const paceMs = paceOf(beat.to - beat.from, looksBy(plan, beat.to));
    return Math.min(beat.to, Math.max(beat.from, lastAt) + paceMs);
  }
  const from = Math.max(plan.sentAt + QUIET_MS + plan.thereMs, range.from, lastAt);
  const paceMs = paceOf(range.to - from, looksBy(plan, range.to - SPARED_MS));
  const at = Math.max(now, from + paceMs);
  const takesBeat = beat.to > now && (beat.to < at + paceMs / 2 || !isFree(plan, at));
  return takesBeat ? beat.to : at;
}

function paceOf(ms: number, looks: number): number {
  return Math.max(SHORTEST_PAUSE_MS, ms / Math.max(1, looks));
}

/** The report did not come when it was due: it may be a little late. */
function whenSurprised(plan: Plan): number | undefined {
  const { freshAt, lastAt, arrival, expected, range, rhythm } = plan;
  const sinceMs = freshAt + 1 - MARGIN_MS - arrival.to;
  const isDue = sinceMs > expected.likelyMs.from && sinceMs % expected.likelyMs.to < JUST_MS;
  const isEven = rhythm.gapsMs.length === 0 ? looksBy(plan, range.to - SPARED_MS) > 1 : isOnTime(plan);
  const at = lastAt + SHORTEST_PAUSE_MS;
  return isDue && isEven && isFree(plan, at) ? at : undefined;
}

/** No report came: on in whole seconds from the last one, as heartbeats are set in seconds; and calmer after a minute. */
function whenOverdue(plan: Plan): number | undefined {
  const { now, lastAt, arrival, range, isLearning } = plan;
  if (now <= range.to || isLearning) return undefined;
  const from = Math.max(now, lastAt + calmPauseMs(now - arrival.to) - SHORTEST_PAUSE_MS);
  const seconds = Math.ceil((from - arrival.to - MARGIN_MS) / SECOND_MS);
  const at = arrival.to + seconds * SECOND_MS + MARGIN_MS;
  return isFree(plan, at) ? at : undefined;
}

const MINUTE_MS = 60_000;
const MOST_CALM_SECONDS = 5;

function calmPauseMs(silentMs: number): number {
  return Math.min(MOST_CALM_SECONDS, Math.max(1, Math.floor(silentMs / MINUTE_MS))) * SECOND_MS;
}

/** Some agents report a task as soon as it is done. */
function whenEarly(plan: Plan): number | undefined {
  const { sentAt, thereMs, freshAt, now, expected } = plan;
  // A beat as quick as that shows it as well.
  if (freshAt >= sentAt + EARLY_UNTIL_MS || expected.likelyMs.to < 1.5 * SECOND_MS) return undefined;
  const turnAt = nextTurn(plan, sentAt + EARLY_ENOUGH_MS.from);
  const at = turnAt < sentAt + EARLY_ENOUGH_MS.to ? turnAt : sentAt + EARLY_LOOK_MS + thereMs;
  return isFree(plan, at) ? Math.max(now, at) : undefined;
}

/** Where nothing is expected: now and then, and as often as there is something to learn. */
function whenIdle(plan: Plan): number | undefined {
  const { now, sentAt, thereMs, lastAt, arrival, range, isLearning } = plan;
  const isQuiet = now < sentAt + QUIET_MS + thereMs;
  const isOver = now > range.to;
  if (isOver && !isLearning) return undefined;
  const isEager = isLearning && (isOnTime(plan) || isOver || arrival.to - arrival.from > COARSE_MS + thereMs);
  const calmMs = isEager ? LEARNING_PAUSE_MS : IDLE_PAUSE_MS;
  const pauseMs = isQuiet && isLearning ? 0 : calmMs;
  const notBefore = isQuiet ? now : Math.max(now, sentAt + EARLY_ENOUGH_MS.from);
  const at = nextTurn(plan, Math.max(notBefore, lastAt + pauseMs));
  const isFit = isQuiet ? at < sentAt + QUIET_MS : isOnTime(plan) || isOver || at < range.from;
  return isFit && isFree(plan, at) ? at : undefined;
}

/** When to look for HTTP Date to tell most: where, by what is known, its second may just have turned or not. */
function nextTurn({ isLearning, rhythm: { aheadMs } }: Plan, from: number): number {
  if (!isLearning) return from;
  const middle = (aheadMs.from + aheadMs.to) / 2;
  return middle + Math.ceil((from - middle) / SECOND_MS) * SECOND_MS;
}
