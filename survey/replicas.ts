import { isOlder } from '../src/restart/ordering.ts';
import { groupSightings, type Sighting } from './sightings.ts';

/** What answers that step back tell of the controller's replicas. */
export interface ReplicaFacts {
  readonly answers: number;
  /** Answers that were older than one before them; over connections of their own, of how many of those. */
  readonly stepsBack: number;
  readonly stepsBackOnNewConnections: number;
  /** As many as take turns; else two, if any answer stepped back. */
  readonly atLeast: number;
  /** After so many questions the same replica has its turn again; undefined where no such turns were seen. */
  readonly inTurn: number | undefined;
  /** So long after a newer report was seen an answer still lacked it: in milliseconds. */
  readonly lagMs: number | undefined;
}

export function replicasOf(sightings: readonly Sighting[]): ReplicaFacts {
  const histories = [...groupSightings(sightings, ({ instanceId }) => instanceId).values()];
  const stale = histories.flatMap(outdatedIn);
  const inTurn = commonTurn(histories.flatMap(burstsIn).filter(stepsBack));
  const lags = stale.map(({ lagMs }) => lagMs);
  return {
    answers: sightings.length,
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

/** The answers about one instance that were older than one before, and for how long the next report had been seen elsewhere by then. */
function outdatedIn(history: readonly Sighting[]): Outdated[] {
  const reports: { readonly sighting: Sighting }[] = [];
  const outdated: Outdated[] = [];
  for (const sighting of history) {
    const newer = reports.find(({ sighting: known }) => isOlder(sighting.instance, known.instance));
    const isConcurrent = newer !== undefined && sighting.askedAt < newer.sighting.answeredAt;
    if (newer !== undefined && !isConcurrent)
      outdated.push({ series: sighting.series, lagMs: sighting.askedAt - newer.sighting.answeredAt });
    const last = reports.at(-1);
    if (last === undefined || isOlder(last.sighting.instance, sighting.instance)) reports.push({ sighting });
  }
  return outdated;
}

/** What each burst of questions in a row told of one instance: when the reports were made. */
function burstsIn(history: readonly Sighting[]): bigint[][] {
  const bursts = new Map<string, bigint[]>();
  for (const { series, instance } of history) {
    const report = instance.reportedAt ?? instance.updatedAt;
    if (!/\d/.test(series) || report === undefined) continue;
    bursts.set(series, [...(bursts.get(series) ?? []), report.epochNanoseconds]);
  }
  return [...bursts.values()];
}

/** One that only goes forward has met a new report. */
function stepsBack(burst: readonly bigint[]): boolean {
  return burst.some((report, index) => index > 0 && report < (burst[index - 1] ?? report));
}

/** The turn that at least half of the bursts show: the others may have met a new report on their way. */
function commonTurn(bursts: readonly bigint[][]): number | undefined {
  const turns = bursts.flatMap((burst) => turnOf(burst) ?? []);
  const times = (turn: number) => turns.filter((other) => other === turn).length;
  const [common] = [...new Set(turns)].sort((a, b) => times(b) - times(a));
  return common !== undefined && 2 * times(common) >= bursts.length ? common : undefined;
}

/** After how many answers a burst repeats itself; undefined where it does not, at least twice over. */
function turnOf(burst: readonly bigint[]): number | undefined {
  for (let turn = 2; turn * 2 <= burst.length; turn++) {
    if (burst.every((report, index) => index < turn || report === burst[index - turn])) return turn;
  }
  return undefined;
}
