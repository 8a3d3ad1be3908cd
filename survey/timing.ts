import type { Instance } from '../src/controller/instance.ts';
import { type Instant, millisecondsBetween } from '../src/dates.ts';
import { isOlder } from '../src/restart/ordering.ts';
import { type Exchange, groupObservations, median, type Observation } from './recorder.ts';

/** The timing of the reports from one node's agent, in milliseconds. */
export interface Heartbeat {
  /** The number of different reports. */
  readonly reports: number;
  /** The usual time from one to the next; undefined with fewer than two. */
  readonly periodMs: number | undefined;
  readonly shortestMs: number | undefined;
  readonly longestMs: number | undefined;
  /** How far off each can be, as a share of the period; undefined with too few reports. */
  readonly jitter: number | undefined;
  /** Expected reports that the survey did not see. */
  readonly missed: number;
  /** Early reports, outside the heartbeat. */
  readonly extra: number;
  /** Whose dates count: the agent's, or the controller's if those are missing. */
  readonly by: 'timestamp' | 'ts';
}

/** A gap this many times as long as usual means a missing report; a gap this short means an early report. */
const MISSED = 1.75;
const EXTRA = 0.4;
/** How many gaps it takes to estimate the jitter. */
const FEWEST_GAPS = 4;
const MANY_GAPS = 8;

/** For each node, by its ID. All VMs of a node are in the same reports: the VM that the survey saw most often counts. */
export function heartbeatsOf(observations: readonly Observation[]): Map<string, Heartbeat> {
  const nodes = groupObservations(observations, ({ nodeId }) => nodeId);
  return new Map([...nodes].map(([nodeId, group]) => [nodeId, heartbeatOf(group)]));
}

function heartbeatOf(observations: readonly Observation[]): Heartbeat {
  const hasTimestamps = observations.some(({ instance }) => instance.reportedAt !== undefined);
  const by = hasTimestamps ? 'timestamp' : 'ts';
  const instances = groupObservations(observations, ({ instanceId }) => instanceId);
  const dates = [...instances.values()].map((group) =>
    datesOf(group.map(({ instance }) => (hasTimestamps ? instance.reportedAt : instance.updatedAt))),
  );
  const longest = dates.reduce((most, one) => (one.length > most.length ? one : most), []);
  return { ...describeGaps(gapsBetween(longest)), reports: longest.length, by };
}

/** In order, each once, in milliseconds: answers that are older than an earlier one add nothing. */
function datesOf(instants: readonly (Instant | undefined)[]): number[] {
  const all = instants.flatMap((instant) =>
    instant === undefined ? [] : [Number(instant.epochNanoseconds / 1_000n) / 1_000],
  );
  return [...new Set(all)].sort((a, b) => a - b);
}

function gapsBetween(dates: readonly number[]): number[] {
  return dates.slice(1).map((date, index) => date - (dates[index] ?? date));
}

function describeGaps(gaps: readonly number[]): Omit<Heartbeat, 'reports' | 'by'> {
  const usual = median(gaps);
  if (usual === undefined)
    return {
      periodMs: undefined,
      shortestMs: undefined,
      longestMs: undefined,
      jitter: undefined,
      missed: 0,
      extra: 0,
    };
  const regular = gaps.filter((gap) => gap >= EXTRA * usual && gap <= MISSED * usual);
  const missed = gaps.filter((gap) => gap > MISSED * usual);
  const periodMs = regular.reduce((sum, gap) => sum + gap, 0) / regular.length;
  return {
    periodMs,
    shortestMs: Math.min(...gaps),
    longestMs: Math.max(...gaps),
    jitter: jitterOf(regular, periodMs),
    missed: missed.reduce((sum, gap) => sum + Math.round(gap / usual) - 1, 0),
    extra: gaps.filter((gap) => gap < EXTRA * usual).length,
  };
}

/**
 * A few samples of evenly spread numbers cover less than the full range; the result corrects for that. With many samples, it ignores the
 * shortest and the longest, so that one unusual report cannot decide the result.
 */
function jitterOf(gaps: readonly number[], periodMs: number): number | undefined {
  if (gaps.length < FEWEST_GAPS) return undefined;
  const leftOut = gaps.length < MANY_GAPS ? 0 : 1;
  const sorted = [...gaps].sort((a, b) => a - b).slice(leftOut, gaps.length - leftOut);
  const halfRange = ((sorted.at(-1) ?? 0) - (sorted[0] ?? 0)) / 2;
  return (halfRange / periodMs) * ((gaps.length + 1) / (sorted.length - 1));
}

/** In milliseconds: how far one clock is ahead of another (negative: behind), and the possible error. */
export interface ClockOffset {
  readonly aheadMs: number;
  readonly giveOrTakeMs: number;
}

const SECOND_MS = 1_000;

/**
 * How far the controller's clock is ahead of this machine's. The header Date is truncated to whole seconds, and the controller writes it
 * between the request and the arrival of the answer. So each answer gives a range, and the result is the intersection of all ranges.
 * @returns undefined if there is no such header, or if the ranges do not overlap (several clocks).
 */
