import type { ErrorCode } from '../src/errors.ts';
import {
  type AnswerFacts,
  answersOf,
  type DateField,
  type DateForm,
  dateFormsOf,
  type FieldFacts,
  fieldsOf,
  isIdHonoured,
  type ListFacts,
  lastAnswer,
  listOf,
  type Refusal,
  refusalTo,
} from './answers.ts';
import { createNameCheck } from './harmless-names.ts';
import type { HttpVersion, ProbeResult } from './probe.ts';
import { type Exchange, observationsIn, type Recording, type Setting } from './recorder.ts';
import { type RestartFacts, type RunnerFacts, restartOf, runnerOf } from './restart-facts.ts';
import {
  type ClockOffset,
  controllerOffset,
  type Heartbeat,
  heartbeatsOf,
  nodeOffsets,
  type ReplicaFacts,
  replicasOf,
} from './timing.ts';

/**
 * What a survey found out: numbers, yes and no, the action's own words, version numbers, and names of API fields. It contains no text from
 * outside, so a report made from it contains no name, address, ID or secret.
 */
export interface Facts {
  readonly setting: Setting;
  readonly watchedMs: number;
  /** Why it ended early. */
  readonly problem: ErrorCode | undefined;
  readonly version: string | undefined;
  readonly httpVersion: HttpVersion | undefined;
  /** The answer to a request without credentials; undefined if the survey has none. */
  readonly withoutCredentials: Refusal | undefined;
  /** How the controller answers a request for an instance that does not exist. */
  readonly unknownInstance: Refusal | undefined;
  readonly nodeList: Refusal | undefined;
  readonly honoursId: boolean | undefined;
  readonly list: ListFacts | undefined;
  readonly answers: readonly AnswerFacts[];
  readonly fields: readonly FieldFacts[];
  readonly dates: Readonly<Record<DateField, readonly DateForm[]>>;
  readonly controllerClock: ClockOffset | undefined;
  readonly replicas: ReplicaFacts;
  readonly nodes: readonly NodeFacts[];
  readonly restart: RestartFacts | undefined;
  readonly runner: RunnerFacts | undefined;
}

export interface NodeFacts {
  readonly label: string;
  readonly isActive: boolean | undefined;
  readonly agentVersion: string | undefined;
  readonly heartbeat: Heartbeat | undefined;
  /** Compared with the controller's clock. */
  readonly clock: ClockOffset | undefined;
  readonly reach: ProbeResult | undefined;
}

/** Turns observations into facts. Pure. */
export function factsFrom(recording: Recording): Facts {
  const { recorder, epochAtZeroMs, setting, startedAt, endedAt } = recording;
  const { exchanges } = recorder;
  const quiet = beforeRestart(recording);
  const observations = observationsIn(quiet);
  const controllerClock = controllerOffset(exchanges, epochAtZeroMs);
  const heartbeats = heartbeatsOf(observations);
  const clocks = nodeOffsets(observations);
  return {
    setting,
    watchedMs: endedAt - startedAt,
    problem: recording.problem,
    version: exchanges.findLast(({ answer }) => answer?.version !== undefined)?.answer?.version,
    httpVersion: recording.httpVersion,
    withoutCredentials: refusalTo(exchanges, 'status', 'no credentials'),
    unknownInstance: refusalTo(exchanges, 'unknown'),
    nodeList: refusalTo(exchanges, 'nodes'),
    honoursId: isIdHonoured(quiet),
    list: listOf(exchanges),
    answers: answersOf(exchanges),
    fields: fieldFacts(recording),
    dates: dateFormsOf(observationsIn(exchanges).map(({ instance }) => instance)),
    controllerClock,
    replicas: replicasOf(observations),
    nodes: nodesOf(recording, { heartbeats, clocks }),
    restart: restartOf(recording, { controller: controllerClock, nodes: clocks, heartbeats }),
    runner: runnerOf(recording),
  };
}

/** A restart disturbs the report timing, so only earlier reports count. */
function beforeRestart({ recorder: { exchanges }, restart }: Recording): Exchange[] {
  const sentAt = restart?.outcome.moments.sent ?? Number.POSITIVE_INFINITY;
  return exchanges.filter(({ askedAt }) => askedAt < sentAt);
}

function fieldFacts({ recorder: { shapes, identifiers, words } }: Recording): FieldFacts[] {
  const isHarmless = createNameCheck({ identifiers, words });
  return [...shapes].flatMap(([call, shape]) =>
    call === 'restart' || call === 'unknown' ? [] : fieldsOf(call, shape, isHarmless),
  );
}

interface OfNodes {
  readonly heartbeats: ReadonlyMap<string, Heartbeat>;
  readonly clocks: ReadonlyMap<string, ClockOffset>;
}

function nodesOf({ recorder, probes }: Recording, { heartbeats, clocks }: OfNodes): NodeFacts[] {
  const labelOf = createLabels();
  const listed = lastAnswer(recorder.exchanges, 'nodes')?.nodes ?? [];
  const ids = new Set([...listed.map(({ id }) => id), ...heartbeats.keys()]);
  return [...ids].map((id) => {
    const node = listed.find((one) => one.id === id);
    return {
      label: labelOf(id),
      isActive: node?.isActive,
      agentVersion: node?.agentVersion,
      heartbeat: heartbeats.get(id),
      clock: clocks.get(id),
      reach: probes.find(({ instance }) => instance.nodeId === id)?.result,
    };
  });
}

/** Labels for names, assigned in the order of requests: A to Z, AA, AB, ... */
export function createLabels(): (name: string) => string {
  const known = new Map<string, string>();
  return (name) => {
    const label = known.get(name) ?? labelOf(known.size);
    known.set(name, label);
    return label;
  };
}

const LETTERS = 26;

function labelOf(index: number): string {
  const last = String.fromCharCode(65 + (index % LETTERS));
  return index < LETTERS ? last : labelOf(Math.floor(index / LETTERS) - 1) + last;
}
