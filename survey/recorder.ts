import type { Clock } from '../src/clock.ts';
import { parseEnvelope } from '../src/controller/envelope.ts';
import type { Instance } from '../src/controller/instance.ts';
import { readInstance, readList } from '../src/controller/instances.ts';
import type { ErrorCode } from '../src/errors.ts';
import type { VmOutcome } from '../src/fleet/step-outcome.ts';
import { isRecord } from '../src/http/json.ts';
import type { FaultNature } from '../src/http/retry.ts';
import type { Answer, HttpRequest, Transport } from '../src/http/transport.ts';
import type { HttpVersion, ProbeResult } from './probe.ts';
import { type JsonKind, mergeInto, shapeOf, wordsIn } from './shape.ts';
import { KNOWN_PLACES } from './simulated.ts';

/** The kind of request, by endpoint. */
export type Call = 'status' | 'list' | 'one' | 'unknown' | 'nodes' | 'restart' | 'handshake';

/** No instance has this ID: a request for it shows how the controller refuses. */
export const UNKNOWN_ID = '00000000-0000-4000-8000-000000000000';

/** The connection that carried it, and its purpose; for bursts also their number. */
export type Series = 'main' | 'no credentials' | `kept ${number}` | `new ${number}`;

/** A request and its result. Moments are milliseconds on the clock's scale. */
export interface Exchange {
  readonly call: Call;
  readonly series: Series;
  readonly askedAt: number;
  readonly answeredAt: number;
  readonly answer: SeenAnswer | undefined;
  /** Why there is no answer. */
  readonly fault: FaultNature | undefined;
}

/** The part of an answer that is kept. */
export interface SeenAnswer {
  readonly status: number;
  readonly bytes: number;
  /** The header Date, in milliseconds since the Unix epoch. */
  readonly dateMs: number | undefined;
  readonly envelope: 'OK' | 'FAIL' | 'none';
  readonly isList: boolean;
  readonly instances: readonly Instance[];
  /** How many entries of the list are not valid instances. */
  readonly unreadable: number;
  readonly nodes: readonly SeenNode[];
  readonly version: string | undefined;
}

export interface SeenNode {
  readonly id: string;
  /** Its other identifiers: its name, its address. */
  readonly names: readonly string[];
  readonly isActive: boolean;
  readonly agentVersion: string | undefined;
}

/** Everything that the survey saw, in order. */
export interface Recorder {
  readonly exchanges: Exchange[];
  /** For each call, the merged shapes of all answers. */
  readonly shapes: Map<Call, Map<string, Set<JsonKind>>>;
  /** Each instance as last seen: an hour of polling would fill the memory if each answer kept its own copy. */
  readonly known: Map<string, Instance>;
  /** Secrets, identifiers and hosts in the traffic: none of them may appear in the report. */
  readonly identifiers: Set<string>;
  /** Words of all texts in the answers, in lower case: none of them may appear in the report either. */
  readonly words: Set<string>;
}

export function createRecorder(): Recorder {
  return { exchanges: [], shapes: new Map(), known: new Map(), identifiers: new Set(), words: new Set() };
}

export interface RecordingOptions {
  readonly recorder: Recorder;
  readonly clock: Clock;
  readonly series: Series;
}

/** The same transport, which records every request and answer. */
export function recordTo(transport: Transport, { recorder, clock, series }: RecordingOptions): Transport {
  return {
    close: transport.close,
    renewConnections: transport.renewConnections,
    async send(request, bounds) {
      const call = callOf(request);
      const askedAt = clock.now();
      const result = await transport.send(request, bounds);
      const answeredAt = clock.now();
      const answer = 'answer' in result ? noteAnswer(recorder, request, result.answer) : undefined;
      const fault = 'answer' in result ? undefined : result.noAnswer.nature;
      recorder.exchanges.push({ call, series, askedAt, answeredAt, answer, fault });
      return result;
    },
  };
}

