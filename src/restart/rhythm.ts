import type { Instance } from '../controller/instance.ts';
import { compareInstants, type Instant } from '../instant.ts';
import { isOlder } from './ordering.ts';

/** From one moment to another, in milliseconds. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** One answer, as far as it tells when reports come; moments are milliseconds on the clock's scale. */
export interface Observation {
  readonly lookedAt: number;
  readonly answeredAt: number;
  /** Undefined where the controller does not list it. */
  readonly instance: Instance | undefined;
}

/**
 * What is known of when reports come. Nobody's dates are taken for the time of day: those of reports tell how far these are
 * apart; when one becomes visible is told by the looks that did not show it yet and those that did, and by what HTTP Date
 * said meanwhile. All moments are on the clock's scale.
 */
export interface Rhythm {
  /** The quickest look so far, there and back; 0 before the first. */
  readonly tripMs: number;
  /** When the last look began whose answer was not older than one before. */
  readonly lookedAt: number;
  /** When that answer was made. */
  readonly seen: Span;
  /** The newest report. */
  readonly newest: Instance | undefined;
  /** How far the clock is ahead of the dates of reports as these become visible. */
  readonly aheadMs: Span;
  /** HTTP Date goes by the same clock as the dates of reports, as far as seen. */
  readonly trustsDates: boolean;
  /** Times between two reports, one after the other, the newest last. */
  readonly gapsMs: readonly number[];
  /** Some replicas lag behind. */
  readonly hasLaggards: boolean;
}

const EVER: Span = { from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY };
const MOST_GAPS = 4;
const SECOND_MS = 1_000;

/** What is known before the first look. */
export const NO_RHYTHM: Rhythm = {
  tripMs: 0,
  lookedAt: EVER.from,
  seen: EVER,
  newest: undefined,
  aheadMs: EVER,
  trustsDates: true,
  gapsMs: [],
  hasLaggards: false,
};

/** What an answer adds to what is known. Pure. */
export function learn(before: Rhythm, observation: Observation): Rhythm {
  const { lookedAt, answeredAt, instance } = observation;
  const tookMs = answeredAt - lookedAt;
  const isFirst = before.tripMs === 0;
  const tripMs = isFirst ? tookMs : Math.min(before.tripMs, tookMs);
  const rhythm = { ...before, tripMs };
  if (instance === undefined) return rhythm;
  if (before.newest !== undefined && isOlder(instance, before.newest))
    return { ...rhythm, hasLaggards: true };
  // The first look may have had to connect: all that is sure is that the answer was made in between.
  const seen = isFirst ? { from: lookedAt, to: answeredAt } : middleOf(observation, tripMs);
  return { ...withReport(withDate(rhythm, { instance, seen }), { instance, seen }), lookedAt, seen };
}

/** A look takes half a trip there and half a trip back, give or take a quarter. */
function middleOf({ lookedAt, answeredAt }: Observation, tripMs: number): Span {
  const from = Math.max(lookedAt, answeredAt - (3 / 4) * tripMs);
  return { from, to: answeredAt - tripMs / 4 };
}

interface Shown {
  readonly instance: Instance;
  readonly seen: Span;
}

/** A date of whole seconds leaves a second open; a look on either side of its turn leaves half of that, and so on. */
function withDate(rhythm: Rhythm, { instance: { answeredAtMs }, seen }: Shown): Rhythm {
  if (answeredAtMs === undefined || !rhythm.trustsDates) return rhythm;
  const toldMs = { from: seen.from - answeredAtMs - SECOND_MS, to: seen.to - answeredAtMs };
  const aheadMs = overlap(rhythm.aheadMs, toldMs);
  return aheadMs === undefined ? { ...rhythm, trustsDates: false } : { ...rhythm, aheadMs };
}

