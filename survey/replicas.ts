import { compareInstants } from '../src/instant.ts';
import { isOlder } from '../src/restart/ordering.ts';
import { groupSightings, type Sighting } from './sightings.ts';

/** What answers that step back tell of the controller's replicas. */
export interface ReplicaFacts {
  readonly answers: number;
  /** Answers that were older than one before them; over connections of their own, of how many of those. */
  readonly stepsBack: number;
  readonly stepsBackOnNewConnections: number;
  /** Different states of knowledge that were seen at the same time, at most. */
  readonly atLeast: number;
  /** After so many questions the same replica has its turn again; undefined where no such turns were seen. */
  readonly inTurn: number | undefined;
  /** So long after a newer report was seen an answer still lacked it: in milliseconds. */
  readonly lagMs: number | undefined;
}

export function replicasOf(sightings: readonly Sighting[]): ReplicaFacts {
  const histories = [...groupSightings(sightings, ({ instanceId }) => instanceId).values()];
  const stale = histories.flatMap(outdatedIn);
  const bursts = histories.flatMap(burstsIn).filter((burst) => new Set(burst).size > 1);
  const turns = bursts.flatMap((burst) => turnOf(burst) ?? []);
  const lags = stale.map(({ lagMs }) => lagMs);
  return {
    answers: sightings.length,
    stepsBack: stale.length,
    stepsBackOnNewConnections: stale.filter(({ series }) => series.startsWith('new')).length,
    atLeast: Math.max(stale.length > 0 ? 2 : 1, ...bursts.map((burst) => new Set(burst).size), ...turns),
    inTurn: mostFrequent(turns),
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

/** What each burst of questions in a row told of one instance: the reports, by their number. */
function burstsIn(history: readonly Sighting[]): number[][] {
  const bursts = new Map<string, number[]>();
  const reports = history.map(({ instance }) => instance.reportedAt ?? instance.updatedAt);
  history.forEach(({ series }, index) => {
    if (!/\d/.test(series)) return;
    const report = reports[index];
    const number = reports.findIndex((one) => one && report && compareInstants(one, report) === 0);
    bursts.set(series, [...(bursts.get(series) ?? []), number]);
  });
  return [...bursts.values()];
}

/** After how many answers a burst repeats itself; undefined where it does not, at least twice over. */
function turnOf(burst: readonly number[]): number | undefined {
  for (let turn = 2; turn * 2 <= burst.length; turn++) {
    if (burst.every((report, index) => index < turn || report === burst[index - turn])) return turn;
  }
  return undefined;
}

function mostFrequent(values: readonly number[]): number | undefined {
  const times = (value: number) => values.filter((other) => other === value).length;
  return [...new Set(values)].sort((a, b) => times(b) - times(a))[0];
}