export function controllerOffset(
  exchanges: readonly Exchange[],
  epochAtZeroMs: number,
): ClockOffset | undefined {
  const spans = exchanges.flatMap(({ answer, askedAt, answeredAt }) => {
    if (answer?.dateMs === undefined) return [];
    const [asked, answered] = [askedAt + epochAtZeroMs, answeredAt + epochAtZeroMs];
    return [{ from: answer.dateMs - answered, to: answer.dateMs + SECOND_MS - asked }];
  });
  if (spans.length === 0) return undefined;
  const from = spans.reduce((most, span) => Math.max(most, span.from), Number.NEGATIVE_INFINITY);
  const to = spans.reduce((least, span) => Math.min(least, span.to), Number.POSITIVE_INFINITY);
  if (from > to + SECOND_MS) return undefined;
  return { aheadMs: (from + to) / 2, giveOrTakeMs: Math.abs(to - from) / 2 };
}

/**
 * How far each node's clock is ahead of the controller's, by the node's ID. A report has the node's time, and the controller's time of its
 * arrival: the fastest report counts. Its travel time is unknown: the clock may be that much further ahead.
 */
export function nodeOffsets(observations: readonly Observation[]): Map<string, ClockOffset> {
  const offsets = new Map<string, ClockOffset>();
  for (const [nodeId, group] of groupObservations(observations, ({ nodeId: id }) => id)) {
    const leads = group.flatMap(({ instance }) => leadOf(instance));
    if (leads.length === 0) continue;
    const [aheadMs, least] = [Math.max(...leads), Math.min(...leads)];
    offsets.set(nodeId, { aheadMs, giveOrTakeMs: aheadMs - least });
  }
  return offsets;
}

function leadOf({ reportedAt, updatedAt }: Instance): number[] {
  return reportedAt === undefined || updatedAt === undefined
    ? []
    : [millisecondsBetween(updatedAt, reportedAt)];
}

/** What stale answers (older than an earlier one) reveal about the controller's replicas. */
export interface ReplicaFacts {
  readonly answers: number;
  /** Answers that were older than one before them; and how many of those came over new connections. */
  readonly stepsBack: number;
  readonly stepsBackOnNewConnections: number;
  /** The number of replicas that take turns; otherwise two, if any answer was stale. */
  readonly atLeast: number;
  /** After this many requests the same replica answers again; undefined if the replicas do not take turns. */
  readonly inTurn: number | undefined;
  /** In milliseconds: how long after the survey saw a newer report an answer still lacked it. */
  readonly lagMs: number | undefined;
}

export function replicasOf(observations: readonly Observation[]): ReplicaFacts {
  const histories = [...groupObservations(observations, ({ instanceId }) => instanceId).values()];
  const stale = histories.flatMap(outdatedIn);
  const inTurn = commonTurn(histories.flatMap(burstsIn).filter(stepsBack));
  const lags = stale.map(({ lagMs }) => lagMs);
  return {
    answers: observations.length,
    stepsBack: stale.length,
    stepsBackOnNewConnections: stale.filter(({ series }) => series.startsWith('new')).length,
    atLeast: inTurn ?? (stale.length > 0 ? 2 : 1),
    inTurn,
    lagMs: lags.length === 0 ? undefined : Math.max(...lags),
  };
}

interface Outdated {
  readonly series: string;
  readonly lagMs: number;
}

/** The stale answers about one instance, and for how long the survey had already known the next report. */
function outdatedIn(history: readonly Observation[]): Outdated[] {
  const reports: { readonly observation: Observation }[] = [];
  const outdated: Outdated[] = [];
  for (const observation of history) {
    const newer = reports.find(({ observation: known }) => isOlder(observation.instance, known.instance));
    const isConcurrent = newer !== undefined && observation.askedAt < newer.observation.answeredAt;
    if (newer !== undefined && !isConcurrent)
      outdated.push({
        series: observation.series,
        lagMs: observation.askedAt - newer.observation.answeredAt,
      });
    const last = reports.at(-1);
    if (last === undefined || isOlder(last.observation.instance, observation.instance))
      reports.push({ observation });
  }
  return outdated;
}

/** For each burst of requests in a row: when the reports about one instance were made. */
function burstsIn(history: readonly Observation[]): bigint[][] {
  const bursts = new Map<string, bigint[]>();
  for (const { series, instance } of history) {
    const report = instance.reportedAt ?? instance.updatedAt;
    if (!/\d/.test(series) || report === undefined) continue;
    bursts.set(series, [...(bursts.get(series) ?? []), report.epochNanoseconds]);
  }
  return [...bursts.values()];
}

/** Whether an older report follows a newer one. If reports only get newer, a new one arrived during the burst. */
function stepsBack(burst: readonly bigint[]): boolean {
  return burst.some((report, index) => index > 0 && report < (burst[index - 1] ?? report));
}

/** The number of turns that at least half of the bursts show: a new report may have arrived during the others. */
function commonTurn(bursts: readonly bigint[][]): number | undefined {
  const turns = bursts.flatMap((burst) => turnOf(burst) ?? []);
  const times = (turn: number) => turns.filter((other) => other === turn).length;
  const [common] = [...new Set(turns)].sort((a, b) => times(b) - times(a));
  return common !== undefined && 2 * times(common) >= bursts.length ? common : undefined;
}

/** After how many answers a burst repeats itself; undefined unless it does so at least twice. */
function turnOf(burst: readonly bigint[]): number | undefined {
  for (let turn = 2; turn * 2 <= burst.length; turn++) {
    if (burst.every((report, index) => index < turn || report === burst[index - turn])) return turn;
  }
  return undefined;
}