function noteAnswer(recorder: Recorder, request: HttpRequest, answer: Answer): SeenAnswer {
  const call = callOf(request);
  const seen = seenAnswer(request, answer, call);
  const instances = seen.instances.map((instance) => asKnown(recorder, instance));
  for (const instance of instances) noteIdentifiers(recorder, instance);
  for (const { id, names } of seen.nodes) for (const text of [id, ...names]) recorder.identifiers.add(text);
  if (call !== 'handshake') {
    noteShape(recorder, call, bodyOf(answer));
    noteWords(recorder, parseEnvelope(answer));
  }
  return { ...seen, instances };
}

function noteShape({ shapes }: Recorder, call: Call, body: unknown): void {
  if (body === undefined) return;
  const shape = shapes.get(call) ?? new Map();
  shapes.set(call, shape);
  mergeInto(
    shape,
    shapeOf(body, (place) => KNOWN_PLACES[call]?.has(place) ?? false),
  );
}

const DATE = /^\d{4}-\d\d-\d\dT/;

/** All texts, at any depth; only dates contain no words. */
function noteWords(recorder: Recorder, value: unknown): void {
  if (typeof value === 'string' && !DATE.test(value))
    for (const word of wordsIn(value)) recorder.words.add(word);
  if (Array.isArray(value)) for (const item of value) noteWords(recorder, item);
  else if (isRecord(value)) for (const item of Object.values(value)) noteWords(recorder, item);
}

function bodyOf(answer: Answer): unknown {
  const envelope = parseEnvelope(answer);
  return envelope?.status === 'OK' ? envelope.body : undefined;
}

/** The previous object itself if nothing has changed. */
function asKnown({ known }: Recorder, instance: Instance): Instance {
  const before = known.get(instance.instanceId);
  if (before !== undefined && wording(before) === wording(instance)) return before;
  known.set(instance.instanceId, instance);
  return instance;
}

function wording(instance: Instance): string {
  return JSON.stringify(instance, (_, value) => (typeof value === 'bigint' ? String(value) : value));
}

function callOf({ method, path }: HttpRequest): Call {
  const [pathname = '', query] = path.split('?');
  if (pathname.startsWith('/tap/')) return 'handshake';
  if (method === 'POST') return 'restart';
  if (pathname.endsWith('/status')) return 'status';
  if (pathname.endsWith('/node')) return 'nodes';
  if (query === undefined) return 'list';
  return query.endsWith(UNKNOWN_ID) ? 'unknown' : 'one';
}

function noteIdentifiers({ identifiers }: Recorder, instance: Instance): void {
  const { instanceId, externalId, name, nodeId, hostIp, ip } = instance;
  for (const text of [instanceId, externalId, name, nodeId, hostIp, ip])
    if (text !== undefined) identifiers.add(text);
}

function seenAnswer(request: HttpRequest, answer: Answer, call: Call): SeenAnswer {
  const envelope = parseEnvelope(answer);
  const body = call === 'handshake' ? undefined : bodyOf(answer);
  const dateMs = Date.parse(answer.headers['date'] ?? '');
  const isList = Array.isArray(body);
  const instances = call === 'list' || call === 'one' ? readAll(body, request.path) : [];
  return {
    status: answer.status,
    bytes: Buffer.byteLength(answer.text),
    dateMs: Number.isNaN(dateMs) ? undefined : dateMs,
    envelope: envelope === undefined ? 'none' : envelope.status === 'OK' ? 'OK' : 'FAIL',
    isList,
    instances,
    unreadable: call === 'list' && isList ? body.length - instances.length : 0,
    nodes: call === 'nodes' && isList ? body.flatMap(nodeFrom) : [],
    version: call === 'status' && isRecord(body) ? versionIn(body['version']) : undefined,
  };
}

/** Read in the same way as by the action. */
function readAll(body: unknown, path: string): Instance[] {
  if (!Array.isArray(body)) {
    const id = new URLSearchParams(path.split('?')[1]).get('id') ?? '';
    return orNone(() => readInstance(body, id));
  }
  return body.flatMap((item) => {
    const id = idIn(item);
    return orNone(() => readList([item]).matching({ by: 'instance_id', id })[0]);
  });
}

function orNone(read: () => Instance | undefined): Instance[] {
  try {
    const instance = read();
    return instance === undefined ? [] : [instance];
  } catch {
    return [];
  }
}

