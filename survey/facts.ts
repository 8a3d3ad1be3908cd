import type { ErrorCode } from '../src/errors.ts';
import {
  type AnswerFacts,
  answersOf,
  isIdHonoured,
  type ListFacts,
  lastAnswer,
  listOf,
  type Refusal,
  refusalTo,
} from './answer-facts.ts';
import { type ClockOffset, controllerOffset, nodeOffsets } from './clock-offsets.ts';
import type { HttpVersion } from './connections.ts';
import { type DateField, type DateForm, dateFormsOf } from './date-forms.ts';
import { createNameCheck, type FieldFacts, fieldsOf } from './fields.ts';
import { type Heartbeat, heartbeatsOf } from './heartbeats.ts';
import type { KnockResult } from './knock.ts';
import { createLetters } from './letters.ts';
import type { Exchange } from './notebook.ts';
import type { Observations, Setting } from './observations.ts';
import { type ReplicaFacts, replicasOf } from './replicas.ts';
import { type RestartFacts, restartOf } from './restart-facts.ts';
import { type RunnerFacts, runnerOf } from './runner-facts.ts';
import { sightingsIn } from './sightings.ts';

/**
 * What a survey found out: numbers, yes and no, words of the action's own, numbers of versions, and names of fields of the API. There is
 * no text from outside in it, so that a report made of it holds no name, address, ID or secret.
 */
export interface Facts {
  readonly setting: Setting;
  readonly watchedMs: number;
  /** Why it ended before its time. */
  readonly problem: ErrorCode | undefined;
  readonly version: string | undefined;
  readonly httpVersion: HttpVersion | undefined;
  /** How whoever has no token and no key is told so; undefined where none was given anyway. */
  readonly stranger: Refusal | undefined;
  /** How the controller says that there is no such instance. */
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
  readonly letter: string;
  readonly isActive: boolean | undefined;
  readonly agentVersion: string | undefined;
  readonly heartbeat: Heartbeat | undefined;
  /** Against the controller's clock. */
  readonly clock: ClockOffset | undefined;
  readonly reach: KnockResult | undefined;
}

/** Makes facts of what was observed. Pure. */
export function factsFrom(observations: Observations): Facts {
  const { notebook, epochAtZeroMs, setting, startedAt, endedAt } = observations;
  const { exchanges } = notebook;
  const quiet = beforeRestart(observations);
  const sightings = sightingsIn(quiet);
  const controllerClock = controllerOffset(exchanges, epochAtZeroMs);
  const heartbeats = heartbeatsOf(sightings);
  const clocks = nodeOffsets(sightings);
  return {
    setting,
    watchedMs: endedAt - startedAt,
    problem: observations.problem,
    version: exchanges.findLast(({ answer }) => answer?.version !== undefined)?.answer?.version,
    httpVersion: observations.httpVersion,
    stranger: refusalTo(exchanges, 'status', 'stranger'),
    unknownInstance: refusalTo(exchanges, 'unknown'),
    nodeList: refusalTo(exchanges, 'nodes'),
    honoursId: isIdHonoured(quiet),
    list: listOf(exchanges),
    answers: answersOf(exchanges),
    fields: fieldFacts(observations),
    dates: dateFormsOf(sightingsIn(exchanges).map(({ instance }) => instance)),
    controllerClock,
    replicas: replicasOf(sightings),
    nodes: nodesOf(observations, { heartbeats, clocks }),
    restart: restartOf(observations, { controller: controllerClock, nodes: clocks, heartbeats }),
    runner: runnerOf(observations),
  };
}

/** What a restart brings out of step says nothing about the usual course of things. */
function beforeRestart({ notebook: { exchanges }, restart }: Observations): Exchange[] {
  const sentAt = restart?.outcome.moments.sent ?? Number.POSITIVE_INFINITY;
  return exchanges.filter(({ askedAt }) => askedAt < sentAt);
}

function fieldFacts({ notebook: { shapes, identifiers } }: Observations): FieldFacts[] {
  const isHarmless = createNameCheck(identifiers);
  return [...shapes].flatMap(([call, shape]) =>
    call === 'restart' || call === 'unknown' ? [] : fieldsOf(call, shape, isHarmless),
  );
}

interface OfNodes {
  readonly heartbeats: ReadonlyMap<string, Heartbeat>;
  readonly clocks: ReadonlyMap<string, ClockOffset>;
}

function nodesOf({ notebook, knocks }: Observations, { heartbeats, clocks }: OfNodes): NodeFacts[] {
  const letterOf = createLetters();
  const listed = lastAnswer(notebook.exchanges, 'nodes')?.nodes ?? [];
  const ids = new Set([...listed.map(({ id }) => id), ...heartbeats.keys()]);
  return [...ids].map((id) => {
    const node = listed.find((one) => one.id === id);
    return {
      letter: letterOf(id),
      isActive: node?.isActive,
      agentVersion: node?.agentVersion,
      heartbeat: heartbeats.get(id),
      clock: clocks.get(id),
      reach: knocks.find(({ instance }) => instance.nodeId === id)?.result,
    };
  });
}