/** A new report became visible after the answer before was made, and before this one was. */
function withReport(rhythm: Rhythm, { instance, seen }: Shown): Rhythm {
  const { newest, hasLaggards, aheadMs, gapsMs } = rhythm;
  const madeAtMs = dateOf(instance);
  if (madeAtMs === undefined || (newest !== undefined && !isAnother(instance, newest))) return rhythm;
  // A replica that lags behind may not have heard of it when it gave the answer before.
  const from = newest === undefined || hasLaggards ? EVER.from : rhythm.seen.from - madeAtMs;
  const toldMs = { from, to: seen.to - madeAtMs };
  const narrowed = overlap(aheadMs, toldMs);
  const gapMs = madeAtMs - (newest === undefined ? madeAtMs : (dateOf(newest) ?? madeAtMs));
  return {
    ...rhythm,
    newest: instance,
    aheadMs: narrowed ?? hull(aheadMs, toldMs),
    trustsDates: rhythm.trustsDates && narrowed !== undefined,
    gapsMs: gapMs > 0 ? [...gapsMs, gapMs].slice(-MOST_GAPS) : gapsMs,
  };
}

/** When the newest report became visible; undefined where nobody can tell yet, within a second and a half. */
export function arrivalOf({ newest, aheadMs }: Rhythm): Span | undefined {
  const madeAtMs = newest && dateOf(newest);
  if (madeAtMs === undefined || aheadMs.to - aheadMs.from > WIDEST_MS) return undefined;
  return { from: madeAtMs + aheadMs.from, to: madeAtMs + aheadMs.to };
}

const WIDEST_MS = 1_500;

/** The controller may touch a record without a new report of the node. */
function isAnother(a: Instance, b: Instance): boolean {
  if (a.reportedAt !== undefined && b.reportedAt !== undefined)
    return compareInstants(a.reportedAt, b.reportedAt) !== 0;
  return dateOf(a) !== dateOf(b);
}

/** The controller's clock, or else the node's. */
function dateOf({ updatedAt, reportedAt }: Instance): number | undefined {
  const date: Instant | undefined = updatedAt ?? reportedAt;
  return date && Number(date.epochNanoseconds / 1_000n) / 1_000;
}

function overlap(a: Span, b: Span): Span | undefined {
  const span = { from: Math.max(a.from, b.from), to: Math.min(a.to, b.to) };
  return span.from <= span.to ? span : undefined;
}

function hull(a: Span, b: Span): Span {
  return { from: Math.min(a.from, b.from), to: Math.max(a.to, b.to) };
}

// ---- the next report ----

/** How long after a report the next one is expected. */
export interface Expected {
  /** As the clock would have it. */
  readonly likelyMs: Span;
  /** As far off as it may well be; the same where the agent is known to be on time. */
  readonly possibleMs: Span;
}

/** What agents do unless somebody changes `status-heartbeat-time`, which is a number of seconds. */
const USUAL_MS = 5_000;
/** How early or late they may be: a share. */
const USUAL_JITTER = 0.2;

export function expectNext({ gapsMs }: Rhythm): Expected {
  const even = gapsMs.length === 0 ? undefined : evenBeat(gapsMs);
  if (even !== undefined) return { likelyMs: even, possibleMs: even };
  const lastMs = gapsMs.at(-1) ?? USUAL_MS;
  const all = [USUAL_MS, ...gapsMs];
  return {
    likelyMs: { from: lastMs, to: lastMs },
    possibleMs: { from: Math.min(...all) * (1 - USUAL_JITTER), to: Math.max(...all) * (1 + USUAL_JITTER) },
  };
}

/** The beat of an agent that keeps it, of which some reports may have been missed; undefined for one that does not. */
function evenBeat(gapsMs: readonly number[]): Span | undefined {
  const shortestMs = Math.min(...gapsMs);
  const steadyMs = gapsMs.length > 1 || isMultiple(shortestMs, SECOND_MS) ? [shortestMs] : [];
  // Quicker than usual: each second, as a report may have been missed between two looks.
  const candidates = [USUAL_MS, ...(shortestMs < USUAL_MS ? [SECOND_MS] : []), ...steadyMs];
  const beatMs = candidates.find((candidateMs) => gapsMs.every((gapMs) => isMultiple(gapMs, candidateMs)));
  if (beatMs === undefined) return undefined;
  const beatsMs = gapsMs.map((gapMs) => gapMs / Math.round(gapMs / beatMs));
  return { from: Math.min(...beatsMs), to: Math.max(...beatsMs) };
}

const EVEN = 0.01;

function isMultiple(ms: number, ofMs: number): boolean {
  const times = Math.round(ms / ofMs);
  return times >= 1 && Math.abs(ms - times * ofMs) < EVEN * ofMs;
}