function idIn(item: unknown): string {
  if (!isRecord(item)) return '';
  const inner = isRecord(item['vm']) ? item['vm']['instance_id'] : undefined;
  return String(item['instance_id'] ?? inner ?? '');
}

function nodeFrom(item: unknown): SeenNode[] {
  if (!isRecord(item) || typeof item['node_id'] !== 'string') return [];
  const { node_id: id, state, agent_version: agentVersion } = item;
  const names = [item['node_name'], item['ip_address']].filter((text) => typeof text === 'string');
  return [{ id, names, isActive: state === 'Active', agentVersion: versionIn(agentVersion) }];
}

/** The numbers of `1.50.1-5e3c3f5b`: the rest may reveal more than the version. Four numbers would be an address. */
function versionIn(value: unknown): string | undefined {
  return /^v?(\d{1,4}\.\d{1,4}(?:\.\d{1,4})?)(?![\d.])/.exec(String(value))?.[1];
}

/** From the last good answer to such a request; none before the first one. */
export function lastInstances({ exchanges }: Recorder, call: 'list' | 'one'): readonly Instance[] {
  return (
    exchanges.findLast((exchange) => exchange.call === call && exchange.answer?.envelope === 'OK')?.answer
      ?.instances ?? []
  );
}

/** An attempt to reach a VM's SSH server. Moments are milliseconds on the clock's scale. */
export interface ProbeNote {
  readonly at: number;
  readonly instance: Instance;
  /** Whether it used a port from before the restart, or the current port. */
  readonly isFormerPort: boolean;
  readonly result: ProbeResult;
}

/** What GitHub showed about the runner. */
export interface RunnerReading {
  readonly at: number;
  readonly matches: number;
  /** Undefined unless there is exactly one. */
  readonly id: number | undefined;
  readonly isOnline: boolean;
  readonly isBusy: boolean;
}

export interface RestartNotes {
  readonly before: Instance | undefined;
  readonly outcome: VmOutcome;
}

/** Everything that a survey saw. It contains names, addresses and IDs, so only facts.ts may read it. */
export interface Recording {
  readonly recorder: Recorder;
  readonly setting: Setting;
  /** This machine's wall clock in milliseconds since the Unix epoch, minus its monotonic clock. */
  readonly epochAtZeroMs: number;
  readonly startedAt: number;
  endedAt: number;
  httpVersion: HttpVersion | undefined;
  /** Probes from this machine: one per node, and those during a restart. */
  readonly probes: ProbeNote[];
  readonly restartProbes: ProbeNote[];
  readonly runnerReadings: RunnerReading[];
  restart: RestartNotes | undefined;
  /** Why it ended early, if it did. */
  problem: ErrorCode | undefined;
}

/** How the survey reached the controller, as far as a report can say. */
export interface Setting {
  readonly scheme: 'http' | 'https';
  readonly authentication: 'none' | 'root_token' | 'api_key';
  readonly hasClientCertificate: boolean;
  readonly hasOwnCa: boolean;
  readonly skipsVerification: boolean;
  readonly hasProxy: boolean;
  readonly hasPrefix: boolean;
  readonly hasHeaders: boolean;
  readonly hasRunner: boolean;
}

/** An instance as one answer showed it. Moments are milliseconds on the clock's scale. */
export interface Observation {
  readonly instance: Instance;
  readonly series: Series;
  readonly askedAt: number;
  readonly answeredAt: number;
}

/** In the order of the answers. */
export function observationsIn(exchanges: readonly Exchange[]): Observation[] {
  return exchanges.flatMap(({ answer, series, askedAt, answeredAt }) =>
    (answer?.instances ?? []).map((instance) => ({ instance, series, askedAt, answeredAt })),
  );
}

/** Groups items by a name, such as the instance's ID, and omits those without a name. */
export function groupObservations(
  observations: readonly Observation[],
  nameOf: (instance: Instance) => string | undefined,
): Map<string, Observation[]> {
  const groups = new Map<string, Observation[]>();
  for (const observation of observations) {
    const name = nameOf(observation.instance);
    if (name === undefined) continue;
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [observation]);
    else group.push(observation);
  }
  return groups;
}

/** The middle one of some numbers; undefined if there are none. */
export function median(values: readonly number[]): number | undefined {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)];
}
